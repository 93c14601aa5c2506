"""The one full pass: what holds for every row of each column.

Work on cells is left to C (`map`, `set`, `str.join`, `float`), work in Python is per chunk or per distinct value.
"""

import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Any

import progress
from answers import Refusal
from dates import DateScan
from names import word_set, words_of
from sample import SpreadSample
from table import Table

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "?", "<NA>", "#N/A")
MISSING_SET = frozenset(MISSING)
LEVELS_KEPT = 100
MOST_ODD_TOKENS = 20
FEWEST_ROWS = 30
EXACT = 2**53  # whole numbers up to here are exact as floats
LARGEST = 3.4028234663852886e38  # of the numbers of 32 bits; a project trains on none beyond
SEPARATOR = "\x1f"
BLANKS = " \t\n\r\v\f\x1c\x1d\x1e"
NUMBER_LIKE = re.compile(r"[0-9eE.+\-\x1f]*")
INTEGER_LIKE = re.compile(r"[0-9+\-\x1f]*")
PADDED = re.compile(r"\x1f[+-]?0[0-9]")
DATE_WORDS = word_set("date day datum dt jour fecha data timestamp ts time ymd on at")


@dataclass
class Column:
    """What is known of a column while its rows pass by."""

    name: str
    position: int
    decimal: str
    dates: DateScan
    rows: int = 0
    absent: Counter[str] = field(default_factory=Counter)  # rows without a value, by its spelling
    levels: Counter[str] | None = field(default_factory=Counter)  # none once there are too many
    seen: set[str] | None = field(default_factory=set)  # none once a value came twice
    is_number: bool = True
    is_integer: bool = True
    low: float = float("inf")
    high: float = float("-inf")
    odd: Counter[str] = field(default_factory=Counter)  # what is no number in a column of numbers
    longest: int = 0
    text_digest: Any = field(default_factory=hashlib.blake2b)
    number_digest: Any = field(default_factory=hashlib.blake2b)

    def absorb(self, cells: Sequence[str]) -> None:
        """Take in the cells of some rows."""
        self.rows += len(cells)
        joined = SEPARATOR.join(cells)
        separators = joined.count(SEPARATOR) - len(cells) + 1  # inside of cells
        if separators or not joined.isascii() or any(map(joined.__contains__, BLANKS)):  # else nothing to strip
            cells = list(map(str.strip, cells))
            joined = SEPARATOR.join(cells)
        self.text_digest.update((joined + SEPARATOR).encode("utf-8", "surrogatepass"))
        distinct = set(cells)
        absent = distinct & MISSING_SET
        present = list(filterfalse(absent.__contains__, cells)) if absent else cells
        for token in absent:
            self.absent[token] += cells.count(token)
        self.longest = max(self.longest, max(map(len, distinct)))
        self._track_repeats(cells, distinct, bool(absent))
        if self.levels is not None:
            if len(distinct) > LEVELS_KEPT:
                self.levels = None
            else:
                self.levels.update(present)
                self.levels = self.levels if len(self.levels) <= LEVELS_KEPT else None
        if not present:
            self.number_digest.update(b"missing" * len(cells))
            return
        if self.dates.possible:
            self.dates.possible = self.dates.eight_digits or not self._one_number(present[0])
            self.dates.absorb(distinct - absent)
        if self.is_number:
            self._absorb_numbers(cells, present, joined, absent)

    def _track_repeats(self, cells: Sequence[str], distinct: set[str], absent: bool) -> None:
        if self.seen is None:
            return
        if absent or len(distinct) < len(cells) or not self.seen.isdisjoint(distinct):
            self.seen = None
        else:
            self.seen |= distinct

    def _one_number(self, token: str) -> bool:
        return as_number(token, self.decimal) is not None

    def _absorb_numbers(self, cells: Sequence[str], present: Sequence[str], joined: str, absent: set[str]) -> None:
        text = SEPARATOR + (joined if not absent else SEPARATOR.join(present))
        numbers = self._read(text, len(present))
        if numbers is None:
            bad = {token for token in set(present) if not self._one_number(token)}
            self.odd.update(filter(bad.__contains__, present))
            if len(self.odd) > MOST_ODD_TOKENS:
                self.is_number = False
                return
            absent = absent | bad
            good = list(filterfalse(bad.__contains__, present))
            if not good:
                self.number_digest.update(b"missing" * len(cells))
                return
            text = SEPARATOR + SEPARATOR.join(good)
            numbers = self._read(text, len(good))
            if numbers is None:
                self.is_number = False
                return
        self.is_integer = self.is_integer and INTEGER_LIKE.fullmatch(text) is not None
        if not self.is_integer:
            self.seen = None  # a float is never an identifier
        self.low, self.high = min(self.low, min(numbers)), max(self.high, max(numbers))
        self.number_digest.update(numbers.tobytes())
        if absent:
            self.number_digest.update(bytes(map(absent.__contains__, cells)))

    def _read(self, text: str, count: int) -> "array[float] | None":
        """Read numbers at C speed; none if one of them is something else. 00123 is a code, 1_000 and inf are text."""
        if self.decimal == ",":
            if "." in text:
                return None
            text = text.replace(",", ".")
        if not NUMBER_LIKE.fullmatch(text) or PADDED.search(text):
            return None
        try:
            numbers = array("d", map(float, text[1:].split(SEPARATOR)))
        except ValueError:
            return None
        return None if len(numbers) != count or max(max(numbers), -min(numbers)) > LARGEST else numbers

    def take_for_a_value(self, token: str) -> None:
        """Make a spelling of "no value" one of the values after all."""
        assert self.levels is not None
        self.levels[token] = self.absent.pop(token)

    @property
    def missing(self) -> int:
        """Number of rows without a value."""
        return self.absent.total()

    @property
    def present(self) -> int:
        """Number of rows with a value."""
        return self.rows - self.missing


def as_number(token: str, decimal: str) -> float | None:
    """Read one number, as strictly as the pass does."""
    if decimal == ",":
        if "." in token:
            return None
        token = token.replace(",", ".")
    if not NUMBER_LIKE.fullmatch(token) or PADDED.search(SEPARATOR + token):
        return None
    try:
        number = float(token)
    except ValueError:
        return None
    return number if abs(number) <= LARGEST else None


@dataclass(frozen=True)
class Scan:
    """The result of the pass."""

    rows: int
    columns: tuple[Column, ...]
    sample: tuple[tuple[str, ...], ...]  # columns of stripped cells, the same rows in each


def scan(table: Table) -> Scan:
    """Read the whole table once."""
    columns = [
        Column(name, position, table.decimal, DateScan(bool(DATE_WORDS & set(words_of(name)))))
        for position, name in enumerate(table.names)
    ]
    sample = SpreadSample(len(columns))
    rows = 0
    for chunk in table.chunks():
        for column, cells in zip(columns, zip(*chunk, strict=True), strict=True):
            column.absorb(cells)
        sample.absorb(chunk)
        rows += len(chunk)
        if rows * len(columns) >= progress.MANY_CELLS:
            progress.show(f"reading {table.path.name}: {rows:,} rows")
    if rows * len(columns) >= progress.MANY_CELLS:
        progress.finish(f"reading {table.path.name}: {rows:,} rows, done")
    if rows < FEWEST_ROWS:
        found = "a header and no rows" if not rows else f"{rows} rows"
        raise Refusal(f"{table.path.name} has {found}: at least {FEWEST_ROWS} rows are needed to learn and to test.")
    return Scan(rows, tuple(columns), sample.columns())
