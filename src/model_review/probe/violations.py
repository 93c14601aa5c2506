"""Requests that break the contract, one for each kind of rule that the contract has; each must be answered with 4xx."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from model_review.probe.client import Connection, NoAnswer, post
from model_review.probe.columns import NUMERIC, TEMPORAL, Served
from model_review.probe.record import Violation
from model_review.text import plain

Row = dict[str, Any]
UNKNOWN = "model-review: no such value"
DENIED = (401, 403)  # such an answer says nothing of what was sent
RAW = "model-review-raw-number"


@dataclass(frozen=True)
class Breach:
    """One request and the rule that it breaks."""

    kind: str
    column: str | None
    body: bytes


def breaches(columns: list[Served], row: Row) -> list[Breach]:
    """Every kind of rule once, at the first column that has it; `row` keeps to the contract."""
    found = [
        Breach("empty list", None, post([])),
        Breach("no list", None, post("rows")),
        Breach("not JSON", None, b'{"rows": ['),
        Breach("unknown field", None, post([row | {UNKNOWN: 1}])),
    ]
    kinds = set()
    for column in columns:
        for kind, value in _broken(column):
            if kind not in kinds:
                kinds.add(kind)
                found.append(Breach(kind, column.name, _body(row, column.name, value)))
    return found


def _broken(column: Served) -> Iterator[tuple[str, Any]]:
    """Every kind of rule that the column has, with a value that breaks it; `...` stands for none at all."""
    if column.required:
        yield "missing", ...
        yield "null", None
    if column.kind in (*NUMERIC, *TEMPORAL, "boolean"):
        yield f"wrong type: no {column.kind}", UNKNOWN
    else:
        yield "wrong type: no text", {"an": "object"}
    if column.kind == "integer":
        yield "fraction", _inside(column) + 0.5
    if column.kind in NUMERIC:
        yield "NaN", (RAW, "NaN")
        yield "Infinity", (RAW, "Infinity")
    name = "number" if column.kind in NUMERIC else "date"
    if column.kind in (*NUMERIC, *TEMPORAL):
        if column.low is not None:
            yield f"{name} too low", _beyond(column, column.low, -1)
        if column.high is not None:
            yield f"{name} too high", _beyond(column, column.high, 1)
    elif column.kind == "string" and column.allowed:
        yield "unknown category", UNKNOWN
    elif column.kind == "string" and column.longest is not None:
        yield "text too long", "x" * (column.longest + 1)


def _inside(column: Served) -> float:
    return column.low if isinstance(column.low, float) else column.high if isinstance(column.high, float) else 1.0


def _beyond(column: Served, limit: float | datetime, step: int) -> Any:
    if isinstance(limit, datetime):
        try:
            return (limit + timedelta(days=step)).strftime(column.formats[0])
        except OverflowError:
            return UNKNOWN
    number = limit + step * max(1.0, abs(limit) * 0.01)
    return round(number) if column.kind == "integer" else number


def _body(row: Row, column: str, value: Any) -> bytes:
    if value is ...:
        return post([{name: one for name, one in row.items() if name != column}])
    if isinstance(value, tuple):  # JSON has no NaN, so the word is put into the text
        return post([row | {column: RAW}]).replace(json.dumps(RAW).encode(), value[1].encode())
    return post([row | {column: value}])


def ask_violations(connection: Connection, columns: list[Served], row: Row) -> tuple[list[Violation], list[str]]:
    """Send them all; what came back, and what is wrong in sentences."""
    found, faults = [], []
    for breach in breaches(columns, row):
        about = breach.kind if breach.column is None else f"{breach.kind}, column {plain(breach.column)}"
        try:
            status = connection.ask("/predict", breach.body).status
            refused = 400 <= status < 500 and status not in DENIED
            if not refused:
                faults.append(f"A request that breaks the contract ({about}) was answered with {status}, not 4xx.")
        except NoAnswer as error:
            status, refused = 0, False
            faults.append(f"A request that breaks the contract ({about}) got no answer: {error}.")
        column = None if breach.column is None else plain(breach.column)
        found.append(Violation(kind=breach.kind, column=column, status=status, refused=refused))
    return found, faults
