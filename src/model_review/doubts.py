"""When an interval is not to be trusted: too few units, too few of a class, or a few rows that decide everything.

The limits come from simulation (tests/engine/test_coverage.py): where an interval's coverage strays from its level by
more than 1.5 points, the engine says "too small to tell".
"""

import numpy as np
from numpy.typing import NDArray

from model_review.metrics.answers import Answers
from model_review.metrics.catalog import Metric
from model_review.pull import difference_pull
from model_review.statistics.estimate import Estimate

MIN_UNITS = 100
MIN_CLASS = 40
MIN_ENTITIES = 50
MIN_EFFECTIVE = 5.0
TAILED = ("loss", "ratio")
NEEDS_CLASSES = ("auc", "macro_auc", "average_precision", "counts", "ratio")


def doubts(
    metric: Metric, champion: Answers, challenger: Answers, estimate: Estimate, entity: NDArray[np.int64] | None
) -> tuple[str, ...]:
    """Reasons why this test set is too small for this metric's interval; empty where it is not."""
    found = []
    if entity is None and estimate.units < MIN_UNITS:
        found.append(f"{estimate.units} rows bear on it, fewer than {MIN_UNITS}")
    if entity is not None:
        entities = effective_entities(np.bincount(entity))
        if entities < MIN_ENTITIES:
            found.append(f"its rows weigh as much as {entities:.0f} entities, fewer than {MIN_ENTITIES}")
    if champion.task != "regression" and metric.family in NEEDS_CLASSES:
        counts = np.bincount(champion.truth.astype(np.int64), minlength=champion.classes)
        rarest = int(counts[counts > 0].min())
        if rarest < MIN_CLASS:
            found.append(f"the rarest class has {rarest} rows, fewer than {MIN_CLASS}")
    if metric.family in TAILED:
        rows = effective_rows(difference_pull(metric, champion, challenger), entity)
        if 0 < rows < MIN_EFFECTIVE:
            found.append(f"so few rows carry the difference that they weigh as {rows:.1f}")
    return tuple(found)


def effective_entities(sizes: NDArray[np.int64]) -> float:
    """As how many equally large ones entities of these sizes weigh."""
    rows = sizes.astype(float)
    return float(rows.sum() ** 2 / (rows**2).sum())


def effective_rows(pull: NDArray[np.float64], entity: NDArray[np.int64] | None) -> float:
    """As how many equal ones the units weigh in the error of the estimate; 0 where there is none."""
    units = pull if entity is None else np.bincount(entity, pull)
    top = float(np.abs(units).max(initial=0.0))
    if top == 0:
        return 0.0
    squares = (units / top) ** 2
    return float(squares.sum() ** 2 / (squares**2).sum())


def heavy_degrees(pull: NDArray[np.float64]) -> float:
    """Degrees of freedom of the variance of units with heavy tails (Satterthwaite, from their fourth moment)."""
    weigh = effective_rows(pull, None)
    return max(2 * weigh / max(1 - weigh / len(pull), 1e-9), 1.0)
