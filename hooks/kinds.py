"""From what the pass found to a column's type and limits, as the contract states them."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from columns import EXACT, PADDED, SEPARATOR, Column
from dates import Dates

MOST_CATEGORIES = 50
ROWS_PER_CATEGORY = 5
NUMBER_SHARE = 0.95
TRUE = frozenset({"yes", "y", "true", "t", "1", "1.0"})
FALSE = frozenset({"no", "n", "false", "f", "0", "0.0"})
THOUSANDS = re.compile(r"[+-]?\d{1,3}(([,. ']\d{3})+([.,]\d+)?)")


@dataclass(frozen=True)
class Kind:
    """A column's type and limits."""

    logical_type: str
    required: bool
    enum: tuple[str, ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    max_length: int | None = None
    true_values: tuple[str, ...] = ()
    false_values: tuple[str, ...] = ()
    dates: Dates | None = None
    missing_values: tuple[str, ...] = ()
    free_text: bool = False
    seen: str = ""

    @property
    def is_numeric(self) -> bool:
        """Say whether values are numbers."""
        return self.logical_type in ("integer", "number")


def decide_kind(column: Column, sample: tuple[str, ...]) -> Kind:
    """Decide the type of a column that is not the target."""
    required = column.missing == 0
    if not column.present:
        return Kind("string", required=False)
    dates = column.dates.settle()
    if dates:
        return date_kind(dates, required)
    folded = {level.casefold() for level in column.levels or ()}
    if folded and folded <= TRUE | FALSE and folded & TRUE and folded & FALSE:
        levels = sorted(column.levels or ())
        return Kind(
            "boolean",
            required,
            true_values=tuple(level for level in levels if level.casefold() in TRUE),
            false_values=tuple(level for level in levels if level.casefold() in FALSE),
        )
    if is_number(column):
        return number_kind(column)
    return text_kind(column, sample, required)


def is_number(column: Column) -> bool:
    """Say whether nearly all values are numbers, and the others no codes and no numbers in another writing."""
    if not column.is_number or column.present - column.odd.total() < NUMBER_SHARE * column.present:
        return False
    if column.is_integer and max(abs(column.low), abs(column.high)) > EXACT:
        return False
    return not any(PADDED.search(SEPARATOR + token) or THOUSANDS.fullmatch(token) for token in column.odd)


def number_kind(column: Column) -> Kind:
    """Return the range as seen, widened by its own width on both sides."""
    minimum, maximum = widen(column.low, column.high, column.is_integer)
    odd = tuple(sorted(column.odd))
    return Kind(
        "integer" if column.is_integer else "number",
        required=column.missing == 0 and not odd,
        minimum=minimum,
        maximum=maximum,
        missing_values=odd,
        seen=f"{plain(column.low)} to {plain(column.high)}",
    )


def widen(low: float, high: float, whole: bool) -> tuple[str | None, str | None]:
    """Widen a range so that ordinary growth stays inside and a change of unit does not; zero stays a border."""
    bottom, top = Decimal(repr(low)), Decimal(repr(high))
    width = top - bottom
    if not width:
        return None, None
    step = Decimal(10) ** (width.adjusted() - 2)
    step = max(step, Decimal(1)) if whole else step
    lower = ((bottom - width) / step).to_integral_value(ROUND_FLOOR) * step
    upper = ((top + width) / step).to_integral_value(ROUND_CEILING) * step
    lower = max(lower, Decimal(0)) if low >= 0 else lower
    upper = min(upper, Decimal(0)) if high <= 0 else upper
    return plain(float(lower)), plain(float(upper))


def plain(number: float) -> str:
    """Write a number as people and YAML do."""
    if number == int(number) and abs(number) < 1e16:
        return str(int(number))
    text = repr(number)
    return text if "e" not in text or "." in text else text.replace("e", ".0e")  # YAML takes 1e-07 for text


def date_kind(dates: Dates, required: bool) -> Kind:
    """Return a date, or a date with time; only its beginning is a limit, since tables grow."""
    return Kind(
        "timestamp" if dates.with_time else "date",
        required,
        minimum=iso(dates.first, dates.with_time),
        dates=dates,
        seen=f"{iso(dates.first, dates.with_time)} to {iso(dates.last, dates.with_time)}",
    )


def iso(when: datetime, with_time: bool) -> str:
    """Write a date as ISO text, whole seconds rounded down."""
    return when.replace(microsecond=0).isoformat() if with_time else when.date().isoformat()


def text_kind(column: Column, sample: tuple[str, ...], required: bool) -> Kind:
    """Return a category with all its levels, one with too many of them to list, or free text."""
    levels = column.levels
    if levels is not None and len(levels) <= MOST_CATEGORIES and len(levels) * ROWS_PER_CATEGORY <= column.present:
        return Kind("string", required, enum=tuple(sorted(levels)))
    values = [value for value in sample if value]
    distinct = len(set(values))
    words = sum(len(value.split()) for value in values) / max(len(values), 1)
    characters = sum(map(len, values)) / max(len(values), 1)
    never_twice = column.seen is not None or (distinct > 0.9 * len(values) and len(values) == column.present)
    free = distinct > 0.5 * len(values) and (words >= 3 or characters > 40 or never_twice)
    return Kind("string", required, max_length=2 * column.longest, free_text=free)


def label_kind(column: Column) -> Kind:
    """Return the target of a classification: its labels are names, also where they look like numbers."""
    return Kind("string", required=column.missing == 0, enum=tuple(sorted(column.levels or ())))
