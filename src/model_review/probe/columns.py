"""The data contract as a client of the service needs it: how text is read, and which values a column may hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from model_review.contract import Column, read_contract
from model_review.errors import ReviewError
from model_review.files import read_bytes
from model_review.text import plain

NUMERIC, TEMPORAL = ("integer", "number"), ("date", "timestamp")
DECIMALS = (".", ",")


@dataclass(frozen=True)
class Served:
    """One column that the model uses.

    Attributes:
        name: Its key in a request.
        kind: The contract's logical type.
        required: Whether a missing value breaks the contract.
        allowed: Every allowed value of a category; empty where any text is.
        low: The smallest value, a number or a date.
        high: The largest.
        longest: The most characters of a text.
        missing: Spellings of "no value".
        spellings: Spellings of true and false.
        formats: `strptime` formats of a date.
        decimal: The decimal sign of numbers in the table.
    """

    name: str
    kind: str
    required: bool
    allowed: tuple[str, ...]
    low: float | datetime | None
    high: float | datetime | None
    longest: int | None
    missing: frozenset[str]
    spellings: Mapping[str, bool]
    formats: tuple[str, ...]
    decimal: str

    def value(self, text: str) -> Any:
        """A cell of the table as a client would send it: typed, but dates as they are spelt."""
        text = text.strip()
        if text in self.missing:
            return None
        if self.kind == "boolean":
            return self.spellings.get(text, text)
        if self.kind in NUMERIC:
            return _number(text.replace(",", ".") if self.decimal == "," else text, self.kind)
        return text


def read_columns(path: Path, names: list[str]) -> list[Served]:
    """The contract's entries of the model's columns, in the order of `names`."""
    contract = read_contract(path)
    table = yaml.load(read_bytes(path), Loader=yaml.CSafeLoader)["schema"][0]
    entries = {entry["name"]: entry for entry in table["properties"]}
    for name in names:
        if name not in entries:
            raise ReviewError(f"{plain(path)} has no column {plain(name)}, which the model uses; give the run's own.")
    more = _custom(table)
    try:
        return [_served(contract.columns[name], entries[name], more) for name in names]
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise ReviewError(f"{plain(path)} is not as docs/contract.md says ({plain(error)}); mend it.") from None


def _served(column: Column, entry: Mapping[str, Any], table: Mapping[str, Any]) -> Served:
    more, options = _custom(entry), entry.get("logicalTypeOptions") or {}
    spellings = dict.fromkeys(more.get("trueValues", []), True) | dict.fromkeys(more.get("falseValues", []), False)
    longest = options.get("maxLength")
    return Served(
        name=column.name,
        kind=column.logical_type,
        required=bool(entry.get("required", False)),
        allowed=tuple(str(item["value"]) for item in entry.get("enum") or ()),
        low=_limit(options.get("minimum"), column.logical_type),
        high=_limit(options.get("maximum"), column.logical_type),
        longest=None if longest is None else int(longest),
        missing=frozenset(map(str, [*table.get("missingValues", []), *more.get("missingValues", [])])),
        spellings=spellings,
        formats=tuple(map(str, more.get("dateFormats", ["%Y-%m-%d"]))),
        decimal="," if table.get("decimal") == "," else ".",
    )


def _custom(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {item["property"]: item.get("value") for item in entry.get("customProperties") or ()}


def _limit(value: Any, kind: str) -> float | datetime | None:
    if value is None:
        return None
    return datetime.fromisoformat(str(value)) if kind in TEMPORAL else float(value)


def _number(text: str, kind: str) -> Any:
    try:
        number = float(text)
    except ValueError:
        return text  # the service says what it is not
    return int(number) if kind == "integer" and number.is_integer() else number
