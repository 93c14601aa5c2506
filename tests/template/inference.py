"""Run the inference in this process, as the hook does, and read what it writes."""

import csv
import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from answers import Answers
from infer import infer
from table import Table, open_table


@dataclass(frozen=True)
class Inferred:
    """The files that follow from a table."""

    table: Table
    files: dict[str, str]

    @cached_property
    def contract(self) -> dict[str, Any]:
        return yaml.safe_load(self.files["contract.yaml"])

    @cached_property
    def policy(self) -> dict[str, Any]:
        return tomllib.loads(self.files["model-review.toml"])

    @cached_property
    def params(self) -> dict[str, Any]:
        return yaml.safe_load(self.files["params.yaml"])

    @cached_property
    def request(self) -> dict[str, Any]:
        return json.loads(self.files["tests/example-request.json"])

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The custom properties of the table."""
        return custom(self.contract["schema"][0])

    @cached_property
    def columns(self) -> dict[str, dict[str, Any]]:
        """The properties by name, the custom ones among their fields."""
        return {entry["name"]: entry | custom(entry) for entry in self.contract["schema"][0]["properties"]}

    def with_role(self, role: str) -> list[str]:
        return [name for name, entry in self.columns.items() if role in entry["roles"]]

    def comment(self, name: str) -> str:
        """Return the comment behind a column's roles."""
        block = self.files["contract.yaml"].split("      - name: ")[1 + list(self.columns).index(name)]
        line = next(line for line in block.splitlines() if "property: roles" in line)
        return line.partition("  # ")[2]


def custom(entry: dict[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in entry["customProperties"]}


def infer_file(path: Path, target: str, task: str = "auto") -> Inferred:
    answers = Answers('Shop\'s "plan"', "shop-plan", "", str(path), target, task, "o/r", path.parent, path.parent)
    table = open_table(path)
    return Inferred(table, infer(answers, table))


def infer_columns(folder: Path, columns: dict[str, list[str]], task: str = "auto", delimiter: str = ",") -> Inferred:
    """Infer from columns of text; the last one is the target."""
    path = folder / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return infer_file(path, list(columns)[-1], task)
