"""One role for every column: set apart with a reason, or a feature."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import names
from answers import Refusal
from columns import MISSING_SET, Column, Scan
from kinds import Kind, decide_kind, label_kind, number_kind
from leaks import find_leaks, labelled
from split import evaluation_from
from table import Table
from task import NONE, Task

MOST_SLICES = 4
SLICE_LEVELS = range(2, 13)
SLICE_SHARE = 0.05  # of the second largest level
ENTITY_LEVELS = 30
PATTERN_SHARE = 0.8
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
PHONE = re.compile(r"(\+|00)\d[\d ()/.-]{6,18}\d|\(\d{2,5}\) ?\d[\d /.-]{4,14}\d")
DIGITS = re.compile(r"\+?[\d ()/.-]{6,20}")
PERSON = re.compile(r"[^\W\d_][\w'.-]+,?( [^\W\d_][\w'.-]*){1,3}")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Property:
    """One column of the contract."""

    name: str
    kind: Kind
    roles: tuple[str, ...] = ("feature",)
    comment: str = ""
    unique: bool = False
    restricted: bool = False
    suspected_leak: str = ""
    positive_class: str | None = None


@dataclass(frozen=True)
class Judged:
    """All columns, and where a split by time falls."""

    properties: tuple[Property, ...]
    evaluation_from: date | None

    def with_role(self, role: str) -> list[Property]:
        """Return the columns that have a role."""
        return [entry for entry in self.properties if role in entry.roles]


def assign_roles(scan: Scan, table: Table, task: Task) -> Judged:
    """Decide the role of every column."""
    entries: dict[str, Property] = {}
    sample = dict(zip(table.names, scan.sample, strict=True))
    first_with: dict[bytes, str] = {}
    target = next(column for column in scan.columns if column.name == task.target)
    first_with[digest(target)] = target.name
    for column in scan.columns:
        if column is target:
            kind = number_kind(column) if task.name == "regression" else label_kind(column)
            note = gaps(column, task)
            entries[column.name] = Property(column.name, kind, ("target",), note, positive_class=task.positive_class)
            continue
        kind = decide_kind(column, sample[column.name])
        if task.none_is_a_class and NONE in column.absent:
            kind = replace(kind, missing_values=(NONE,))  # here it stays a gap
        entry = Property(column.name, kind)
        entries[column.name] = set_apart(entry, column, sample[column.name], first_with, task.target)
    choose_entity(entries, scan.columns)
    split = choose_time(entries, sample, task, table.decimal)
    explain_dates(entries)
    scores = mark_leaks(entries, sample, task, table.decimal)
    if not any("feature" in entry.roles for entry in entries.values()):
        reasons = "; ".join([f"{entry.name!r}: {entry.comment}" for entry in entries.values() if entry.comment][:3])
        raise Refusal(f"{table.path.name} has no column left to learn from ({reasons}).")
    mark_sensitive(entries)
    mark_slices(entries, scan.columns, scores)
    return Judged(tuple(entries[name] for name in table.names), split)


def gaps(target: Column, task: Task) -> str:
    """Say how the target's cells without an answer are told from those with one."""
    if task.none_is_a_class:
        return (
            f"{NONE!r} is taken for a class; if it means no answer, move it in contract.yaml from enum to "
            "missingValues of this column, and remove required"
        )
    words = " and ".join(repr(token) for token in sorted(target.absent) if token) if task.labels else ""
    return f"{words} counted as no answer; if it is one, write it in another way" if words else ""


def digest(column: Column) -> bytes:
    """Return what two columns with the same values share; 1 and 1.0 are the same number."""
    all_numbers = column.is_number and not column.odd and column.low <= column.high
    chosen = column.number_digest if all_numbers else column.text_digest
    found: bytes = chosen.digest()
    return found


def set_apart(
    entry: Property, column: Column, cells: tuple[str, ...], first_with: dict[bytes, str], target: str
) -> Property:
    """Return the column with the role that its values alone decide."""
    if not column.present:
        return replace(entry, roles=("unused",), comment="no value in any row")
    if column.levels is not None and len(column.levels) == 1 and not column.missing:
        return replace(entry, roles=("unused",), comment=f"constant: {next(iter(column.levels))!r} in every row")
    original = first_with.setdefault(digest(column), column.name)
    if original == target:
        return replace(entry, roles=("forbidden",), comment=f"a copy of the target {target!r}")
    if original != column.name:
        return replace(entry, roles=("unused",), comment=f"a copy of column {original!r}")
    reason = personal(entry, cells)
    if reason:
        return replace(entry, roles=("unused",), comment=f"suspected personal data: {reason}", restricted=True)
    reason = identifying(entry, column, cells)
    if reason:
        return replace(entry, roles=("identifier",), comment=reason, unique=True)
    return entry


def share(pattern: re.Pattern[str], values: list[str]) -> float:
    """Return the share of values that follow a pattern."""
    return sum(pattern.fullmatch(value) is not None for value in values) / len(values) if values else 0.0


def personal(entry: Property, cells: tuple[str, ...]) -> str:
    """Say why a column looks like personal data, or nothing."""
    kind = entry.kind
    if kind.dates or kind.logical_type in ("boolean", "number"):
        return ""
    values = [value for value in cells if value not in MISSING_SET]
    if share(EMAIL, values) >= PATTERN_SHARE:
        return "e-mail addresses"
    if names.hints(entry.name, names.PHONE) and share(DIGITS, values) >= PATTERN_SHARE:
        return "phone numbers"
    if kind.logical_type != "string":
        return ""
    if names.hints_person_name(entry.name):
        return "names of people"
    if kind.enum:
        return ""
    if share(PHONE, values) >= PATTERN_SHARE:
        return "phone numbers"
    if "name" in names.words_of(entry.name) and share(PERSON, values) >= PATTERN_SHARE:
        return "names of people"
    if names.hints(entry.name, names.PERSONAL):
        return "the column's name"
    return ""


