"""From a request's bytes to typed columns.

A request of plain JSON types is checked column by column, all rows at once. Whatever does not fit there is read again
value by value: text spellings are understood as in a file, and what breaks the contract is listed.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
from pydantic_core import from_json

from ..contract import TEMPORAL, Contract
from .fields import MOST_SHOWN, Field, fields, shown

MOST_LISTED, TYPES = 100, {"string": object} | dict.fromkeys(TEMPORAL, "datetime64[s]")


class Refused(Exception):
    """A request that breaks the contract: a sentence, and for each violation row, field, what came, what is allowed."""

    def __init__(self, sentence: str, violations: Sequence[Mapping[str, Any]] = (), fields: Sequence[str] = ()) -> None:
        """`fields` are the names to count."""
        super().__init__(sentence)
        self.sentence, self.violations, self.fields = sentence, violations, fields


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
        try:
            ((key, rows),) = from_json(body, allow_inf_nan=False).items()
            if key == "rows" and isinstance(rows, list) and 1 <= len(rows) <= self.most_rows:
                return len(rows), self._read_by_column(rows)
        except (AttributeError, KeyError, TypeError, ValueError):  # it is not plain
            pass
        return self._read_by_value(body)

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
        named: list[str] = []
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                found.append({"row": number, "field": None, "came": shown(row), "allowed": "an object of fields"})
                continue
            for name in row.keys() - self._known:
                entry = {"row": number, "field": name[:MOST_SHOWN], "came": "unknown field"}
                found.append(entry | {"allowed": "a column of contract.yaml"})
            for field in self.fields:
                value = row.get(field.column.name)
                try:
                    columns[field.column.name].append(field.read(value))
                except ValueError:
                    named.append(field.column.name)
                    came = "(not shown)" if field.column.restricted and value is not None else shown(value)
                    entry = {"row": number, "field": field.column.name, "came": came}
                    found.append(entry | {"allowed": field.allowed})
        if found:
            named += ["(other)"] * (len(found) - len(named))
            raise Refused(f"{len(found)} value(s) break the contract", found[:MOST_LISTED], named)
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
