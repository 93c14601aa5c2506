"""Canary requests: rows made up from the contract alone.

Whoever holds the contract makes the same rows again, so that a later probe, without any data, can see that an image
still answers as it did when its golden rows were right.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from model_review.probe.client import Connection, NoAnswer, post
from model_review.probe.columns import TEMPORAL, Served
from model_review.probe.golden import TOLERANCE, Expected, gap
from model_review.probe.record import Canary

ROWS = 20
WORDS = ("late", "new", "blue", "order", "seven", "north", "paid", "twice")


def canary_rows(columns: list[Served]) -> list[dict[str, Any]]:
    """The same rows for the same columns, on every machine."""
    # Only `random()`: its sequence is the one that Python promises never to change.
    draw = random.Random("model-review canary 1").random
    return [{column.name: _value(column, draw(), draw()) for column in columns} for _ in range(ROWS)]


def _value(column: Served, chance: float, level: float) -> Any:
    if not column.required and chance < 0.15:
        return None
    if column.kind == "boolean":
        return level < 0.5
    if column.kind in TEMPORAL:
        low = column.low if isinstance(column.low, datetime) else datetime(2020, 1, 1)
        high = column.high if isinstance(column.high, datetime) else low + timedelta(days=365)
        whole = (high - low).total_seconds()
        moment = low + timedelta(seconds=int(level * whole)) if column.kind == "timestamp" else low
        return (moment if column.kind == "timestamp" else low + timedelta(days=int(level * whole / 86400))).strftime(
            column.formats[0]
        )
    if column.kind in ("integer", "number"):
        low_number = column.low if isinstance(column.low, float) else min(0.0, _top(column))
        number = low_number + level * (_top(column) - low_number)
        return int(number) if column.kind == "integer" else round(number, 3) if abs(number) < 1e6 else number
    if column.allowed:
        return column.allowed[int(level * len(column.allowed))]
    return " ".join(WORDS[int(chance * len(WORDS)) :][: 1 + int(level * 4)])[: column.longest]


def _top(column: Served) -> float:
    if isinstance(column.high, float):
        return column.high
    return column.low + 100.0 if isinstance(column.low, float) else 100.0


def ask_canary(
    connection: Connection, rows: list[dict[str, Any]], before: Canary | None
) -> tuple[Canary | None, list[str]]:
    """The answers, and in sentences how they differ from those that an earlier probe recorded."""
    try:
        answer = connection.ask("/predict", post(rows))
    except NoAnswer as error:
        return None, [f"The canary rows got no answer: {error}."]
    if answer.status != 200:
        return None, [f"The canary rows, which keep to the contract, were answered with {answer.status}, not 200."]
    content = answer.json()
    found = _record(content, len(rows))
    if found is None:
        return None, ["The answer to the canary rows is not `predictions` and `probabilities` for each row."]
    if before is None:
        return found, []
    scores: dict[str, Sequence[float]] = dict(before.scores)
    seen = gap(content, Expected(before.labels, scores))
    if seen.fault:
        return found, [f"The answer to the canary rows {seen.fault}."]
    if seen.labels or seen.distance > TOLERANCE:
        return found, [
            f"The canary rows are not answered as when this image was released: {seen.labels} labels differ, numbers "
            f"by up to {seen.distance:.3g}."
        ]
    return found, []


def _record(content: Any, count: int) -> Canary | None:
    labels = content.get("predictions") if isinstance(content, dict) else None
    scores = content.get("probabilities") if isinstance(content, dict) else None
    if not isinstance(labels, list) or len(labels) != count:
        return None
    try:
        return Canary(rows=count, labels=labels, scores=scores or {})
    except ValueError:
        return None