def identifying(entry: Property, column: Column, cells: tuple[str, ...]) -> str:
    """Say why a column is the row's identifier, or nothing: unique over all rows, and more than a measurement."""
    if column.seen is None or column.missing or entry.kind.dates or entry.kind.logical_type == "number":
        return ""
    if entry.kind.logical_type == "integer":
        if column.high - column.low == column.rows - 1:
            return "unique: consecutive numbers"
        return "unique, and named as an id" if names.hints_identifier(entry.name) else ""
    if names.hints_identifier(entry.name) or names.hints_entity(entry.name):
        return "unique, and named as an id" if not any(" " in cell for cell in cells) else ""
    if share(UUID, list(cells)) == 1.0:
        return "unique: UUIDs"
    shapes = {re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "0", cell)) for cell in cells}
    if len(shapes) == 1 and "0" in next(iter(shapes)) and " " not in next(iter(shapes)) and column.longest >= 4:
        return "unique: codes of one pattern"
    return ""


def choose_entity(entries: dict[str, Property], columns: Iterable[Column]) -> None:
    """Give one column of repeated ids the role entity: the split keeps its rows on one side."""
    for wanted in (names.hints_entity, names.hints_identifier):
        for column in columns:
            entry = entries[column.name]
            if entry.roles == ("feature",) and wanted(column.name) and repeats(entry.kind, column):
                reason = "an id that repeats: its rows stay together in the split"
                kind = replace(entry.kind, enum=())  # new ones come
                entries[column.name] = replace(entry, kind=kind, roles=("entity",), comment=reason)
                return


def repeats(kind: Kind, column: Column) -> bool:
    """Say whether a column holds ids of enough things to hold some of them out; `customer age` is none."""
    named = names.hints_identifier(column.name) or len(names.words_of(column.name)) == 1
    many = not column.missing and (column.levels is None or len(column.levels) >= ENTITY_LEVELS)
    return named and many and kind.logical_type in ("integer", "string") and not kind.free_text


def choose_time(
    entries: dict[str, Property], sample: dict[str, tuple[str, ...]], task: Task, decimal: str
) -> date | None:
    """Give one date column the role time, where a split by it makes a fair test."""
    candidates = [
        entry for entry in entries.values()
        if entry.roles == ("feature",) and entry.kind.dates and not names.hints(entry.name, names.NOT_TIME)
    ]  # fmt: skip
    named = [entry for entry in candidates if names.hints(entry.name, names.TIME)]
    if not named and len(candidates) != 1:
        return None
    target = sample[task.target]
    rows = [row for row, value in enumerate(target) if labelled(value, task, decimal)]
    labels = [target[row] if task.labels else "" for row in rows]
    for entry in named or candidates:
        assert entry.kind.dates
        days = [entry.kind.dates.read(sample[entry.name][row]) for row in rows]
        found = evaluation_from([None if day is None else day.date() for day in days], labels)
        if found and entry.kind.required:
            reason = "when the row happened: the split is by time"
            entries[entry.name] = replace(entry, roles=("time",), comment=reason)
            return found
        entries[entry.name] = replace(entry, comment="a date, but no day in it divides the rows into a fair test")
    return None


def explain_dates(entries: dict[str, Property]) -> None:
    """Say where day and month could be the other way round, and which numbers hold words."""
    for name, entry in entries.items():
        notes = [entry.comment] if entry.comment else []
        if entry.kind.dates and entry.kind.dates.unsure:
            notes.append("day and month could be the other way round: a person decides")
        if entry.kind.is_numeric and entry.kind.missing_values:
            notes.append("numbers, and a few words that are read as missing")
        entries[name] = replace(entry, comment="; ".join(notes))


def mark_leaks(
    entries: dict[str, Property], sample: dict[str, tuple[str, ...]], task: Task, decimal: str
) -> dict[str, float]:
    """Forbid the columns that know the answer, and mark those that may."""
    features = {name: (entry.kind, sample[name]) for name, entry in entries.items() if entry.roles == ("feature",)}
    leaks = find_leaks(features, sample[task.target], task, decimal)
    for name, reason in leaks.forbidden.items():
        entries[name] = replace(entries[name], roles=("forbidden",), comment=f"a leak: {reason}")
    for name, reason in leaks.suspected.items():
        entries[name] = replace(entries[name], suspected_leak=reason)
    return dict(leaks.scores)


def mark_sensitive(entries: dict[str, Property]) -> None:
    """Mark the features over which fairness is measured."""
    for name, entry in entries.items():
        usable = entry.roles == ("feature",) and not entry.kind.dates and not entry.kind.free_text
        if usable and names.hints(name, names.SENSITIVE):
            entries[name] = replace(entry, roles=("feature", "sensitive"))


def mark_slices(entries: dict[str, Property], columns: Iterable[Column], scores: dict[str, float]) -> None:
    """Mark up to four features whose values are worth a line of their own, the telling ones first."""
    fit = []
    for column in columns:
        kind, levels = entries[column.name].kind, column.levels
        if entries[column.name].roles != ("feature",) or levels is None or len(levels) not in SLICE_LEVELS:
            continue
        if kind.logical_type in ("string", "boolean", "integer") and not kind.free_text:
            second = sorted(levels.values())[-2]
            if second >= SLICE_SHARE * column.rows:
                score = scores.get(column.name, 0.0)
                fit.append((kind.logical_type == "integer", -score, column.position, column.name))
    for *_, name in sorted(fit)[:MOST_SLICES]:
        entries[name] = replace(entries[name], roles=("feature", "slice"))
