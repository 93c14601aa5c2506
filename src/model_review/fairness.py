"""Fairness: the gap between groups for both models, and the change in the gap."""

from typing import Literal

import numpy as np
import pyarrow as pa

from model_review.comparison_groups import FairnessRow, Group
from model_review.metrics.answers import Answers, Floats, UndefinedMetric
from model_review.metrics.catalog import Metric, find
from model_review.metrics.values import value
from model_review.paired import Design
from model_review.policy import BOUND_ALPHA, Policy
from model_review.pull import pull
from model_review.slices import group_codes, members
from model_review.statistics.multiplicity import holm
from model_review.text import plain

DRAWS = 20_000
MIN_ROWS = 100
MIN_CLASS = 10


def fairness_rows(
    groups: dict[str, pa.DictionaryArray],
    sensitive: list[str],
    champion: Answers,
    challenger: Answers,
    design: Design,
    policy: Policy,
) -> list[FairnessRow]:
    """One row per sensitive column; those that the policy names are gated, Holm-adjusted together."""
    rule = policy.fairness
    gated = [column for column in (rule.columns if rule else ()) if column in groups]
    columns = gated + [column for column in sensitive if column in groups and column not in gated]
    metric = find(champion.task, rule.metric if rule else policy.objective.metric)
    assert metric is not None
    margin = rule.margin if rule else 0.0
    found = [
        _column(column, groups[column], metric, champion, challenger, design, rule.min_rows if rule else MIN_ROWS)
        for column in columns
    ]
    p_values = [float((draws <= margin).mean()) if draws is not None else 1.0 for _, draws in found]
    adjusted = [*holm(np.array(p_values[: len(gated)])), *p_values[len(gated) :]]
    rows = []
    for place, (row, draws) in enumerate(found):
        family: Literal["gated", "explored"] = "gated" if place < len(gated) else "explored"
        if draws is None:
            rows.append(row.model_copy(update={"family": family}))
            continue
        low, high = (float(end) for end in np.quantile(draws, [BOUND_ALPHA, 1 - BOUND_ALPHA]))
        worse = family == "gated" and adjusted[place] < BOUND_ALPHA and low > margin
        status = "worse" if worse else "no worse" if high <= margin else "cannot tell"
        update = {"family": family, "low": low, "high": high, "status": status}
        rows.append(row.model_copy(update={**update, "p_value": p_values[place], "p_adjusted": float(adjusted[place])}))
    return rows


def _column(
    column: str,
    groups: pa.DictionaryArray,
    metric: Metric,
    champion: Answers,
    challenger: Answers,
    design: Design,
    least: int,
) -> tuple[FairnessRow, Floats | None]:
    codes, names = group_codes(groups)
    shown, values, factors = [], [], []
    for code, rows in members(codes, len(names)):
        sides = champion.take(rows), challenger.take(rows)
        try:
            pair = [value(metric, side) for side in sides] if len(rows) >= least and _enough(sides[0]) else None
        except UndefinedMetric:
            pair = None
        shown.append(
            Group(
                value=plain(names[code]),
                n=len(rows),
                champion=pair[0] if pair else None,
                challenger=pair[1] if pair else None,
            )
        )
        if pair is not None:
            values.append(pair)
            factors.append(_spread(metric, sides, design.take(rows)))
    empty = FairnessRow(
        column=plain(column),
        metric=metric.name,
        groups=shown,
        gap_champion=None,
        gap_challenger=None,
        delta=None,
        low=None,
        high=None,
        p_value=None,
        p_adjusted=None,
        family="explored",
        status="cannot tell",
        note="fewer than two groups are large enough",
    )
    if len(values) < 2:
        return empty, None
    centre = np.array(values)
    before, after = np.ptp(centre, axis=0)
    rng = np.random.default_rng([design.seed, *column.encode()[:64]])
    drawn = np.stack(
        [middle + rng.standard_normal((DRAWS, 2)) @ factor.T for middle, factor in zip(centre, factors, strict=True)]
    )
    gaps = np.ptp(drawn, axis=0)
    change = gaps[:, 1] - gaps[:, 0]
    # A gap is a maximum, which noise only widens; the draws are moved back to the gap that was seen.
    change += (after - before) - np.median(change)
    row = empty.model_copy(
        update={
            "gap_champion": float(before),
            "gap_challenger": float(after),
            "delta": float(after - before),
            "note": "normal draws of the linearised group values",
        }
    )
    return row, change


def _enough(side: Answers) -> bool:
    if side.task == "regression":
        return True
    counts = np.bincount(side.truth.astype(np.int64), minlength=side.classes)
    return bool(counts[counts > 0].min() >= MIN_CLASS)


def _spread(metric: Metric, sides: tuple[Answers, Answers], design: Design) -> Floats:
    """Square root of the covariance of the two models' values in one group."""
    pulls = np.column_stack([pull(metric, side) for side in sides])
    rows = len(pulls)
    if design.entity is not None:
        pulls = np.column_stack([np.bincount(design.entity, column) for column in pulls.T])
    covariance = np.cov(pulls.T) * len(pulls) / rows**2
    roots, axes = np.linalg.eigh(covariance)
    return np.asarray(axes * np.sqrt(np.maximum(roots, 0.0)))
