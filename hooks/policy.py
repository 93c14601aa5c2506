"""Write `model-review.toml`: the rules by which a pull request's model is judged, each with its reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import log

from columns import Scan, as_number
from contract import json_list, quote
from roles import Judged
from table import Table
from task import Task

MIN_SLICE_ROWS = 100


@dataclass(frozen=True)
class Rules:
    """What differs between the tasks."""

    objective: tuple[str, float, str]  # metric, smallest effect worth a change, reason
    guardrails: tuple[tuple[str, float, str], ...]  # metric, margin, reason
    floor: tuple[str, str, float, str]  # metric, min or max, value, reason
    slices: tuple[str, float]
    fairness: tuple[str, float]
    robustness: float


def policy_text(task: Task, judged: Judged, scan: Scan, table: Table) -> str:
    """Return the whole file."""
    rules = rules_for(task, scan, table)
    metric, effect, why = rules.objective
    lines = [
        "# The rules by which a pull request's model is judged; those on main count, not those in the pull request.",
        "# A margin is the largest loss that is still acceptable, in the metric's own unit.",
        'schema = "model-review/policy@1"',
        *section("[objective]", metric=metric, min_effect=effect, why=why),
    ]
    for metric, margin, why in rules.guardrails:
        lines += section("[[guardrail]]", metric=metric, margin=margin, why=why)
    metric, side, value, why = rules.floor
    lines += section("[[floor]]", metric=metric, **{side: value}, why=why)
    slices = [entry.name for entry in judged.with_role("slice")]
    if slices:
        metric, margin = rules.slices
        why = f"No group of {phrase(slices)} may pay for another group's gain."
        lines += section(
            "[slices]", metric=metric, margin=margin, columns=slices, min_rows=MIN_SLICE_ROWS, why=why
        )  # fmt: skip
    sensitive = [entry.name for entry in judged.with_role("sensitive")]
    if sensitive:
        metric, margin = rules.fairness
        why = f"The gap between the groups of {phrase(sensitive)} may not grow."
        lines += section("[fairness]", metric=metric, margin=margin, columns=sensitive, why=why)
    lines += section(
        "[robustness]",
        margin=rules.robustness,
        scenarios=["noise:0.1", "missing:0.05"],
        why=f"Small faults in the input must not break the prediction of {task.target!r}.",
    )
    lines += ["", "# A limit on cost, as a ratio to main's model, makes a person decide where it is passed:"]
    lines += ["# [cost]", "# model_bytes = 5.0", '# why = "A larger model must earn its keep."']
    lines += section("[decision]", alpha=0.025, planned_looks=20, min_rows=200, fail_on=["reject"])
    return "\n".join(lines) + "\n"


def section(head: str, **fields: str | float | list[str]) -> list[str]:
    """Return one table of the file."""
    lines = ["", head]
    for name, value in fields.items():
        text = json_list(value) if isinstance(value, list) else quote(value) if isinstance(value, str) else repr(value)
        lines.append(f"{name} = {text}")
    return lines


def phrase(names: Iterable[str]) -> str:
    """Name some columns in a sentence."""
    *others, last = map(repr, names)
    return f"{', '.join(others)} and {last}" if others else last


def rules_for(task: Task, scan: Scan, table: Table) -> Rules:
    """Return the rules of a task."""
    target = repr(task.target)
    if task.name == "regression":
        return regression_rules(target, scan, table.names.index(task.target), table.decimal)
    if task.name == "binary":
        meant = f"{target} = {task.positive_class!r}"
        return Rules(
            (
                "roc_auc",
                0.002,
                f"Rows are ranked by their chance of {meant}: the order decides who is dealt with first.",
            ),
            (
                ("log_loss", 0.01, f"The chance of {meant} is read as a number, so it has to stay a true one."),
                ("average_precision", 0.01, f"Of the rows at the top of the list, many have to be {meant}."),
            ),
            ("roc_auc", "min", 0.55, f"Below this, a random order finds {meant} nearly as well."),
            ("log_loss", 0.05),
            ("recall", 0.05),
            0.05,
        )
    unlearnt = round(entropy(task), 3)
    return Rules(
        ("log_loss", 0.005, f"The chance of each class of {target} decides what is done with a row."),
        (
            ("balanced_accuracy", 0.01, f"Every class of {target} counts the same, also a rare one."),
            ("roc_auc_macro", 0.005, f"For each class of {target}, its rows have to rank before the others."),
        ),
        ("log_loss", "max", unlearnt, f"Always answering with the shares of the classes of {target} scores this."),
        ("log_loss", 0.1),
        ("accuracy", 0.05),
        0.1,
    )


def entropy(task: Task) -> float:
    """Return the log loss of always answering with the classes' shares."""
    total = task.labels.total()
    return -sum(count / total * log(count / total) for count in task.labels.values())


def regression_rules(target: str, scan: Scan, position: int, decimal: str) -> Rules:
    """Return the rules in the target's own unit: shares of the error that the median alone would make."""
    from statistics import median  # only here: it takes longer to import than this module and what it needs besides

    numbers = [as_number(cell, decimal) for cell in scan.sample[position]]
    values = [number for number in numbers if number is not None]
    centre = median(values)
    unlearnt = float(f"{sum(abs(value - centre) for value in values) / len(values):.3g}") or 1e-9

    def share(of: float) -> float:
        return float(f"{of * unlearnt:.1g}")

    return Rules(
        ("mae", share(0.01), f"A typical miss of {target} is what a prediction costs."),
        (
            ("rmse", share(0.02), f"Large misses of {target} cost more than their share."),
            ("r2", 0.01, f"Differences in {target} have to stay explained."),
        ),
        ("mae", "max", unlearnt, f"Always answering with the median of {target} scores this on the sample."),
        ("mae", share(0.05)),
        ("mae", share(0.05)),
        share(0.05),
    )
