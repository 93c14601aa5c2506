"""Fairness: the gap between groups for both models, and the change in the gap."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model_review.comparison_groups import CAUTIOUS, FairnessRow, Family, Group
from model_review.metrics.answers import Answers, Floats, UndefinedMetric
from model_review.metrics.catalog import Metric, find
from model_review.metrics.values import value
from model_review.paired import Design
from model_review.policy import BOUND_ALPHA, Policy
from model_review.pull import pull
from model_review.settings import LEVEL
from model_review.slices import group_codes, members
from model_review.statistics import bootstrap
from model_review.statistics.estimate import Estimate, pivotal
from model_review.statistics.multiplicity import holm
from model_review.text import plain

MIN_ROWS = 100
MIN_CLASS = 10
MANY_PAIRS, MANY_GROUPS = 20, 10_000
CLEAR = 3.0  # standard errors of a gap below which which group is best and which is worst may be chance


def fairness_rows(
    groups: dict[str, pa.DictionaryArray],
    sensitive: list[str],
    champion: Answers,
    challenger: Answers,
    design: Design,
    policy: Policy,
) -> list[FairnessRow]:
    """One row per sensitive column and per pair of them; what the policy names is gated, Holm-adjusted together."""
    rule = policy.fairness
    gated = [column for column in (rule.columns if rule else ()) if column in groups]
    columns = gated + [column for column in sensitive if column in groups and column not in gated]
    crossed = {
        f"{one} & {other}": (one, other)
        for one, other in combinations(columns, 2)
        if len(groups[one].dictionary) * len(groups[other].dictionary) <= MANY_GROUPS
    }
    tables = {**groups, **{name: _crossed(groups[one], groups[other]) for name, (one, other) in crossed.items()}}
    columns += list(crossed)[:MANY_PAIRS]
    metric = find(champion.task, rule.metric if rule else policy.objective.metric)
    assert metric is not None
    margin = rule.margin if rule else 0.0
    least = rule.min_rows if rule else MIN_ROWS
    found = [_column(column, tables[column], metric, champion, challenger, design, least) for column in columns]
    p_values = [1.0 if change is None else 1 - change.p_below(margin) for _, change in found]
    adjusted = [*holm(np.array(p_values[: len(gated)])), *p_values[len(gated) :]]
    rows = []
    for place, (row, change) in enumerate(found):
        family: Family = "gated" if place < len(gated) else "explored"
        if change is None:
            rows.append(row.model_copy(update={"family": family}))
            continue
        low, high = change.interval(LEVEL)
        worse = family == "gated" and adjusted[place] < BOUND_ALPHA and low > margin
        status = "worse" if worse else "no worse" if high <= margin else "cannot tell"
        update = {"family": family, "low": low, "high": high, "status": status}
        rows.append(row.model_copy(update={**update, "p_value": p_values[place], "p_adjusted": float(adjusted[place])}))
    return rows


def _crossed(first: pa.DictionaryArray, second: pa.DictionaryArray) -> pa.DictionaryArray:
    """Groups that two columns make together."""
    (left, left_names), (right, right_names) = group_codes(first), group_codes(second)
    names = [f"{one} & {other}" for one in left_names for other in right_names]
    return pa.DictionaryArray.from_arrays(pa.array((left * len(right_names) + right).astype(np.int32)), pa.array(names))


def _column(
    column: str,
    groups: pa.DictionaryArray,
    metric: Metric,
    champion: Answers,
    challenger: Answers,
    design: Design,
    least: int,
) -> tuple[FairnessRow, Estimate | None]:
    codes, names = group_codes(groups)
    shown: list[Group] = []
    large: list[tuple[NDArray[np.int64], list[float]]] = []
    for code, rows in members(codes, len(names)):
        sides = champion.take(rows), challenger.take(rows)
        try:
            pair = [value(metric, side) for side in sides] if len(rows) >= least and _enough(sides[0]) else None
        except UndefinedMetric:
            pair = None
        before, after = pair or (None, None)
        shown.append(Group(value=plain(names[code]), n=len(rows), champion=before, challenger=after))
        if pair is not None:
            large.append((rows, pair))
    row = FairnessRow(
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
    if len(large) < 2:
        return row, None
    gaps, pulls = [], []
    for number, side in enumerate((champion, challenger)):
        values = [pair[number] for _, pair in large]
        best, worst = int(np.argmax(values)), int(np.argmin(values))
        gaps.append(values[best] - values[worst])
        pulls.append(_gap_pull(metric, side, large[best][0], large[worst][0]))
    change, clear = _change(gaps, pulls, design)
    note = "the groups that lie farthest apart, linearised"
    update = {"gap_champion": gaps[0], "gap_challenger": gaps[1], "delta": gaps[1] - gaps[0]}
    return row.model_copy(update={**update, "note": note if clear else f"{note}; {CAUTIOUS}"}), change


def _enough(side: Answers) -> bool:
    if side.task == "regression":
        return True
    counts = np.bincount(side.truth.astype(np.int64), minlength=side.classes)
    return bool(counts[counts > 0].min() >= MIN_CLASS)


def _gap_pull(metric: Metric, side: Answers, best: NDArray[np.int64], worst: NDArray[np.int64]) -> Floats:
    """Each row's pull on the best group's value minus the worst's; 0 in the other groups."""
    pulls = np.zeros(len(side))
    if best is not worst:
        for sign, rows in ((1, best), (-1, worst)):
            pulls[rows] += sign * pull(metric, side.take(rows)) * len(side) / len(rows)
    return pulls


def _change(gaps: list[float], pulls: list[Floats], design: Design) -> tuple[Estimate, bool]:
    """The change in gap, and whether at least one of the gaps is clear.

    A gap is a maximum over groups. Where groups lie close together it is mostly noise, and no interval around its
    change is right; there each end is moved out as far as one gap alone could take it if the other were none.
    """
    columns = [pulls[1] - pulls[0], *pulls]
    units = rows = len(pulls[0])
    if design.entity is not None:
        columns = [np.bincount(design.entity, column).astype(float) for column in columns]
        units = len(columns[0])
    errors = [bootstrap.spread(column * units / rows) for column in columns]
    change = pivotal(gaps[1] - gaps[0], errors[0].se, errors[0].degrees, "linearised", units)
    if any(gap > CLEAR * of.se for gap, of in zip(gaps, errors[1:], strict=True)):
        return change, True
    ends = [pivotal(gap, of.se, of.degrees, "linearised", units) for gap, of in zip(gaps, errors[1:], strict=True)]

    def interval(level: float) -> tuple[float, float]:
        low, high = change.interval(level)
        return min(low, -ends[0].interval(level)[1]), max(high, ends[1].interval(level)[1])

    return replace(change, interval=interval), False
