"""How far two distributions lie apart: effect sizes for counts and for numbers."""

import numpy as np
from scipy.special import chdtrc, rel_entr

from model_review.statistics.estimate import Floats

SMOOTH = 0.5  # added to empty cells, so that a category seen on one side only has a finite distance


def population_stability_index(expected: Floats, actual: Floats) -> float:
    """PSI of two distributions over the same cells, without empty cells."""
    return float(((actual - expected) * np.log(actual / expected)).sum())


def total_variation(expected: Floats, actual: Floats) -> float:
    """Half the summed distance: the share of rows that would have to move."""
    return float(np.abs(actual - expected).sum() / 2)


def jensen_shannon_distance(expected: Floats, actual: Floats) -> float:
    """Square root of the Jensen-Shannon divergence, natural logarithm."""
    middle = (expected + actual) / 2
    divergence = (rel_entr(expected, middle).sum() + rel_entr(actual, middle).sum()) / 2
    return float(np.sqrt(max(float(divergence), 0.0)))


def shares(counts: Floats) -> Floats:
    """Shares of counts, empty cells smoothed."""
    smooth = np.where(counts > 0, counts, SMOOTH)
    return np.asarray(smooth / smooth.sum())


def homogeneity_p(first: Floats, second: Floats) -> float:
    """Chi-squared p of "both samples have one distribution"."""
    table = np.stack([first, second])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or (table.sum(axis=1) == 0).any():
        return 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(chdtrc(table.shape[1] - 1, float(((table - expected) ** 2 / expected).sum())))


def psi_interval(
    first: Floats, second: Floats, rng: np.random.Generator, replicates: int = 1000, level: float = 0.95
) -> tuple[float, float, float]:
    """PSI of two samples' counts with a bootstrap interval; what equal samples of this size show is taken off."""
    point = population_stability_index(shares(first), shares(second))
    noise = (np.count_nonzero(first + second) - 1) * (1 / first.sum() + 1 / second.sum())
    drawn = np.empty(replicates)
    pairs = zip(
        rng.multinomial(int(first.sum()), first / first.sum(), replicates),
        rng.multinomial(int(second.sum()), second / second.sum(), replicates),
        strict=True,
    )
    for place, (one, other) in enumerate(pairs):
        drawn[place] = population_stability_index(shares(one.astype(float)), shares(other.astype(float)))
    # A draw from the sample adds the sample's own noise once more on top of the estimate's.
    low, high = np.quantile(drawn - 2 * noise, [(1 - level) / 2, (1 + level) / 2])
    return max(point - noise, 0.0), max(float(low), 0.0), max(float(high), 0.0)
