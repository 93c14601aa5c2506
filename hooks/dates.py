"""Dates as people write them: which strptime formats a column's values follow, and how early they begin."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

MOST_FORMATS = 3
ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")
DAY_MONTH_FIRST = re.compile(r"(\d{1,2})([/-])(\d{1,2})[/-]\d{4}")
DATE_PARTS = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "%Y-%m-%d"),
    (re.compile(r"\d{1,2}\.\d{1,2}\.\d{4}"), "%d.%m.%Y"),
    (re.compile(r"\d{4}/\d{1,2}/\d{1,2}"), "%Y/%m/%d"),
    (re.compile(r"\d{1,2}/\d{1,2}/\d{4}"), "DM/%Y"),
    (re.compile(r"\d{1,2}-\d{1,2}-\d{4}"), "DM-%Y"),
    (re.compile(r"\d{1,2} [A-Za-z]{3} \d{4}"), "%d %b %Y"),
    (re.compile(r"\d{1,2}-[A-Za-z]{3}-\d{4}"), "%d-%b-%Y"),
    (re.compile(r"[A-Za-z]{3} \d{1,2}, \d{4}"), "%b %d, %Y"),
    (re.compile(r"\d{1,2} [A-Za-z]{4,9} \d{4}"), "%d %B %Y"),
    (re.compile(r"[A-Za-z]{4,9} \d{1,2}, \d{4}"), "%B %d, %Y"),
    (re.compile(r"\d{8}"), "%Y%m%d"),
)
TIME_PARTS = (
    (re.compile(r"\d\d:\d\d"), "%H:%M"),
    (re.compile(r"\d\d:\d\d:\d\d"), "%H:%M:%S"),
    (re.compile(r"\d\d:\d\d:\d\d\.\d{1,9}"), "%H:%M:%S.%f"),
)
TIME = re.compile(r"(.*\d)([T ])(\d\d:\d\d[\d:.]*)(Z|[+-]\d\d:?\d\d)?")


@dataclass
class DateScan:
    """What is known of a column while its values pass by."""

    eight_digits: bool  # whether 20240131 may be a date, which the column's name decides
    formats: Counter[str] = field(default_factory=Counter)
    ends: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    possible: bool = True

    def absorb(self, tokens: Iterable[str]) -> None:
        """Take in distinct values; the first one that is no date ends the search."""
        if not self.possible:
            return
        shapes: dict[str, str | None] = {}
        for token in tokens:
            shape = re.sub(r"\d", "0", token)
            if shape not in shapes:
                shapes[shape] = format_of(token)
            form = shapes[shape]
            if form is None or (form == "%Y%m%d" and not self.eight_digits) or not self._count(token, form):
                self.possible = False
                return
            if len(self.formats) > 2 * MOST_FORMATS:
                self.possible = False
                return

    def _count(self, token: str, form: str) -> bool:
        self.formats[form] += 1
        options = (form.replace("DM", "%d{0}%m"), form.replace("DM", "%m{0}%d")) if form.startswith("DM") else (form,)
        found = False
        for option in options:
            option = option.format(form[2]) if form.startswith("DM") else option
            try:
                when = datetime.fromisoformat(token) if ISO.fullmatch(token) else datetime.strptime(token, option)
            except ValueError:
                self.ends[option] = (datetime.max, datetime.min)  # so that this order of day and month is out
                continue
            found = True
            low, high = self.ends.get(option, (when, when))
            if low <= high:
                self.ends[option] = (min(low, when), max(high, when))
        return found

    def settle(self) -> "Dates | None":
        """Decide over the whole column."""
        if not self.possible or not self.formats:
            return None
        chosen, unsure = [], False
        for form, _ in sorted(self.formats.items(), key=lambda item: (-item[1], item[0])):
            options = [form]
            if form.startswith("DM"):
                options = [form.replace("DM", order.format(form[2])) for order in ("%d{0}%m", "%m{0}%d")]
                options = [option for option in options if self.ends[option][0] <= self.ends[option][1]]
                unsure = unsure or len(options) == 2
            if not options:
                return None  # days stand first in some rows and second in others
            chosen.append(options[0])
        if len(chosen) > MOST_FORMATS:
            return None
        lows, highs = zip(*(self.ends[form] for form in chosen), strict=True)
        return Dates(tuple(chosen), min(lows), max(highs), any("%H" in form for form in chosen), unsure)


@dataclass(frozen=True)
class Dates:
    """A column of dates."""

    formats: tuple[str, ...]
    first: datetime
    last: datetime
    with_time: bool
    unsure: bool  # day and month could be the other way round

    def read(self, token: str) -> datetime | None:
        """Read one value."""
        if ISO.fullmatch(token):
            return datetime.fromisoformat(token)
        for form in self.formats:
            try:
                return datetime.strptime(token, form)
            except ValueError:
                continue
        return None


def format_of(token: str) -> str | None:
    """Return the format of one value; `DM` stands where day and month could be either way round."""
    match = TIME.fullmatch(token)
    date_text, time_form = token, ""
    if match:
        date_text = match[1]
        time_part = next((form for pattern, form in TIME_PARTS if pattern.fullmatch(match[3])), None)
        if time_part is None:
            return None
        time_form = match[2] + time_part + (match[4] or "")  # a zone is kept as it is written
    date_form = next((form for pattern, form in DATE_PARTS if pattern.fullmatch(date_text)), None)
    if date_form is None or (time_form and date_form == "%Y%m%d"):
        return None
    return date_form + time_form
