"""ROC AUC under row weights: sorted once, then cheap for every draw."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from model_review.statistics.bootstrap import draw_units
from model_review.statistics.estimate import Floats

Mask = NDArray[np.bool_]
Weighted = Callable[[NDArray[np.int64]], float]


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
