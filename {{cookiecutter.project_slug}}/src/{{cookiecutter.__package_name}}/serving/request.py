"""From a request's bytes to typed columns.

A request of plain JSON types is checked column by column, all rows at once. Whatever does not fit there is read again
value by value: text spellings are understood as in a file, and what breaks the contract is listed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any

import numpy as np
from pydantic_core import from_json

from ..contract import TEMPORAL, Contract
from .fields import MOST_SHOWN, Field, fields, shown

MOST_LISTED, TYPES = 100, {"string": object} | dict.fromkeys(TEMPORAL, "datetime64[s]")


class Refused(Exception):
    """A request that breaks the contract: a sentence, and for each violation row, field, what came, what is allowed."""

    def __init__(
        self, sentence: str, violations: Sequence[Mapping[str, Any]] = (), fields: Mapping[str, int] | None = None
    ) -> None:
        """`fields` tells how many values of each field are wrong, also beyond those that are listed."""
        super().__init__(sentence)
        self.sentence, self.violations, self.fields = sentence, violations, fields or {}


class Reader:
    """Reads the bodies of /predict."""

    def __init__(self, contract: Contract, features: Sequence[str], most_rows: int) -> None:
        """Take the fields that the model reads; the contract's other columns may be sent."""
        self.fields = fields(contract, features)
        self.most_rows = most_rows
        self._known = {column.name for column in contract.columns}
        names = [field.column.name for field in self.fields]
        self._cells = itemgetter(*names, names[0])  # the first once more, as one name alone would give no tuple
        self._optional = {field.column.name: None for field in self.fields if not field.column.required}

    def read(self, body: bytes) -> tuple[int, dict[str, list[Any]]]:
        """The number of rows, and the typed values of each column; raises `Refused`."""
        # What the first way made of the body is gone before the second begins.
        return self._read_plain(body) or self._read_by_value(body)

    def _read_plain(self, body: bytes) -> tuple[int, dict[str, list[Any]]] | None:
        try:
            ((key, rows),) = from_json(body, allow_inf_nan=False).items()
            if key == "rows" and isinstance(rows, list) and 1 <= len(rows) <= self.most_rows:
                return len(rows), self._read_by_column(rows)
        except (AttributeError, KeyError, TypeError, ValueError):  # it is not plain
            pass
        return None

    def _read_by_column(self, rows: list[Any]) -> dict[str, list[Any]]:
        try:
            cells = [*map(self._cells, rows)]
        except KeyError:  # with what was left out, unless it is required
            rows = [self._optional | row for row in rows]
            cells = [*map(self._cells, rows)]
        if sum(map(len, rows)) > len(rows) * len(self.fields) and not all(map(self._known.issuperset, rows)):
            raise KeyError("unknown field")
        pairs = zip(self.fields, zip(*cells, strict=True), strict=False)
        return {field.column.name: field.whole([*values]) for field, values in pairs}

    def _read_by_value(self, body: bytes) -> tuple[int, dict[str, list[Any]]]:
        rows = listed(body, "rows", self.most_rows)
        columns: dict[str, list[Any]] = {field.column.name: [] for field in self.fields}
        found: list[dict[str, Any]] = []
        counts: Counter[str] = Counter()

        def note(row: int, field: str | None, came: str, allowed: str) -> None:
            found.append({"row": row, "field": field, "came": came, "allowed": allowed})

        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                counts["(other)"] += 1
                if len(found) < MOST_LISTED:
                    note(number, None, shown(row), "an object of fields")
                continue
            counts["(other)"] += len(row) - sum(map(row.__contains__, self._known))
            unknown = (name for name in row if name not in self._known)
            for name in islice(unknown, MOST_LISTED - len(found)):
                note(number, name[:MOST_SHOWN], "unknown field", "a column of contract.yaml")
            for field in self.fields:
                value = row.get(field.column.name)
                try:
                    columns[field.column.name].append(field.read(value))
                except ValueError:
                    counts[field.column.name] += 1
                    if len(found) < MOST_LISTED:
                        hidden = field.column.restricted and value is not None
                        note(number, field.column.name, "(not shown)" if hidden else shown(value), field.allowed)
        if found:
            raise Refused(f"{counts.total()} value(s) break the contract", found, +counts)
        return len(rows), columns


def listed(body: bytes, key: str, most: int) -> list[Any]:
    """The list under the one key of a JSON body."""
    try:
        content = from_json(body)
    except ValueError as error:
        raise Refused(f"not valid JSON: {error}") from None
    if not isinstance(content, dict) or [*content] != [key]:
        came = shown([*content] if isinstance(content, dict) else content)
        raise Refused(f'the body must be an object with the one key "{key}"; {came} came')
    rows = content[key]
    if not isinstance(rows, list) or not 1 <= len(rows) <= most:
        came = f"{len(rows)} came" if isinstance(rows, list) else "it is no list"
        raise Refused(f'"{key}" must be a list of 1 to {most} entries; {came}')
    return rows


def arrays(columns: Mapping[str, list[Any]], of: Sequence[Field]) -> dict[str, np.ndarray]:
    """Typed as in training: dates as datetime, numbers and booleans as float, the rest as text or None."""
    return {
        field.column.name: np.array(columns[field.column.name], TYPES.get(field.column.type, float)) for field in of
    }
