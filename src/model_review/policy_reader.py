"""model-review.toml, read and checked. Every refusal names the line."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from model_review.contract import Contract
from model_review.errors import ReviewError
from model_review.files import digest, read_bytes
from model_review.metrics.catalog import Metric, Task, find, tasks_with
from model_review.policy import (
    COSTS,
    SERVICE_COSTS,
    VERDICTS,
    Decision,
    Floor,
    Groups,
    Guardrail,
    Objective,
    Policy,
    Robustness,
)
from model_review.text import plain

LARGEST = 1e50  # what is computed from it stays below what comparison.json may hold

SCHEMA = "model-review/policy@1"
SECTIONS = {"slices", "fairness", "robustness", "cost", "decision"}


def read_policy(path: Path, task: Task, target: str = "", contract: Contract | None = None) -> Policy:
    """Read a policy for a model of that task and target, beside the contract that judges with it.

    A policy is written for what its contract asks. Where the model answers something else, it is read as that and
    marked, so that it holds the model and never promotes it.
    """
    if contract is None:
        return _read(path, task, None)
    asked = contract.task or task
    policy = _read(path, asked, list(contract.columns))
    if asked != task:
        return policy.for_another(task, f"The contract that judges asks for {asked}, and this is {task}.")
    targets = [plain(name) for name in contract.having("target")]
    if target and targets and plain(target) not in targets:
        return replace(policy, another=f"The contract that judges predicts {targets[0]}, and this {plain(target)}.")
    return policy


def _read(path: Path, task: Task, columns: list[str] | None) -> Policy:
    data = read_bytes(path)
    where = plain(path)
    try:
        text = data.decode("utf-8")
        document = tomllib.loads(text)
    except UnicodeDecodeError:
        raise ReviewError(f"{where} is not UTF-8 text; save it as UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError, OverflowError) as error:
        raise ReviewError(f"{where} is not valid TOML: {plain(error)}.") from None
    return _Reader(where, text, task, columns).policy(document, digest(data))


class _Reader:
    """One pass over a policy that knows its text, so that a complaint can name the line."""

    def __init__(self, where: str, text: str, task: Task, columns: list[str] | None) -> None:
        self.where, self.lines, self.task, self.columns = where, text.splitlines(), task, columns

    def policy(self, document: dict[str, Any], of: str) -> Policy:
        self.known(document, "", 0, {"schema", "objective", "guardrail", "floor", *SECTIONS})
        if document.get("schema") != SCHEMA:
            self.fail("", 0, "schema", f"schema must be {SCHEMA}")
        objective = self.section(document, "objective", {"metric", "min_effect", "why"})
        if objective is None:
            self.fail("", 0, "objective", "the section [objective] is missing; it names the metric to improve")
        metric = self.metric(objective, "objective", 0)
        effect = None
        if "min_effect" in objective:
            effect = self.number(objective, "objective", 0, "min_effect", least=0.0)
        cost = self.section(document, "cost", {*COSTS, *SERVICE_COSTS, "why"}) or {}
        return Policy(
            objective=Objective(metric.name, effect, self.why(objective, "objective", 0)),
            guardrails=tuple(
                Guardrail(
                    self.metric(one, "guardrail", place).name,
                    self.margin(one, "guardrail", place),
                    self.why(one, "guardrail", place),
                )
                for place, one in enumerate(self.listed(document, "guardrail", {"metric", "margin", "why"}))
            ),
            floors=tuple(
                self.floor(one, place)
                for place, one in enumerate(self.listed(document, "floor", {"metric", "min", "max", "why"}))
            ),
            slices=self.groups(document, "slices"),
            fairness=self.groups(document, "fairness"),
            robustness=self.robustness(document, metric),
            cost={
                name: self.number(cost, "cost", 0, name, above=0.0) for name in (*COSTS, *SERVICE_COSTS) if name in cost
            },
            cost_why=self.why(cost, "cost", 0),
            decision=self.decision(document),
            digest=of,
        )

    def floor(self, entry: dict[str, Any], place: int) -> Floor:
        metric = self.metric(entry, "floor", place)
        wanted = "min" if metric.higher_is_better else "max"
        other = "max" if wanted == "min" else "min"
        if other in entry or wanted not in entry:
            better = "higher" if metric.higher_is_better else "lower"
            self.fail(
                "floor", place, other, f"{metric.name} is better when {better}, so its floor is given as {wanted}"
            )
        limit = self.number(entry, "floor", place, wanted)
        low, high = (limit, None) if wanted == "min" else (None, limit)
        return Floor(metric.name, low, high, self.why(entry, "floor", place))

    def groups(self, document: dict[str, Any], name: str) -> Groups | None:
        entry = self.section(document, name, {"metric", "margin", "columns", "min_rows", "why"})
        if entry is None:
            return None
        columns = self.texts(entry, name, "columns")
        for column in columns:
            if self.columns is not None and column not in self.columns:
                self.fail(name, 0, "columns", f"{plain(column)} is no column of the contract")
        rows = self.whole(entry, name, "min_rows", 1) if "min_rows" in entry else 100
        metric = self.metric(entry, name, 0).name
        return Groups(metric, self.margin(entry, name, 0), columns, rows, self.why(entry, name, 0))

    def robustness(self, document: dict[str, Any], objective: Metric) -> Robustness | None:
        name = "robustness"
        entry = self.section(document, name, {"metric", "margin", "scenarios", "why"})
        if entry is None:
            return None
        metric = self.metric(entry, name, 0) if "metric" in entry else objective
        scenarios = self.texts(entry, name, "scenarios")
        return Robustness(metric.name, self.margin(entry, name, 0), scenarios, self.why(entry, name, 0))

    def decision(self, document: dict[str, Any]) -> Decision:
        name, default = "decision", Decision()
        entry = self.section(document, name, {"alpha", "planned_looks", "min_rows", "fail_on"}) or {}
        alpha = self.number(entry, name, 0, "alpha", above=0.0) if "alpha" in entry else default.alpha
        if alpha >= 0.5:
            self.fail(name, 0, "alpha", "alpha is the one-sided risk of a wrong promotion and must be below 0.5")
        looks = self.whole(entry, name, "planned_looks", 1) if "planned_looks" in entry else default.planned_looks
        rows = self.whole(entry, name, "min_rows", 0) if "min_rows" in entry else default.min_rows
        fail_on = self.texts(entry, name, "fail_on") if "fail_on" in entry else default.fail_on
        if any(verdict not in VERDICTS for verdict in fail_on):
            self.fail(name, 0, "fail_on", f"fail_on lists some of {', '.join(VERDICTS)}")
        return Decision(alpha, looks, rows, fail_on)

    def metric(self, entry: dict[str, Any], section: str, place: int) -> Metric:
        name = entry.get("metric")
        if not isinstance(name, str):
            self.fail(section, place, "metric", "metric must name a metric")
        found = find(self.task, name)
        if found is not None:
            return found
        others = tasks_with(name)
        problem = f"a metric of {others[0]}, and this task is {self.task}" if others else "no metric that is known here"
        return self.fail(section, place, "metric", f"{plain(name)} is {problem}")

    def margin(self, entry: dict[str, Any], section: str, place: int) -> float:
        if "margin" not in entry:
            self.fail(section, place, "margin", "margin is missing; it is the largest loss that is still acceptable")
        return self.number(entry, section, place, "margin", above=0.0)

    def number(
        self,
        entry: dict[str, Any],
        section: str,
        place: int,
        key: str,
        above: float | None = None,
        least: float | None = None,
    ) -> float:
        found = entry[key]
        if isinstance(found, bool) or not isinstance(found, int | float) or not _finite(found):
            self.fail(section, place, key, f"{key} must be a finite number, {LARGEST:g} at most")
        if above is not None and found <= above:
            self.fail(section, place, key, f"{key} is {plain(found)} and must be above {above:g}")
        if least is not None and found < least:
            self.fail(section, place, key, f"{key} is {plain(found)} and must be at least {least:g}")
        return float(found)

    def whole(self, entry: dict[str, Any], section: str, key: str, least: int) -> int:
        found = entry[key]
        if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= 10**9:
            self.fail(section, 0, key, f"{key} must be a whole number of at least {least}")
        return int(found)

    def texts(self, entry: dict[str, Any], section: str, key: str) -> tuple[str, ...]:
        found = entry.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
            self.fail(section, 0, key, f"{key} must be a list of names")
        return tuple(dict.fromkeys(found))

    def why(self, entry: dict[str, Any], section: str, place: int) -> str:
        found = entry.get("why", "")
        if not isinstance(found, str):
            self.fail(section, place, "why", "why must be one sentence")
        return plain(found, 500)

    def section(self, document: dict[str, Any], name: str, keys: set[str]) -> dict[str, Any] | None:
        entry = document.get(name)
        if entry is None:
            return None
        if not isinstance(entry, dict):
            self.fail("", 0, name, f"{name} must be a section, written [{name}]")
        self.known(entry, name, 0, keys)
        return entry

    def listed(self, document: dict[str, Any], name: str, keys: set[str]) -> list[dict[str, Any]]:
        entries = document.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.fail("", 0, name, f"{name} must be written [[{name}]], once for each")
        for place, entry in enumerate(entries):
            self.known(entry, name, place, keys)
        return entries

    def known(self, entry: dict[str, Any], section: str, place: int, keys: set[str]) -> None:
        for key in entry:
            if key not in keys:
                inside = f" in [{section}]" if section else ""
                self.fail(
                    section, place, key, f"{plain(key)} is not known{inside}; known are {', '.join(sorted(keys))}"
                )

    def fail(self, section: str, place: int, key: str, problem: str) -> NoReturn:
        raise ReviewError(f"{self.where}, line {self.line(section, place, key)}: {problem}.")

    def line(self, section: str, place: int, key: str) -> int:
        """The line of a key: inside its section where it stands there, else the section's own, else the first."""
        heading = re.compile(r"\s*\[\[?\s*[\"']?" + re.escape(section) + r"[\"']?\s*\]\]?")
        entry = re.compile(r"\s*[\"']?" + re.escape(key) + r"[\"']?\s*=|\s*\[\[?\s*" + re.escape(key))
        inside, seen, start = section == "", -1, 1
        for number, text in enumerate(self.lines, 1):
            if section and text.lstrip().startswith("["):
                inside = bool(heading.match(text))
                seen += inside
                if inside and seen == place:
                    start = number
            if (not section or (inside and seen == place)) and entry.match(text):
                return number
        return start


def _finite(number: float) -> bool:
    try:
        return abs(float(number)) <= LARGEST
    except OverflowError:
        return False
