"""Metrics of both sides as rows of the comparison."""

from dataclasses import dataclass, replace

from model_review.comparison_basics import MetricRow, Undefined
from model_review.metrics.answers import Answers, UndefinedMetric
from model_review.metrics.catalog import Metric, metrics_of
from model_review.metrics.values import value
from model_review.paired import REPLICATES, Design, compare_metric
from model_review.policy import Policy
from model_review.settings import LEVEL
from model_review.statistics.estimate import Estimate, certain


@dataclass(frozen=True)
class Measured:
    """One metric, its values on both sides and the estimate of the difference."""

    metric: Metric
    champion: float
    challenger: float
    estimate: Estimate


def measure(metric: Metric, champion: Answers, challenger: Answers, design: Design, same: bool = False) -> Measured:
    """Values and difference of one metric; where all answers are equal, the difference is 0 and certain."""
    before, after = value(metric, champion), value(metric, challenger)
    if same:
        estimate = certain(0.0, "all predictions are equal", len(champion))
    else:
        estimate = compare_metric(metric, champion, challenger, design, (before, after))
    return Measured(metric, before, after, estimate)


def worse_p(measured: Measured, margin: float) -> float:
    """One-sided p of "worse by more than the margin"; small means shown."""
    if measured.metric.higher_is_better:
        return measured.estimate.p_below(-margin)
    return 1 - measured.estimate.p_below(margin)


def gain_interval(measured: Measured, level: float = LEVEL) -> tuple[float, float]:
    """The interval of the gain: positive is better, whatever the metric's direction."""
    low, high = measured.estimate.interval(level)
    return (low, high) if measured.metric.higher_is_better else (-high, -low)


def all_metrics(
    champion: Answers | None, challenger: Answers, design: Design, policy: Policy, same: bool
) -> tuple[list[Measured], list[MetricRow], list[Undefined]]:
    """Every metric of the task; the objective first."""
    wanted = sorted(metrics_of(challenger.task), key=lambda metric: metric.name != policy.objective.metric)
    measured, rows, undefined = [], [], []
    for metric in wanted:
        try:
            if champion is None:
                rows.append(_alone(metric, value(metric, challenger), len(challenger)))
                continue
            strict = metric.name == policy.objective.metric
            drawn = design if strict else replace(design, replicates=min(design.replicates, REPLICATES))
            one = measure(metric, champion, challenger, drawn, same)
        except UndefinedMetric as error:
            undefined.append(Undefined(name=metric.name, reason=str(error)))
            continue
        measured.append(one)
        rows.append(metric_row(one, len(challenger), policy))
    return measured, rows, undefined


def _alone(metric: Metric, of: float, rows: int) -> MetricRow:
    return MetricRow(
        name=metric.name,
        direction=metric.direction,
        champion=None,
        challenger=of,
        delta=None,
        low=None,
        high=None,
        level=None,
        se=None,
        p_value=None,
        method="no champion to compare with",
        n=rows,
        units=rows,
        replicates=0,
    )


def metric_row(one: Measured, rows: int, policy: Policy) -> MetricRow:
    """The row of one metric; the objective also gets its interval at the level that a promotion needs."""
    estimate = one.estimate
    low, high = estimate.interval(LEVEL)
    strict = one.metric.name == policy.objective.metric
    level = 1 - 2 * policy.alpha_per_look
    strict_low, strict_high = estimate.interval(level) if strict else (None, None)
    return MetricRow(
        name=one.metric.name,
        direction=one.metric.direction,
        champion=one.champion,
        challenger=one.challenger,
        delta=estimate.delta,
        low=low,
        high=high,
        level=LEVEL,
        strict_low=strict_low,
        strict_high=strict_high,
        strict_level=level if strict else None,
        se=estimate.se,
        p_value=min(max(estimate.p_value, 0.0), 1.0),
        method=estimate.method,
        n=rows,
        units=estimate.units,
        replicates=estimate.replicates,
        too_small=list(estimate.doubts),
        notes=list(estimate.notes),
    )
