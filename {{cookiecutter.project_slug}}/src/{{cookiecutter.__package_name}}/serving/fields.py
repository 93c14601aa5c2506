"""One column of the contract as the service reads it: from a JSON value to what batch prediction reads in a file."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import NoneType
from typing import Any

from pydantic_core import to_json

from .. import moments
from ..contract import DECIMAL_COMMA, LARGEST, NUMERIC, TEMPORAL, Column, Contract

MOST_SHOWN = 80
KINDS: dict[str, set[type]] = {"integer": {int}, "number": {int, float}, "boolean": {bool}}


@dataclass(frozen=True)
class Field:
    """`read` gives a typed value or raises ValueError; `allowed` and `schema` tell what fits.

    `whole` is a short cut for plain JSON values: it raises where only `read` can tell what does not fit.
    """

    column: Column
    read: Callable[[Any], Any]
    allowed: str
    schema: dict[str, Any]
    whole: Callable[[list[Any]], list[Any]]


def fields(contract: Contract, features: Sequence[str]) -> list[Field]:
    """The columns that the model reads."""
    return [_field(column, contract) for column in contract.columns if column.name in features]


def shown(value: Any) -> str:
    """A bounded piece of JSON that says what came."""
    text = to_json(value, inf_nan_mode="constants", serialize_unknown=True)[: MOST_SHOWN + 4].decode(errors="ignore")
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"


def _field(column: Column, contract: Contract) -> Field:
    absent = frozenset([*contract.more["missingValues"], *column.more.get("missingValues", [])])
    typed = _typed(column, contract)

    def read(value: Any) -> Any:
        if isinstance(value, dict | list):
            raise ValueError("is no single value")
        text = str(value).strip()
        if value is None or (text in absent and value == value):  # NaN is no spelling of missing
            if column.required:
                raise ValueError("is missing")
            return None
        return typed(value, text)

    words, schema = _described(column)
    if not column.required:
        schema, words = {"anyOf": [schema, {"type": "null"}]}, f"{words}, or null"
    return Field(column, read, words, schema, _whole(column, absent) or (lambda values: [*map(read, values)]))


def _typed(column: Column, contract: Contract) -> Callable[[Any, str], Any]:
    """The value of a column from what came and its text, where it is not missing."""
    low, high = (_limit(column, side) for side in ("minimum", "maximum"))
    spelt = dict.fromkeys(column.more.get("trueValues", []), True)
    spelt |= dict.fromkeys(column.more.get("falseValues", []), False)
    forms, longest = tuple(column.more.get("dateFormats", [])), column.bounds.get("maxLength")

    def bounded(value: Any) -> Any:
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError("is out of bounds")
        return value

    def number(value: Any, text: str) -> float:
        made = math.nan
        if not isinstance(value, bool) and text.isascii() and "_" not in text:  # training reads no 1_000 either
            comma = contract.more["decimal"] == "," and isinstance(value, str)
            made = float(text.translate(DECIMAL_COMMA) if comma else text)
        if not abs(made) <= LARGEST or (column.type == "integer" and not made.is_integer()):  # NaN is not, either
            raise ValueError("is no such number")
        return bounded(made)

    def boolean(value: Any, text: str) -> bool:
        made = spelt.get(text, value)
        if not isinstance(made, bool):
            raise ValueError("is no boolean")
        return made

    def moment(value: Any, text: str) -> datetime:
        if not isinstance(value, str):  # a number would be taken for seconds since 1970
            raise ValueError("is no text")
        return bounded(moments.read(text, forms))

    def string(value: Any, text: str) -> str:
        if not isinstance(value, str) or (longest is not None and len(text) > longest):
            raise ValueError("is no such text")
        if column.allowed and text not in column.allowed:
            raise ValueError("is not listed")
        return text

    if column.type in NUMERIC:
        return boolean if column.type == "boolean" else number
    return moment if column.type in TEMPORAL else string


def _limit(column: Column, side: str) -> Any:
    limit = column.bounds.get(side)
    return datetime.fromisoformat(str(limit)) if limit is not None and column.type in TEMPORAL else limit


def _whole(column: Column, absent: frozenset[str]) -> Callable[[list[Any]], list[Any]] | None:
    """How plain values of a column are checked all at once; None where each has to be read."""
    if column.type in TEMPORAL:
        return None
    kinds = KINDS.get(column.type, {str}) | (set() if column.required else {NoneType})
    exact = 2**53 if column.type == "integer" else LARGEST  # beyond 2**53 not every whole number is a float
    low, high = max(-exact, column.bounds.get("minimum", -exact)), min(exact, column.bounds.get("maximum", exact))
    longest = column.bounds.get("maxLength", math.inf)
    usual = {text for text in column.allowed if text not in absent and text.strip() == text and len(text) <= longest}
    listed = usual if column.required else usual | {None}

    def fits(values: list[Any]) -> bool:
        found = {*map(type, values)}
        if not found <= kinds:
            return False
        given = [value for value in values if value is not None] if NoneType in found else values
        if column.type == "boolean" or not given:
            return True
        if column.type != "string":
            return low <= min(given) and max(given) <= high
        same = absent.isdisjoint(given) and [*map(str.strip, given)] == given
        return same and max(map(len, given)) <= longest

    def whole(values: list[Any]) -> list[Any]:
        if not (listed.issuperset(values) if column.type == "string" and column.allowed else fits(values)):
            raise ValueError("is not plain")
        return values

    spelt = {*absent, *column.more.get("trueValues", []), *column.more.get("falseValues", [])}
    odd = {"True", "False"} & spelt if column.type == "boolean" else any(map(_is_number, absent))
    return None if column.type in NUMERIC and odd else whole


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        return math.isfinite(float(text.replace(",", ".")))
    return False


def _described(column: Column) -> tuple[str, dict[str, Any]]:
    """What is allowed, in words and as a JSON schema."""
    low, high = column.bounds.get("minimum"), column.bounds.get("maximum")
    sides = (("at least", low), ("at most", high))
    limits = "".join(f", {words} {limit}" for words, limit in sides if limit is not None)
    if column.type in ("integer", "number"):
        bounds = {"minimum": low, "maximum": high}
        schema = {"type": column.type} | {side: limit for side, limit in bounds.items() if limit is not None}
        limits += "" if high is not None and low is not None else ", within ±3.4e38"
        return ("a whole number" if column.type == "integer" else "a number") + limits, schema
    if column.type == "boolean":
        spelt = [*column.more["trueValues"], *column.more["falseValues"]]
        return f"true or false, or as text one of {shown(spelt)}", {"type": "boolean"}
    if column.type in TEMPORAL:
        example = datetime(2024, 1, 31).strftime(column.more["dateFormats"][0])
        words = f"a {column.type} as text, such as {example} or in ISO 8601{limits}"
        return words, {"type": "string", "description": words, "examples": [example]}
    if column.allowed:
        listed = [*column.allowed]
        more = f" and {len(listed) - 10} more" if len(listed) > 10 else ""
        return f"one of {shown(listed[:10])}{more}", {"type": "string", "enum": listed}
    longest = column.bounds.get("maxLength")
    schema = {"type": "string"} | ({} if longest is None else {"maxLength": longest})
    return "text" if longest is None else f"text of at most {longest} characters", schema
