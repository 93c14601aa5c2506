"""From a request's bytes to typed columns.

A request of plain JSON types is read in one step by pydantic's core. Whatever does not fit there is read again value by
value: text spellings are understood as in a file, and what breaks the contract is listed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic_core import SchemaValidator, ValidationError, core_schema, from_json

from ..contract import TEMPORAL, Contract
from .fields import MOST_SHOWN, Field, fields, shown

MOST_LISTED = 100


class Refused(Exception):
    """A request that breaks the contract: a sentence, and for each violation row, field, what came, what is allowed."""

    def __init__(self, sentence: str, violations: Sequence[Mapping[str, Any]] = (), fields: Sequence[str] = ()) -> None:
        """`fields` are the names to count."""
        super().__init__(sentence)
        self.sentence, self.violations, self.fields = sentence, violations, fields


class Reader:
    """Reads the bodies of /predict."""

    def __init__(self, contract: Contract, features: Sequence[str], most_rows: int) -> None:
        """Make the two ways to read a body."""
        self.fields = fields(contract, features)
        self.most_rows = most_rows
        self._others = {column.name for column in contract.columns} - {*features}
        entries = {
            field.column.name: core_schema.typed_dict_field(field.core, required=field.column.required)
            for field in self.fields
        }
        entries |= {
            name: core_schema.typed_dict_field(core_schema.any_schema(), required=False) for name in self._others
        }
        row = core_schema.typed_dict_schema(entries, extra_behavior="forbid")
        rows = core_schema.typed_dict_field(core_schema.list_schema(row, min_length=1, max_length=most_rows))
        self._plain = SchemaValidator(core_schema.typed_dict_schema({"rows": rows}, extra_behavior="forbid"))

    def read(self, body: bytes) -> tuple[int, dict[str, list[Any]]]:
        """The number of rows, and the typed values of each column; raises `Refused`."""
        try:
            rows = self._plain.validate_json(body)["rows"]
        except ValidationError:
            return self._read_by_value(body)
        columns = {}
        for field in self.fields:
            name = field.column.name
            columns[name] = [row[name] for row in rows] if field.column.required else [row.get(name) for row in rows]
            if field.column.type == "string" and not field.absent.isdisjoint(columns[name]):
                return self._read_by_value(body)
        return len(rows), columns

    def _read_by_value(self, body: bytes) -> tuple[int, dict[str, list[Any]]]:
        rows = listed(body, "rows", self.most_rows)
        known = self._others.union(field.column.name for field in self.fields)
        columns: dict[str, list[Any]] = {field.column.name: [] for field in self.fields}
        found: list[dict[str, Any]] = []
        named: list[str] = []
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                found.append({"row": number, "field": None, "came": shown(row), "allowed": "an object of fields"})
                continue
            for name in row.keys() - known:
                known_names = "a column of contract.yaml"
                found.append(
                    {"row": number, "field": name[:MOST_SHOWN], "came": "unknown field", "allowed": known_names}
                )
            for field in self.fields:
                value = row.get(field.column.name)
                try:
                    columns[field.column.name].append(field.read(value))
                except ValueError:
                    named.append(field.column.name)
                    came = "(not shown)" if field.column.restricted and value is not None else shown(value)
                    entry = {"row": number, "field": field.column.name, "came": came, "allowed": field.allowed}
                    found.append(entry)
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
    return {field.column.name: _array(columns[field.column.name], field.column.type) for field in of}


def _array(values: list[Any], kind: str) -> np.ndarray:
    return np.array(values, dtype="datetime64[s]" if kind in TEMPORAL else object if kind == "string" else float)
