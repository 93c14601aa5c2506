"""Groups of rows: is anyone worse off? Declared columns are gated, the others and all pairs are explored."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from model_review.comparison_groups import Reversal, SliceRow, Status
from model_review.measure import Measured, gain_interval, measure, worse_p
from model_review.metrics.answers import Answers, UndefinedMetric
from model_review.metrics.catalog import Metric, find
from model_review.paired import Design
from model_review.policy import BOUND_ALPHA, Groups, Policy
from model_review.statistics.multiplicity import benjamini_hochberg, holm
from model_review.text import plain

MANY_GROUPS = 400
MIN_ROWS = 100
QUICK = 0


@dataclass(frozen=True)
class _Group:
    column: str
    value: str
    rows: NDArray[np.int64]
    gated: bool


def group_codes(column: pa.DictionaryArray) -> tuple[NDArray[np.int64], list[str]]:
    """Codes and names of a column's groups."""
    return column.indices.to_numpy(zero_copy_only=False).astype(np.int64), column.dictionary.to_pylist()


def slice_rows(
    groups: dict[str, pa.DictionaryArray], champion: Answers, challenger: Answers, design: Design, policy: Policy
) -> list[SliceRow]:
    """Every group that is large enough, gated ones first."""
    rule = policy.slices
    metric = find(champion.task, rule.metric if rule else policy.objective.metric)
    assert metric is not None
    found = []
    for group in _groups(groups, rule):
        one = _measured(group, metric, champion, challenger, design)
        found.append((group, one))
    gated = [(group, one) for group, one in found if group.gated]
    explored = [(group, one) for group, one in found if not group.gated]
    margin = rule.margin if rule else 0.0
    tests = [worse_p(one, margin) for _, one in gated if one is not None]
    looks = [min(max(one.estimate.p_value, 0.0), 1.0) for _, one in explored if one is not None]
    adjusted = iter(zip(tests, holm(np.array(tests)), strict=True))
    false_rates = iter(zip(looks, benjamini_hochberg(np.array(looks)), strict=True))
    pairs = [(group, one, adjusted) for group, one in gated] + [(group, one, false_rates) for group, one in explored]
    rows = []
    for group, one, p_values in pairs:
        p_value, p_adjusted = (None, None) if one is None else next(p_values)
        rows.append(_row(group, metric, one, champion, challenger, p_value, p_adjusted, margin))
    return rows


def _groups(groups: dict[str, pa.DictionaryArray], rule: Groups | None) -> Iterator[_Group]:
    """Groups of each column, then of each pair of columns; too small ones are left out of the pairs only."""
    least = rule.min_rows if rule else MIN_ROWS
    coded = {name: group_codes(column) for name, column in sorted(groups.items())}
    singles: list[_Group] = []
    for name, (codes, values) in coded.items():
        gated = rule is not None and name in rule.columns
        for code, rows in members(codes, len(values)):
            if len(rows) >= least or gated:
                singles.append(_Group(name, values[code], rows, gated and len(rows) >= least))
    singles.sort(key=lambda group: not group.gated)
    yield from singles
    pairs: list[_Group] = []
    names = list(coded)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            (left, left_values), (right, right_values) = coded[first], coded[second]
            for code, rows in members(left * len(right_values) + right, len(left_values) * len(right_values)):
                if len(rows) >= least:
                    value = f"{left_values[code // len(right_values)]} & {right_values[code % len(right_values)]}"
                    pairs.append(_Group(f"{first} & {second}", value, rows, False))
    pairs.sort(key=lambda group: -len(group.rows))
    yield from pairs[: max(0, MANY_GROUPS - len(singles))]


def members(codes: NDArray[np.int64], count: int) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Rows of each group that occurs, by one stable sort."""
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    for place, code in enumerate(present):
        end = starts[place + 1] if place + 1 < len(starts) else len(order)
        yield int(code), order[starts[place] : end]


def _measured(group: _Group, metric: Metric, champion: Answers, challenger: Answers, design: Design) -> Measured | None:
    part = design.take(group.rows)
    if not group.gated:
        part = Design(part.entity, part.seed, QUICK)
    try:
        return measure(metric, champion.take(group.rows), challenger.take(group.rows), part)
    except UndefinedMetric:
        return None


def _row(
    group: _Group,
    metric: Metric,
    one: Measured | None,
    champion: Answers,
    challenger: Answers,
    p_value: float | None,
    p_adjusted: float | None,
    margin: float,
) -> SliceRow:
    fixed = broken = None
    if champion.task != "regression":
        truth = champion.truth[group.rows]
        before, after = champion.predicted[group.rows] == truth, challenger.predicted[group.rows] == truth
        fixed, broken = int((~before & after).sum()), int((before & ~after).sum())
    low, high = (None, None) if one is None else one.estimate.interval(1 - 2 * BOUND_ALPHA)
    return SliceRow(
        column=plain(group.column),
        value=plain(group.value),
        n=len(group.rows),
        metric=metric.name,
        champion=None if one is None else one.champion,
        challenger=None if one is None else one.challenger,
        delta=None if one is None else one.estimate.delta,
        low=low,
        high=high,
        p_value=p_value,
        p_adjusted=None if p_adjusted is None else float(p_adjusted),
        family="gated" if group.gated else "explored",
        status=_status(one, group.gated, p_adjusted, margin),
        fixed=fixed,
        broken=broken,
    )


def _status(one: Measured | None, gated: bool, p_adjusted: float | None, margin: float) -> Status:
    if one is None or p_adjusted is None or one.estimate.doubts:
        return "cannot tell"
    low, high = gain_interval(one)
    if p_adjusted < BOUND_ALPHA and (gated or high < 0):
        return "worse"
    if low > 0 and (gated or p_adjusted < BOUND_ALPHA):
        return "better"
    return "no worse" if low >= -margin else "cannot tell"


def reversals(rows: list[SliceRow], measured: list[Measured]) -> list[Reversal]:
    """Columns in which every group moves the other way than the whole does, by the same metric."""
    overall = next((one for one in measured if rows and one.metric.name == rows[0].metric), None)
    found: list[Reversal] = []
    if overall is None or overall.estimate.delta == 0:
        return found
    delta = overall.estimate.delta
    columns: dict[str, list[float]] = {}
    for row in rows:
        if row.delta is not None and " & " not in row.column:
            columns.setdefault(row.column, []).append(row.delta)
    for column, deltas in columns.items():
        if len(deltas) > 1 and all(one * delta < 0 for one in deltas):
            found.append(Reversal(column=column, metric=overall.metric.name, delta=delta, groups=len(deltas)))
    return found
