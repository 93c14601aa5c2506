"""The BentoML service: rows that follow the contract in, predictions out. `uv run bentoml serve` starts it."""

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import bentoml
import numpy as np
from pydantic import BaseModel, ConfigDict, Field, create_model

from . import ROOT, model
from .contract import TEMPORAL, Column, load_contract

MODEL = Path(os.environ.get("MODEL_FOLDER", ROOT / "run/model"))
FITTED, CONTRACT = model.load(MODEL), load_contract(MODEL.parent / "contract.yaml")
COLUMNS = [column for column in CONTRACT.columns if column.name in FITTED.features.raw]
TYPES: dict[str, Any] = {"integer": int, "number": float, "boolean": bool, "date": date, "timestamp": datetime}


def _field(column: Column) -> tuple[Any, Any]:
    """Type and limits of a column; its JSON key is its name, whatever characters that has."""
    kind = TYPES.get(column.type, Literal[column.allowed] if column.allowed else str)
    limits: dict[str, Any] = {"allow_inf_nan": False} if column.type == "number" else {}
    if column.type in ("integer", "number"):
        limits |= {"ge": column.bounds.get("minimum"), "le": column.bounds.get("maximum")}
    default = ... if column.required else None
    return kind if column.required else kind | None, Field(default, alias=column.name, **limits)


FIELDS: dict[str, Any] = {f"column_{number}": _field(column) for number, column in enumerate(COLUMNS)}
Row = create_model("Row", __config__=ConfigDict(extra="forbid", title="One row of the table"), **FIELDS)


class Answer(BaseModel):
    """Predictions in the order of the rows: labels or numbers, and the probability of each class."""

    predictions: list[str] | list[float]
    probabilities: dict[str, list[float]]


@bentoml.service(name=CONTRACT.id, traffic={"timeout": 30})
class Service:
    """Predicts with the model of one run."""

    @bentoml.api(route="/predict")
    def predict(self, rows: Annotated[list[Row], Field(min_length=1, max_length=1000)]) -> Answer:  # type: ignore[valid-type]  # Row is made from the contract
        """Predict 1 to 1000 rows."""
        values = {
            column.name: _array([getattr(row, f"column_{number}") for row in rows], column.type)
            for number, column in enumerate(COLUMNS)
        }
        labels, probabilities = FITTED.predict(values)
        if probabilities is None:
            return Answer(predictions=labels.tolist(), probabilities={})
        return Answer(
            predictions=labels.tolist(), probabilities=dict(zip(FITTED.classes, probabilities.T.tolist(), strict=True))
        )


def _array(values: list[Any], kind: str) -> np.ndarray:
    """Typed as in training: dates as datetime, numbers and booleans as float, the rest as text or None."""
    return np.array(values, dtype="datetime64[s]" if kind in TEMPORAL else object if kind == "string" else float)
