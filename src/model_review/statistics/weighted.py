"""Metrics of the order of the scores under row weights: sorted once, then cheap for every draw."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model_review.metrics.ranking import average_precision_from_bins, thresholds
from model_review.statistics.bootstrap import CACHE_SHARE, block_rows, draw_units
from model_review.statistics.estimate import Floats

Mask = NDArray[np.bool_]
Weighted = Callable[[NDArray[np.int64]], float]


def weighted_average_precision(truth: Mask, score: Floats) -> Weighted:
    """Average precision as a function of the rows' weights."""
    cut = thresholds(score[truth], score[~truth])
    positive, negative = np.flatnonzero(truth), np.flatnonzero(~truth)

    def value(weights: NDArray[np.int64]) -> float:
        hits = np.bincount(cut.positive_bin, weights[positive], cut.bins).astype(float)
        misses = np.bincount(cut.negative_bin, weights[negative], cut.bins + 1)[: cut.bins].astype(float)
        return float(average_precision_from_bins(hits, misses))

    return value


def weighted_auc(truth: Mask, score: Floats) -> Weighted:
    """ROC AUC as a function of the rows' weights; one half where a draw holds a single class."""
    positive, negative = np.flatnonzero(truth), np.flatnonzero(~truth)
    distinct, positive_bin = np.unique(-score[positive], return_inverse=True)
    bins = len(distinct)
    at_or_above = np.searchsorted(distinct, -score[negative], "left")
    strictly_above = np.searchsorted(distinct, -score[negative], "right")

    def value(weights: NDArray[np.int64]) -> float:
        hits = np.bincount(positive_bin, weights[positive], bins)
        drawn = weights[negative]
        beaten = np.bincount(at_or_above, drawn, bins + 1) + np.bincount(strictly_above, drawn, bins + 1)
        pairs = float(hits.sum()) * float(drawn.sum())
        # bin k of `strictly_above` starts at the first positive score below the negative's
        lost = float((hits * np.cumsum(beaten)[:bins]).sum()) / 2
        return 1 - lost / pairs if pairs > 0 else 0.5

    return value


def weighted_macro_auc(truth: NDArray[np.int64], score: Floats) -> Weighted:
    """Mean one-against-the-rest AUC as a function of the rows' weights."""
    each = [weighted_auc(truth == code, score[:, code]) for code in range(score.shape[1])]
    return lambda weights: float(np.mean([one(weights) for one in each]))


def average_precision_draws(
    truth: Mask, champion: Floats, challenger: Floats, replicates: int, rng: np.random.Generator
) -> Floats:
    """Differences of average precision over draws within the classes: rows are drawn as bins, never as weights."""
    cuts = [thresholds(score[truth], score[~truth]) for score in (champion, challenger)]
    positives, negatives = len(cuts[0].positive_bin), len(cuts[0].negative_bin)
    kind = np.uint16 if max(positives, negatives) <= 65_536 else np.uint32
    result, done = np.empty(replicates), 0
    for size in block_rows(replicates, CACHE_SHARE * (positives + negatives)):
        hit = rng.integers(0, positives, (size, positives), dtype=kind)
        miss = rng.integers(0, negatives, (size, negatives), dtype=kind)
        values = []
        for cut in cuts:
            hits = _counts(cut.positive_bin, hit, cut.bins)
            misses = _counts(cut.negative_bin, miss, cut.bins + 1)[:, : cut.bins]
            values.append(average_precision_from_bins(hits, misses))
        result[done : done + size] = values[1] - values[0]
        done += size
    return result


def _counts(bins: NDArray[np.int64], drawn: NDArray[np.integer], size: int) -> Floats:
    """How many of each draw's rows (draws by rows) fall into each bin: (draws, bins)."""
    places = bins.take(drawn.astype(np.intp))
    places += size * np.arange(len(drawn))[:, None]
    return np.bincount(places.ravel(), minlength=size * len(drawn)).reshape(-1, size).astype(float)


def draws(
    champion: Weighted,
    challenger: Weighted,
    rows_of: list[NDArray[np.int64]],
    rows: int,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    """Differences over draws of rows, within each of the given groups of rows."""
    result = np.empty(replicates)
    weights = np.empty(rows, dtype=np.int64)
    for replicate in range(replicates):
        for members in rows_of:
            weights[members] = draw_units(len(members), rng)
        result[replicate] = challenger(weights) - champion(weights)
    return result


def cluster_draws(
    champion: Weighted,
    challenger: Weighted,
    entity: NDArray[np.int64],
    entities: int,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    """Differences over draws of whole entities."""
    result = np.empty(replicates)
    for replicate in range(replicates):
        weights = draw_units(entities, rng)[entity]
        result[replicate] = challenger(weights) - champion(weights)
    return result
