"""What is decided outside the code: `contract.yaml` says what the data are, `params.yaml` how to train.

The contract follows the Open Data Contract Standard; this module reads the part that the project uses.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from .command import InputError

NUMERIC, TEMPORAL = ("integer", "number", "boolean"), ("date", "timestamp")
ROLES = {"feature", "target", "identifier", "entity", "time", "forbidden", "unused"}
ESTIMATORS = ("hist_gradient_boosting", "linear", "dummy")
PARAMS = {"seed", "split", "estimator", "features", "threshold", "tune", "business_value", *ESTIMATORS}


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
    document = _yaml(path)
    try:
        table = document["schema"][0]
        more = {item["property"]: item["value"] for item in table["customProperties"]}
        columns = tuple(_column(entry) for entry in table["properties"])
        file, task, key = document["servers"][0]["path"], more["task"], tuple(more["rowKey"])
        contract = Contract(str(document["id"]), file, task, key, columns, more)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a data contract, {error} is missing or misplaced; compare with git") from None
    for column in columns:
        if column.type not in (*NUMERIC, *TEMPORAL, "string"):
            raise InputError(f"{path}: column {column.name!r}: logicalType {column.type!r} is not supported")
        if len(column.roles & ROLES) != 1 or column.roles - ROLES - {"slice", "sensitive"}:
            raise InputError(f"{path}: column {column.name!r}: roles need exactly one of {', '.join(sorted(ROLES))}")
    for role, fits in (("target", (1,)), ("entity", (0, 1)), ("time", (0, 1)), ("feature", range(1, len(columns)))):
        if (count := len(contract.having(role))) not in fits:
            raise InputError(f"{path}: {count} columns have the role {role}; mend their roles")
    if absent := set(key) - {column.name for column in columns}:
        raise InputError(f"{path}: rowKey names {min(absent)!r}, which is no column; without it every row_id changes")
    return contract


def _column(entry: Mapping[str, Any]) -> Column:
    more = {item["property"]: item["value"] for item in entry["customProperties"]}
    return Column(
        name=str(entry["name"]),
        header=str(entry.get("physicalName", entry["name"])),
        type=entry["logicalType"],
        roles=frozenset(more["roles"]),
        required=bool(entry.get("required")),
        unique=bool(entry.get("unique")),
        restricted=entry.get("classification") == "restricted",
        allowed=tuple(str(item["value"]) for item in entry.get("enum") or []),
        bounds=entry.get("logicalTypeOptions") or {},
        more=more,
    )


def load_params(path: Path) -> dict[str, Any]:
    """Read `params.yaml`; an `InputError` names the field that does not fit."""
    params: dict[str, Any] = _yaml(path)
    for field in ("seed", "split", "estimator", "features"):
        if field not in params:
            raise InputError(f"{path}: {field} is missing; restore it from git")
    if unknown := set(params) - PARAMS:
        raise InputError(f"{path}: unknown field {min(unknown)!r}; known are {', '.join(sorted(PARAMS))}")
    if params["estimator"] not in ESTIMATORS:
        raise InputError(f"{path}: estimator is {params['estimator']!r}; choose one of {', '.join(ESTIMATORS)}")
    params["threshold"] = {"metric": "f1", "folds": 3} | (params.get("threshold") or {})
    if params["threshold"]["metric"] not in ("f1", "balanced_accuracy"):
        raise InputError(f"{path}: threshold.metric must be f1 or balanced_accuracy")
    if not 0 < params["split"].get("evaluation_share", 0) < 1:
        raise InputError(f"{path}: split.evaluation_share must lie between 0 and 1, such as 0.2")
    return params


def _yaml(path: Path) -> Any:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except FileNotFoundError:
        raise InputError(f"{path}: not found; restore it from git") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no fields; restore it from git")
    return content
