"""What is decided outside the code: `contract.yaml` says what the data are, `params.yaml` how to train."""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .command import InputError
from .schema import DOCUMENT, PARAMS, read

NUMERIC, TEMPORAL = ("integer", "number", "boolean"), ("date", "timestamp")
ROLES = {"feature", "target", "identifier", "entity", "time", "forbidden", "unused"}
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
    bounds: Mapping[str, Any]
    more: Mapping[str, Any]

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
    more: Mapping[str, Any]

    def having(self, *roles: str) -> list[Column]:
        """The columns that have one of the roles."""
        return [column for column in self.columns if column.roles & set(roles)]

    def single(self, role: str) -> str | None:
        """The name of the one column with `role`, or None."""
        return next((column.name for column in self.having(role)), None)

    @functools.cached_property
    def target(self) -> Column:
        """The column that is predicted."""
        return self.having("target")[0]


def load_contract(path: Path) -> Contract:
    """Read `contract.yaml`; an `InputError` names the column and field that does not fit."""
    document = read(path, DOCUMENT)
    server, table = document["servers"][0], document["schema"][0]
    more, columns = table["customProperties"], tuple(map(_column, table["properties"]))
    if server["format"] == "csv" and (absent := CSV.keys() - more):
        raise InputError(f"{path}: {min(absent)} is missing, and a CSV file is read with it; restore it from git")
    key = tuple(more["rowKey"])
    contract = Contract(str(document["id"]), server["path"], more["task"], key, columns, CSV | more)
    for sentence in _misfits(contract, server["format"]):
        raise InputError(f"{path}: {sentence}")
    return contract


def _column(entry: Mapping[str, Any]) -> Column:
    name, kind, more = entry["name"], entry["logicalType"], entry["customProperties"]
    flags = (entry.get("required", False), entry.get("unique", False), entry.get("classification") == "restricted")
    allowed, bounds = tuple(item["value"] for item in entry.get("enum", [])), entry.get("logicalTypeOptions", {})
    return Column(name, entry.get("physicalName", name), kind, frozenset(more["roles"]), *flags, allowed, bounds, more)


def _misfits(contract: Contract, form: str) -> Iterator[str]:
    columns, names = contract.columns, [column.name for column in contract.columns]
    headers = [column.header for column in columns]
    for column in columns:
        low, high = column.bounds.get("minimum"), column.bounds.get("maximum")
        both = {*column.more.get("trueValues", [])} & {*column.more.get("falseValues", [])}
        others = column.roles - ROLES - {"slice", "sensitive"}
        for wrong, words in (
            (column.name == "row_id", "runs need that name; give it another one and put row_id in physicalName"),
            (names.count(column.name) > 1, "occurs more than once; give each column a name of its own"),
            (headers.count(column.header) > 1, "physicalName gives it another column's header; mend it"),
            (others or len(column.roles & ROLES) != 1, f"roles need exactly one of {', '.join(sorted(ROLES))}"),
            (low is not None and high is not None and low > high, f"minimum {low} is above maximum {high}; mend one"),
            (both, f"trueValues and falseValues share {min(both, default='')!r}; remove it from one of them"),
            ("time" in column.roles and column.type not in TEMPORAL, f"role time needs a date, not {column.type}"),
        ):
            if wrong:
                yield f"column {column.name!r}: {words}"
    for role, fits in (("target", (1,)), ("entity", (0, 1)), ("time", (0, 1)), ("feature", range(1, len(columns)))):
        if (count := len(contract.having(role))) not in fits:
            yield f"{count} columns have the role {role}; mend their roles"
    if absent := {*contract.row_key} - {*names}:
        yield f"rowKey names {min(absent)!r}, which is no column; without it every row_id changes"
    if (form == "parquet") != contract.path.endswith(".parquet"):
        yield f"servers[0].format is {form}, but path is {contract.path!r}; mend one of them"
    target, task, count = contract.target, contract.task, len({*contract.target.allowed})
    where = f"column {target.name!r}"
    if task == "regression" and target.type not in ("integer", "number"):
        yield f"{where}: task regression needs an integer or a number, not {target.type}; mend one of them"
    if (task == "binary" and count != 2) or (task == "multiclass" and count < 3):
        yield f"{where}: its enum has {count} classes, which does not fit the task {task}; mend one of them"
    if task == "binary" and target.more.get("positiveClass") not in target.allowed:
        yield f"{where}: positiveClass is missing or not in enum; choose one of {', '.join(target.allowed)}"


def load_params(path: Path) -> dict[str, Any]:
    """Read `params.yaml`; an `InputError` names the field that does not fit."""
    params = read(path, PARAMS)
    return params | {"threshold": {"metric": "f1", "folds": 3} | (params.get("threshold") or {})}
