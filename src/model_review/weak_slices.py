"""Weak slices: where the challenger got worse, found on one half of the rows and confirmed on the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from model_review.comparison_groups import WeakSlice
from model_review.evaluation_table import Binned, binned, read_table
from model_review.metrics.answers import Answers, Floats
from model_review.metrics.losses import row_losses
from model_review.policy import BOUND_ALPHA
from model_review.predictions import TEST
from model_review.runs import Run
from model_review.slices import group_codes
from model_review.statistics.multiplicity import holm
from model_review.statistics.slice_score import sliceline_score
from model_review.text import plain

BINS = 6
MANY_COLUMNS = 40
MIN_ROWS = 50
CANDIDATES = 20


@dataclass(frozen=True)
class _Candidate:
    where: str
    rows: NDArray[np.int64]
    score: float
    discovered: float


def row_error(side: Answers) -> tuple[str, Floats]:
    """The loss whose change is searched: log loss where there are scores, else the plain error."""
    if side.task == "regression":
        return "mae", row_losses("mae", side)
    if side.score is not None:
        return "log_loss", row_losses("log_loss", side)
    return "error", (side.predicted != side.truth).astype(float)


def weak_slices(champion: Answers, challenger: Answers, run: Run, entity: NDArray[np.int64] | None) -> list[WeakSlice]:
    """Groups by one or two columns in which the challenger's loss grew (more than the whole's), after Holm."""
    name, after = row_error(challenger)
    growth = after - row_error(champion)[1]
    if not growth.any():
        return []
    growth = growth - max(float(growth.mean()), 0.0)  # where the whole got worse, only what got worse still stands out
    columns = _columns(run)
    unit = np.arange(len(growth)) if entity is None else entity
    # Half of the units by a fixed scramble of their number: the same rows give the same halves.
    confirm = (unit.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(63)).astype(bool)
    found = _discover(columns, growth, after, ~confirm)
    if not found:
        return []
    tests, means = [], []
    for one in found:
        rows = one.rows[confirm[one.rows]]
        values = growth[rows] if entity is None else _entity_means(growth[rows], entity[rows])
        error = float(np.std(values, ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else 0.0
        means.append(float(growth[rows].mean()) if len(rows) else 0.0)
        tests.append(1 - float(stdtr(len(values) - 1, values.mean() / error)) if error > 0 else 1.0)
    adjusted = holm(np.array(tests))
    return [
        WeakSlice(
            where=plain(one.where),
            n=len(one.rows),
            metric=name,
            discovered=one.discovered,
            confirmed=mean,
            p_adjusted=float(p_value),
            score=one.score,
        )
        for one, mean, p_value in zip(found, means, adjusted, strict=True)
        if p_value < BOUND_ALPHA and mean > 0
    ]


def _entity_means(values: Floats, entity: NDArray[np.int64]) -> Floats:
    codes = np.unique(entity, return_inverse=True)[1]
    return np.asarray(np.bincount(codes, values) / np.bincount(codes))


def _columns(run: Run) -> dict[str, Binned]:
    """Columns to search: the raw ones where the evaluation table is at hand, else the slice columns."""
    scenario = run.scenarios[TEST]
    columns: dict[str, Binned] = {}
    table = read_table(run.directory, None, scenario.row_id) or {}
    for name, column in table.items():
        if name != run.record.target and len(columns) < MANY_COLUMNS:
            cut = binned(column, BINS)
            if cut is not None and len(np.unique(cut.codes)) > 1:
                columns[name] = cut
    for name, groups in scenario.groups.items():
        if name not in columns and len(columns) < MANY_COLUMNS:
            codes, values = group_codes(groups)
            columns[name] = Binned(codes, [f"= {plain(value)}" for value in values])
    return columns


def _discover(columns: dict[str, Binned], growth: Floats, loss: Floats, half: NDArray[np.bool_]) -> list[_Candidate]:
    """The groups whose loss grew most clearly on the discovery half, best first, without near copies."""
    rows = np.flatnonzero(half)
    names = list(columns)
    ranked: list[tuple[float, str, str, int, int]] = []
    pairs = [(name, name) for name in names]
    pairs += [(first, second) for place, first in enumerate(names) for second in names[place + 1 :]]
    for first, second in pairs:
        left, right = columns[first], columns[second]
        size = len(right.names)
        codes = left.codes[rows] * size + right.codes[rows]
        counts = np.bincount(codes, minlength=len(left.names) * size)
        sums = np.bincount(codes, growth[rows], len(counts))
        squares = np.bincount(codes, growth[rows] ** 2, len(counts))
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums / counts
            clear = means / np.sqrt(np.maximum(squares / counts - means**2, 1e-18) / counts)
        for code in np.flatnonzero((counts >= MIN_ROWS) & (counts < len(rows)) & (means > 0) & (clear > 2)):
            ranked.append((float(clear[code]), first, second, int(code // size), int(code % size)))
    ranked.sort(key=lambda item: (-item[0], item[1:]))
    found: list[_Candidate] = []
    for _, first, second, left_code, right_code in ranked[: 4 * CANDIDATES]:
        member = (columns[first].codes == left_code) & (columns[second].codes == right_code)
        members = np.flatnonzero(member)
        if len(found) == CANDIDATES or any(_alike(members, other.rows) for other in found):
            continue
        where = f"{first} {columns[first].names[left_code]}"
        if second != first:
            where += f" and {second} {columns[second].names[right_code]}"
        own = members[half[members]]
        score = sliceline_score(float(loss[own].mean()), len(own), max(float(loss[rows].mean()), 1e-12), len(rows))
        found.append(_Candidate(where, members, score, float(growth[own].mean())))
    return found


def _alike(first: NDArray[np.int64], second: NDArray[np.int64]) -> bool:
    """Whether two groups share nine tenths of the larger one's rows."""
    return len(np.intersect1d(first, second, assume_unique=True)) > 0.9 * max(len(first), len(second))
