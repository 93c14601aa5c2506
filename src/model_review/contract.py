"""The data contract: which column plays which role, as the Open Data Contract Standard file says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from model_review.errors import ReviewError
from model_review.files import digest, read_bytes
from model_review.metrics.catalog import TASKS, Task
from model_review.text import plain
from model_review.yaml_faults import FAULTS

ROLES = ("feature", "target", "identifier", "entity", "time", "forbidden", "unused", "slice", "sensitive")
MANY_COLUMNS = 10_000


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    name: str
    logical_type: str
    roles: tuple[str, ...]
    suspected_leak: str | None


@dataclass(frozen=True)
class Contract:
    """What the review needs to know of a data contract."""

    columns: dict[str, Column]
    digest: str
    task: Task | None = None  # a contract of another's making may name none

    def having(self, role: str) -> list[str]:
        """Columns of that role, in file order."""
        return [column.name for column in self.columns.values() if role in column.roles]


def read_contract(path: Path) -> Contract:
    """Read a contract; every refusal names the file and the field."""
    data = read_bytes(path)
    where = plain(path)
    try:
        document = yaml.load(data, Loader=yaml.CSafeLoader)
    except FAULTS as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark is not None else ""
        raise ReviewError(f"{where} is not valid YAML{line}; write it again.") from None
    schema = document.get("schema") if isinstance(document, dict) else None
    if not isinstance(schema, list) or len(schema) != 1 or not isinstance(schema[0], dict):
        raise ReviewError(f"{where}: field schema must be a list of one table.")
    properties = schema[0].get("properties")
    if not isinstance(properties, list) or not 0 < len(properties) <= MANY_COLUMNS:
        raise ReviewError(f"{where}: field schema[0].properties must list 1 to {MANY_COLUMNS:,} columns.")
    columns: dict[str, Column] = {}
    for place, entry in enumerate(properties):
        column = _column(where, place, entry)
        if column.name in columns:
            raise ReviewError(f"{where}: column {plain(column.name)} is listed twice; keep one.")
        columns[column.name] = column
    named = _custom(where, "schema[0]", schema[0]).get("task")
    task = next((one for one in TASKS if one == named), None)
    if task is None and named is not None:
        raise ReviewError(f"{where}: task of the table is {plain(named)}; it is one of {', '.join(TASKS)}.")
    return Contract(columns, digest(data), task)


def _column(where: str, place: int, entry: Any) -> Column:
    field = f"schema[0].properties[{place}]"
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not name:
        raise ReviewError(f"{where}: field {field}.name must be the column's name.")
    extra = _custom(where, field, entry)
    roles = extra.get("roles", ["feature"])
    if not isinstance(roles, list) or not roles or any(role not in ROLES for role in map(str, roles)):
        raise ReviewError(f"{where}: roles of column {plain(name)} must be a list of some of {', '.join(ROLES)}.")
    leak = extra.get("suspectedLeak")
    return Column(
        name, plain(entry.get("logicalType", "")), tuple(map(str, roles)), None if leak is None else plain(leak)
    )


def _custom(where: str, field: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The custom properties of the table or of a column, by name."""
    listed = entry.get("customProperties") or []
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise ReviewError(f"{where}: field {field}.customProperties must be a list of property and value.")
    return {item["property"]: item.get("value") for item in listed if isinstance(item.get("property"), str)}


def role_changes(base: Contract, proposed: Contract) -> list[str]:
    """What the pull request's contract says differently of the columns, one sentence each."""
    changes = []
    for name in [*base.columns, *(name for name in proposed.columns if name not in base.columns)]:
        before, after = base.columns.get(name), proposed.columns.get(name)
        if before is None and after is not None:
            changes.append(f"{plain(name)}: new, {', '.join(after.roles)}")
        elif after is None and before is not None:
            changes.append(f"{plain(name)}: removed, was {', '.join(before.roles)}")
        elif before is not None and after is not None and set(before.roles) != set(after.roles):
            changes.append(f"{plain(name)}: {', '.join(before.roles)} became {', '.join(after.roles)}")
    return changes
