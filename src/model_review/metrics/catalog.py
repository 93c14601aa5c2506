"""The metrics that the engine knows, per task, with their direction and the smallest change worth a promotion."""

from dataclasses import dataclass
from typing import Literal, get_args

Task = Literal["binary", "multiclass", "regression"]
Family = Literal["rate", "loss", "ratio", "counts", "auc", "macro_auc", "average_precision", "median"]
TASKS: tuple[Task, ...] = get_args(Task)


@dataclass(frozen=True)
class Metric:
    """One metric of one task.

    Attributes:
        name: The name used in policies and reports.
        higher_is_better: The direction.
        family: Which statistical method fits its paired difference.
        min_effect: The default for `objective.min_effect`: smaller changes are called "no meaningful change".
        relative: The default is this share of the champion's value, for metrics in the target's own unit.
    """

    name: str
    higher_is_better: bool
    family: Family
    min_effect: float
    relative: bool = False

    @property
    def direction(self) -> Literal["higher", "lower"]:
        """Which sign of a difference is good."""
        return "higher" if self.higher_is_better else "lower"

    @property
    def sign(self) -> float:
        """Multiply a difference by this to get the gain."""
        return 1.0 if self.higher_is_better else -1.0


BUSINESS_VALUE = Metric("business_value", True, "loss", 0.01, relative=True)

_CATALOG: dict[Task, tuple[Metric, ...]] = {
    "binary": (
        Metric("roc_auc", True, "auc", 0.002),
        Metric("average_precision", True, "average_precision", 0.002),
        Metric("log_loss", False, "loss", 0.001),
        Metric("brier_score", False, "loss", 0.0005),
        Metric("accuracy", True, "rate", 0.002),
        Metric("balanced_accuracy", True, "counts", 0.002),
        Metric("precision", True, "counts", 0.005),
        Metric("recall", True, "rate", 0.005),
        Metric("specificity", True, "rate", 0.002),
        Metric("f1", True, "counts", 0.005),
        Metric("mcc", True, "counts", 0.005),
        Metric("d2_log_loss", True, "ratio", 0.002),
        Metric("d2_brier_score", True, "ratio", 0.002),
        BUSINESS_VALUE,
    ),
    "multiclass": (
        Metric("log_loss", False, "loss", 0.001),
        Metric("roc_auc_macro", True, "macro_auc", 0.002),
        Metric("accuracy", True, "rate", 0.002),
        Metric("balanced_accuracy", True, "counts", 0.002),
        Metric("f1_macro", True, "counts", 0.005),
        Metric("mcc", True, "counts", 0.005),
        BUSINESS_VALUE,
    ),
    "regression": (
        Metric("mae", False, "loss", 0.005, relative=True),
        Metric("rmse", False, "ratio", 0.005, relative=True),
        Metric("r2", True, "ratio", 0.002),
        Metric("median_ae", False, "median", 0.005, relative=True),
        Metric("pinball", False, "loss", 0.005, relative=True),
        Metric("poisson_deviance", False, "loss", 0.005, relative=True),
        BUSINESS_VALUE,
    ),
}


def metrics_of(task: Task) -> tuple[Metric, ...]:
    """Every metric of a task, in the order of the report."""
    return _CATALOG[task]


def find(task: Task, name: str) -> Metric | None:
    """The metric of that name, or None where the task has no such metric."""
    return next((metric for metric in _CATALOG[task] if metric.name == name), None)


def tasks_with(name: str) -> list[Task]:
    """The tasks that have a metric of that name."""
    return [task for task in TASKS if find(task, name) is not None]
