"""The data contract: what each column of the table is. settings.py checks `contract.yaml`, this module reads it."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

NUMERIC, TEMPORAL = ("integer", "number", "boolean"), ("date", "timestamp")
LARGEST = 3.4028234663852886e38  # of the numbers of 32 bits, in which ONNX computes
DECIMAL_COMMA = str.maketrans(",.", ".,")
"""Turns 1,5 into a number; 1.234, which may be meant as 1234, into none."""
CSV = {"delimiter": ",", "encoding": "utf-8", "decimal": "."}  # of a Parquet table, which need not say them


@dataclass(frozen=True)
class Column:
    """One column of the table; `bounds` and `more` hold the contract's limits and custom properties."""

    name: str
    header: str
    type: str
    roles: frozenset[str]
    required: bool
    unique: bool
    restricted: bool
    allowed: tuple[str, ...]
    bounds: dict[str, Any]
    more: dict[str, Any]

    @property
    def is_category(self) -> bool:
        """Text with levels; other text is used through its length and number of words."""
        return self.type == "string" and not self.more.get("text")


@dataclass(frozen=True)
class Contract:
    """The table's file, how to read it, and its columns in file order."""

    id: str
    path: str
    task: str
    row_key: tuple[str, ...]
    columns: tuple[Column, ...]
    more: dict[str, Any]

    def having(self, *roles: str) -> list[Column]:
        """The columns that have one of the roles."""
        return [column for column in self.columns if column.roles & set(roles)]

    def single(self, role: str) -> str | None:
        """The name of the one column with `role`, or None."""
        return next((column.name for column in self.having(role)), None)

    @property
    def target(self) -> Column:
        """The column that is predicted."""
        return self.having("target")[0]


def read(path: Path) -> Any:
    """A YAML file as JSON would have it, dates as ISO text; custom properties by name."""
    content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return json.loads(json.dumps(content, default=str), object_hook=_named, parse_constant=str)


def _named(fields: dict[str, Any]) -> dict[str, Any]:
    with contextlib.suppress(KeyError, TypeError):  # other forms stay, and settings.py says what is wrong with them
        fields["customProperties"] = {item["property"]: item["value"] for item in fields["customProperties"]}
    return fields


def load_contract(path: Path) -> Contract:
    """Read a contract that was checked, such as that of a run."""
    document = read(path)
    table, file = document["schema"][0], document["servers"][0]["path"]
    more, columns = CSV | table["customProperties"], tuple(map(_column, table["properties"]))
    return Contract(str(document["id"]), file, more["task"], tuple(more["rowKey"]), columns, more)


def _column(entry: dict[str, Any]) -> Column:
    name, kind, more = entry["name"], entry["logicalType"], entry["customProperties"]
    flags = (entry.get("required", False), entry.get("unique", False), entry.get("classification") == "restricted")
    allowed, bounds = tuple(item["value"] for item in entry.get("enum", [])), entry.get("logicalTypeOptions", {})
    return Column(name, entry.get("physicalName", name), kind, frozenset(more["roles"]), *flags, allowed, bounds, more)
