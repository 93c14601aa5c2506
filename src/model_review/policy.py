"""The rules that judge a pull request, as frozen values."""

from dataclasses import dataclass, field

from model_review.metrics.catalog import Metric, Task, metrics_of

COSTS = ("train_seconds", "evaluate_seconds", "peak_memory_bytes", "model_bytes")
# Of two probes: one row and one client, 100 rows and one client, the running service, its image.
SERVICE_COSTS = (
    "latency_p50_ms",
    "latency_p99_ms",
    "batch_latency_p50_ms",
    "service_memory_bytes",
    "image_bytes",
    "cold_start_seconds",
)
VERDICTS = ("promote", "hold", "reject")
BOUND_ALPHA = 0.05  # one-sided: guardrails and everything "shown worse"


@dataclass(frozen=True)
class Objective:
    """The one metric that has to get better; `min_effect` None means the metric's default."""

    metric: str
    min_effect: float | None
    why: str


@dataclass(frozen=True)
class Guardrail:
    """A metric that may not get worse by more than the margin."""

    metric: str
    margin: float
    why: str


@dataclass(frozen=True)
class Floor:
    """An absolute limit on the challenger's value."""

    metric: str
    min: float | None
    max: float | None
    why: str


@dataclass(frozen=True)
class Groups:
    """A metric that may not get worse by more than the margin in any group of some columns."""

    metric: str
    margin: float
    columns: tuple[str, ...]
    min_rows: int
    why: str


@dataclass(frozen=True)
class Robustness:
    """The largest loss of a metric on perturbed rows."""

    metric: str
    margin: float
    scenarios: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Decision:
    """How sure is sure."""

    alpha: float = 0.025
    planned_looks: int = 20
    min_rows: int = 200
    fail_on: tuple[str, ...] = ("reject",)


@dataclass(frozen=True)
class Policy:
    """The whole policy; `another` says why a model is not one that it was written for, and so is not judged by it."""

    objective: Objective
    guardrails: tuple[Guardrail, ...] = ()
    floors: tuple[Floor, ...] = ()
    slices: Groups | None = None
    fairness: Groups | None = None
    robustness: Robustness | None = None
    cost: dict[str, float] = field(default_factory=dict)
    cost_why: str = ""
    decision: Decision = Decision()
    digest: str = ""
    another: str = ""

    def for_another(self, task: Task, why: str) -> "Policy":
        """What is left where a model answers another task: that task's first metric, to measure and not to judge by."""
        objective = Objective(metrics_of(task)[0].name, None, "")
        return Policy(objective, decision=self.decision, digest=self.digest, another=why)

    @property
    def alpha_per_look(self) -> float:
        """What one look may spend: alpha shared evenly over the planned looks."""
        return self.decision.alpha / self.decision.planned_looks


def min_effect(policy: Policy, metric: Metric, champion: float | None) -> float:
    """The smallest change worth a promotion: the policy's, else the metric's default."""
    if policy.objective.min_effect is not None:
        return policy.objective.min_effect
    return metric.min_effect * (abs(champion) if metric.relative and champion is not None else 1.0)
