"""Robustness: the same comparison on perturbed rows, scenario by scenario."""

import numpy as np

from model_review.alignment import entity_codes, identical, match
from model_review.comparison_groups import RobustnessRow, Status
from model_review.measure import Measured, gain_interval, measure, worse_p
from model_review.metrics.answers import UndefinedMetric
from model_review.metrics.catalog import Metric, find
from model_review.metrics.values import value
from model_review.paired import Design
from model_review.policy import BOUND_ALPHA, Policy
from model_review.predictions import TEST, Scenario
from model_review.settings import LEVEL
from model_review.statistics.multiplicity import holm
from model_review.text import plain


def robustness_rows(
    champion: dict[str, Scenario], challenger: dict[str, Scenario], design: Design, policy: Policy
) -> list[RobustnessRow]:
    """One row per scenario of the challenger; those that the policy names are gated, Holm-adjusted together."""
    rule = policy.robustness
    task = challenger[TEST].answers.task
    metric = find(task, rule.metric if rule else policy.objective.metric)
    assert metric is not None
    margin = rule.margin if rule else 0.0
    names = [name for name in challenger if name != TEST]
    found = [(name, _scenario(name, metric, champion, challenger, design)) for name in names]
    gated = [one for name, one in found if one is not None and rule is not None and name in rule.scenarios]
    p_values = {id(one): worse_p(one, margin) for one in gated}
    adjusted = dict(zip(p_values, holm(np.array(list(p_values.values()))), strict=True))
    rows = []
    for name, one in found:
        try:
            row = _row(name, metric, one, champion, challenger)
        except UndefinedMetric:
            continue
        if one is not None:
            p_adjusted = adjusted.get(id(one))
            family = "explored" if p_adjusted is None else "gated"
            update = {"p_value": p_values.get(id(one)), "p_adjusted": p_adjusted, "family": family}
            row = row.model_copy(update={**update, "status": _status(one, p_adjusted, margin)})
        rows.append(row)
    return rows


def _scenario(
    name: str, metric: Metric, champion: dict[str, Scenario], challenger: dict[str, Scenario], design: Design
) -> Measured | None:
    if name not in champion:
        return None
    before, after = champion[name].answers, challenger[name].answers
    if not match(champion[name], challenger[name]).complete or not np.array_equal(before.truth, after.truth):
        return None
    rows = Design(entity_codes(champion[name], challenger[name]), design.seed, design.replicates)
    try:
        return measure(metric, before, after, rows, identical(before, after))
    except UndefinedMetric:
        return None


def _row(
    name: str,
    metric: Metric,
    one: Measured | None,
    champion: dict[str, Scenario],
    challenger: dict[str, Scenario],
) -> RobustnessRow:
    after = value(metric, challenger[name].answers)
    low, high = (None, None) if one is None else one.estimate.interval(LEVEL)
    fall = None if one is None else metric.sign * (value(metric, champion[TEST].answers) - one.champion)
    return RobustnessRow(
        scenario=plain(name),
        metric=metric.name,
        champion=None if one is None else one.champion,
        challenger=after,
        fall_champion=fall,
        fall_challenger=metric.sign * (value(metric, challenger[TEST].answers) - after),
        delta=None if one is None else one.estimate.delta,
        low=low,
        high=high,
        p_value=None,
        p_adjusted=None,
        family="explored",
        status="cannot tell",
    )


def _status(one: Measured, p_adjusted: float | None, margin: float) -> Status:
    if one.estimate.doubts:
        return "cannot tell"
    low, high = gain_interval(one)
    if (p_adjusted is not None and p_adjusted < BOUND_ALPHA) or (p_adjusted is None and high < 0):
        return "worse"
    if low > 0:
        return "better"
    return "no worse" if low >= -margin else "cannot tell"
