"""Each row's pull on a metric: its influence function. Their spread gives standard errors without resampling."""

from collections.abc import Callable

import numpy as np

from model_review.metrics.ranking import average_precision
from model_review.statistics.estimate import Floats

STEP = 1e-6
MATRICES = 2_000_000


def of_means(value: Callable[[Floats], Floats], terms: Floats) -> Floats:
    """Pull of each row on a function of the means of its terms (rows by k), by central differences."""
    means = terms.mean(axis=0)
    scale = STEP * np.maximum(np.abs(means), 1e-3)
    moved = np.diag(scale)
    slope = (value(means + moved) - value(means - moved)) / (2 * scale)
    return np.asarray((terms - means) @ slope)


def of_confusion(value: Callable[[Floats], Floats], confusion: Floats) -> Floats:
    """Pull of a row in each cell of the confusion matrix on a metric of it: an array of the matrix's shape."""
    shares = confusion / confusion.sum()
    size = len(shares)
    slope = np.zeros(size * size)
    filled = np.flatnonzero(shares)
    step = max(1, MATRICES // size**2)
    for start in range(0, len(filled), step):
        cells = filled[start : start + step]
        steps = np.zeros((len(cells), size * size))
        steps[np.arange(len(cells)), cells] = STEP * shares.ravel()[cells]
        moved = steps.reshape(-1, size, size)
        change = value(shares + moved) - value(shares - moved)
        slope[cells] = change / (2 * STEP * shares.ravel()[cells])
    pull = slope.reshape(size, size)
    return np.asarray(pull - (pull * shares).sum())


def of_average_precision(truth: "np.ndarray[tuple[int], np.dtype[np.bool_]]", score: Floats) -> Floats:
    """Pull of each row on average precision."""
    positive, negative = score[truth], score[~truth]
    share = len(positive) / len(score)
    cut, counts = np.unique(positive, return_counts=True)  # rising scores
    hit = counts[::-1].cumsum()[::-1] / len(positive)
    miss = 1 - np.searchsorted(np.sort(negative), cut, "left") / len(negative)
    shown = share * hit + (1 - share) * miss
    weight = counts / len(positive)
    to_hit = weight * share * (1 - share) * miss / shown**2
    to_miss = -weight * share * (1 - share) * hit / shown**2
    total = average_precision(positive, negative)
    precision = share * hit / shown
    # A row with score x moves every threshold at or below x: a running sum over the thresholds.
    up_hit, up_miss = np.append(0.0, to_hit.cumsum()), np.append(0.0, to_miss.cumsum())
    place = np.searchsorted(cut, score, "right")
    pull = np.empty(len(score))
    own = precision[place[truth] - 1]
    pull[truth] = (own - total + up_hit[place[truth]] - (to_hit * hit).sum()) / share
    pull[~truth] = (up_miss[place[~truth]] - (to_miss * miss).sum()) / (1 - share)
    return pull + (truth - share) * float((weight * hit * miss / shown**2).sum())


def of_median(values: Floats) -> Floats:
    """Pull of each row on the median; the density there is read from the spacing of the order statistics."""
    rows = len(values)
    width = min(0.49, 0.5 * rows ** (-1 / 5))
    low, middle, high = np.quantile(values, [0.5 - width / 2, 0.5, 0.5 + width / 2])
    if high <= low:
        return np.zeros(rows)
    return np.asarray((0.5 - (values <= middle)) * (high - low) / width)
