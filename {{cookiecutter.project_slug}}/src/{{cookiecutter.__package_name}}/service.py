"""The BentoML service: rows that follow the contract in, predictions out. `uv run bentoml serve` starts it."""

import math
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import bentoml
import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from . import ROOT, model
from .command import InputError
from .contract import NUMERIC, TEMPORAL, Column, load_contract

HOME = ROOT / "src" if (ROOT / "src/run/model").exists() else ROOT  # a bento holds everything in its folder src
MODEL = Path(os.environ.get("MODEL_FOLDER", HOME / "run/model"))
try:
    FITTED, CONTRACT = model.load(MODEL), load_contract(MODEL.parent / "contract.yaml")
except InputError as error:
    raise SystemExit(f"error: {error}") from None
TYPES: dict[str, Any] = {"integer": int, "number": float, "boolean": bool, "date": date, "timestamp": datetime}


def _reader(column: Column) -> Callable[[Any], Any]:
    """How a JSON value is read: text as `data.parse` reads the file's, so that service and `predict` answer alike."""
    absent = {*CONTRACT.more["missingValues"], *column.more.get("missingValues", [])}
    spelt = dict.fromkeys(column.more.get("trueValues", []), True)
    spelt |= dict.fromkeys(column.more.get("falseValues", []), False)

    def read(value: Any) -> Any:
        text = str(value).strip()
        if value is None or (text in absent and value == value):  # JSON's NaN is no spelling, it is refused below
            if column.required:
                raise ValueError("is missing")
            return None
        if column.type == "boolean":
            return spelt.get(text, value)
        if column.type in NUMERIC:
            return _number(text, column)
        if column.type in TEMPORAL:  # a number would be taken for seconds since 1970
            return _moment(text if isinstance(value, str) else "", column.more["dateFormats"])
        return text if isinstance(value, str) else value

    return read


def _number(text: str, column: Column) -> float:
    number = math.nan
    if text.isascii() and "_" not in text:  # Python reads 1_000 and other scripts' digits, training does not
        with suppress(ValueError):
            number = float(text.replace(",", ".") if CONTRACT.more["decimal"] == "," else text)
    if not math.isfinite(number):
        raise ValueError("is not a finite number")
    return int(number) if column.type == "integer" and number.is_integer() else number


def _moment(text: str, forms: list[str]) -> datetime:
    moment = None
    for form in forms:
        with suppress(ValueError):
            moment = moment or datetime.strptime(text, form)
    with suppress(ValueError, OverflowError):
        moment = moment or datetime.fromisoformat("" if text.isdigit() else text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    raise ValueError(f"is not a date as text, such as {datetime(2024, 1, 31).strftime(forms[0])}")


def _limit(column: Column, side: str) -> Any:
    limit = column.bounds.get(side)
    if limit is None or column.type not in TEMPORAL:
        return limit
    moment = datetime.fromisoformat(str(limit))
    return moment.date() if column.type == "date" else moment


def _field(column: Column) -> tuple[Any, Any]:
    """Type, limits and reader of a column; its JSON key is its name, whatever characters that has."""
    if column.name not in FITTED.features.raw:
        return Any, Field(None, alias=column.name, description="may be sent, is not used")
    kind = TYPES.get(column.type, Literal[column.allowed] if column.allowed else str)
    limits: dict[str, Any] = {"max_length": column.bounds.get("maxLength")} if kind is str else {}
    if column.type in TYPES:  # strict: for booleans the contract's spellings, which are read before, and no others
        limits = {"strict": kind is bool, "ge": _limit(column, "minimum"), "le": _limit(column, "maximum")}
    shown: Any = Annotated[kind, Field(**limits)]
    shown = Annotated[shown if column.required else shown | None, BeforeValidator(_reader(column))]
    return shown, Field(... if column.required else None, alias=column.name)


FIELDS: dict[str, Any] = {f"column_{number}": _field(column) for number, column in enumerate(CONTRACT.columns)}
Row = create_model("Row", __config__=ConfigDict(extra="forbid", title="One row of the table"), **FIELDS)


class Answer(BaseModel):
    """Predictions in the order of the rows: labels or numbers, and the probability of each class."""

    predictions: list[str] | list[float]
    probabilities: dict[str, list[float]]


class Rows(BaseModel):
    """1 to 1000 rows of the table."""

    model_config = ConfigDict(extra="forbid")
    rows: Annotated[list[Row], Field(min_length=1, max_length=1000)]  # type: ignore[valid-type]  # made from the contract


@bentoml.service(name=CONTRACT.id, traffic={"timeout": 30})
class Service:
    """Predicts with the model of one run."""

    @bentoml.api(route="/predict", input_spec=Rows)
    def predict(self, rows: list[Any]) -> Answer:
        """Predict 1 to 1000 rows."""
        values = {
            column.name: _array([getattr(row, f"column_{number}") for row in rows], column.type)
            for number, column in enumerate(CONTRACT.columns)
            if column.name in FITTED.features.raw
        }
        labels, probabilities = FITTED.predict(values)
        scores = {} if probabilities is None else dict(zip(FITTED.classes, probabilities.T.tolist(), strict=True))
        return Answer(predictions=labels.tolist(), probabilities=scores)


def _array(values: list[Any], kind: str) -> np.ndarray:
    """Typed as in training: dates as datetime, numbers and booleans as float, the rest as text or None."""
    return np.array(values, dtype="datetime64[s]" if kind in TEMPORAL else object if kind == "string" else float)
