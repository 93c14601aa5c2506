"""One column of the contract as the service reads it: from a JSON value to what batch prediction reads in a file."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import core_schema, to_json

from .. import moments
from ..contract import NUMERIC, TEMPORAL, Column, Contract

MOST_SHOWN = 80
STRIPPED = r"^([^\s\x1c-\x1f](?s:.*[^\s\x1c-\x1f])?)?$"


@dataclass(frozen=True)
class Field:
    """`read` gives a typed value or raises ValueError; `allowed` and `schema` tell what fits, `core` is a short cut."""

    column: Column
    read: Callable[[Any], Any]
    allowed: str
    schema: dict[str, Any]
    core: core_schema.CoreSchema
    absent: frozenset[str]


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
    core = _plain(column, absent)
    if core is None:
        core = core_schema.no_info_plain_validator_function(read)
    elif not column.required:
        core = core_schema.nullable_schema(core)
    return Field(column, read, words, schema, core, absent)


def _typed(column: Column, contract: Contract) -> Callable[[Any, str], Any]:
    """The value of a column from what came and its text, where it is not missing."""
    low, high = (_limit(column, side) for side in ("minimum", "maximum"))
    spelt = dict.fromkeys(column.more.get("trueValues", []), True)
    spelt |= dict.fromkeys(column.more.get("falseValues", []), False)
    forms, longest, comma = (
        tuple(column.more.get("dateFormats", [])),
        column.bounds.get("maxLength"),
        contract.more["decimal"],
    )

    def bounded(value: Any) -> Any:
        if (low is not None and value < low) or (high is not None and value > high):
            raise ValueError("is out of bounds")
        return value

    def number(value: Any, text: str) -> float:
        made = math.nan
        if not isinstance(value, bool) and text.isascii() and "_" not in text:  # training reads no 1_000 either
            made = float(text.replace(",", ".") if comma == "," else text)
        if not math.isfinite(made) or (column.type == "integer" and not made.is_integer()):
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


def _plain(column: Column, absent: frozenset[str]) -> core_schema.CoreSchema | None:
    """How plain JSON values of a column are checked in one step; None where only `read` can tell."""
    low, high = column.bounds.get("minimum"), column.bounds.get("maximum")
    if column.type in ("integer", "number"):
        if any(_is_number(text) for text in absent):  # a number that means "no value"
            return None
        if column.type == "number":
            return core_schema.float_schema(strict=True, allow_inf_nan=False, ge=low, le=high)
        exact = 2**53  # beyond it, not every whole number is a float
        least, most = max(-exact, low if low is not None else -exact), min(exact, high if high is not None else exact)
        return core_schema.int_schema(strict=True, ge=math.ceil(least), le=math.floor(most))
    if column.type == "string" and column.allowed:
        longest = column.bounds.get("maxLength", math.inf)
        usual = [text for text in column.allowed if text not in absent and text.strip() == text]
        return core_schema.literal_schema([text for text in usual if len(text) <= longest] or [None])
    if column.type == "string":  # without white space around it; `Reader` looks for spellings of a missing value
        return core_schema.str_schema(strict=True, max_length=column.bounds.get("maxLength"), pattern=STRIPPED)
    if column.type == "boolean" and not {"True", "False"} & {
        *absent,
        *column.more["trueValues"],
        *column.more["falseValues"],
    }:
        return core_schema.bool_schema(strict=True)
    return None


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        return math.isfinite(float(text.replace(",", ".")))
    return False


def _described(column: Column) -> tuple[str, dict[str, Any]]:
    """What is allowed, in words and as a JSON schema."""
    low, high = column.bounds.get("minimum"), column.bounds.get("maximum")
    limits = "".join(
        f", {words} {limit}" for words, limit in (("at least", low), ("at most", high)) if limit is not None
    )
    if column.type in ("integer", "number"):
        bounds = {"minimum": low, "maximum": high}
        schema = {"type": column.type} | {side: limit for side, limit in bounds.items() if limit is not None}
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
