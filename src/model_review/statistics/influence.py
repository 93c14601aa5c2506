"""Each row's pull on a metric: (rows - 1) times what leaving it out takes away. Their spread is the jackknife's error.

Simulation decided against the derivative: with 50 positives its standard error of average precision is 8 % too small,
leaving out is within 3 %.
"""

from collections.abc import Callable

import numpy as np

from model_review.metrics.ranking import thresholds
from model_review.statistics.estimate import Floats

STEP = 1e-6
MATRICES = 2_000_000
MANY_ROWS = 100_000  # above this the derivative is the same to more digits than are shown, and takes less time


def of_means(value: Callable[[Floats], Floats], terms: Floats) -> Floats:
    """Pull of each row on a function of the means of its terms (rows by k)."""
    rows, means = len(terms), terms.mean(axis=0)
    if 1 < rows <= MANY_ROWS:
        left_out = value((rows * means - terms) / (rows - 1))
        return np.asarray((rows - 1) * (left_out.mean() - left_out))
    scale = STEP * np.maximum(np.abs(means), 1e-3)
    moved = np.diag(scale)
    slope = (value(means + moved) - value(means - moved)) / (2 * scale)
    return np.asarray((terms - means) @ slope)


def of_confusion(value: Callable[[Floats], Floats], confusion: Floats) -> Floats:
    """Pull of a row in each cell of the confusion matrix on a metric of it: an array of the matrix's shape."""
    rows, size = confusion.sum(), len(confusion)
    pull = np.zeros(size * size)
    filled = np.flatnonzero(confusion)
    step = max(1, MATRICES // size**2)
    for start in range(0, len(filled), step):
        cells = filled[start : start + step]
        one = np.zeros((len(cells), size * size))
        one[np.arange(len(cells)), cells] = 1.0
        pull[cells] = -(rows - 1) * value(confusion - one.reshape(-1, size, size))
    mean = float((pull * confusion.ravel()).sum()) / rows
    return np.asarray((pull - mean).reshape(size, size))


def of_average_precision(truth: "np.ndarray[tuple[int], np.dtype[np.bool_]]", score: Floats) -> Floats:
    """Pull of each row on average precision: without it, precision changes at its own score and at all below."""
    cut = thresholds(score[truth], score[~truth])
    count = np.bincount(cut.positive_bin, minlength=cut.bins).astype(float)
    hits = np.cumsum(count)
    shown = hits + np.cumsum(np.bincount(cut.negative_bin, minlength=cut.bins + 1)[: cut.bins])
    rows, positives = len(truth), len(cut.positive_bin)
    below = np.maximum(shown * (shown - 1), 1.0)  # where one row is shown, its hit is all there is to lose
    total = float((count * hits / shown).sum()) / positives
    from_here = np.append((count * hits / below)[::-1].cumsum()[::-1], 0.0)
    falls = np.where(shown > 1, (shown - hits) / below, 1.0)
    own = np.where(shown > 1, (hits - 1) / np.maximum(shown - 1, 1.0), 0.0)
    lost = (count * falls)[::-1].cumsum()[::-1] + own - total
    pull = np.empty(rows)
    pull[truth] = (rows - 1) * lost[cut.positive_bin] / max(positives - 1, 1)
    pull[~truth] = -(rows - 1) * from_here[cut.negative_bin] / positives
    return np.asarray(pull - pull.mean())


def of_median(values: Floats) -> Floats:
    """Pull of each row on the median; the density there is read from the spacing of the order statistics."""
    rows = len(values)
    width = min(0.49, 0.5 * rows ** (-1 / 5))
    low, middle, high = np.quantile(values, [0.5 - width / 2, 0.5, 0.5 + width / 2])
    if high <= low:
        return np.zeros(rows)
    return np.asarray((0.5 - (values <= middle)) * (high - low) / width)
