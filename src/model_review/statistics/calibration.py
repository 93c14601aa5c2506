"""Calibration: does a probability of 0.3 happen three times in ten?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

from model_review.statistics.estimate import Floats

CLIP = 1e-6


@dataclass(frozen=True)
class Bin:
    """Rows of similar probability: the mean forecast, the observed share and Wilson's interval of it."""

    forecast: float
    observed: float
    low: float
    high: float
    n: int


def wilson(hits: float, rows: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of one proportion."""
    z = -float(ndtri((1 - level) / 2))
    share = hits / rows
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    reach = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))


def equal_width(probability: Floats, bins: int) -> NDArray[np.int64]:
    """Bin of each row, (low, high] bins of equal width."""
    return np.clip(np.ceil(probability * bins).astype(np.int64) - 1, 0, bins - 1)


def equal_mass(probability: Floats, bins: int) -> NDArray[np.int64]:
    """Bin of each row, bins of as equal a number of rows as ties allow: equal probabilities share a bin."""
    cuts = np.sort(probability)[[round(len(probability) * k / bins) - 1 for k in range(1, bins)]]
    return np.searchsorted(np.unique(cuts), probability, "left").astype(np.int64)


def curve(truth: Floats, probability: Floats, bins: NDArray[np.int64]) -> list[Bin]:
    """Observed share against mean forecast, per bin."""
    counts = np.bincount(bins)
    hits, sums = np.bincount(bins, truth), np.bincount(bins, probability)
    return [
        Bin(float(sums[k] / counts[k]), float(hits[k] / counts[k]), *wilson(float(hits[k]), int(counts[k])), int(count))
        for k, count in enumerate(counts)
        if count
    ]


def expected_calibration_error(bins: list[Bin]) -> float:
    """Mean distance of forecast and observed share; depends on the bins, so it is shown and never gated."""
    rows = sum(one.n for one in bins)
    return sum(one.n * abs(one.forecast - one.observed) for one in bins) / rows


def slope_and_intercept(truth: Floats, probability: Floats) -> tuple[float, float] | None:
    """Logistic recalibration of the forecast: slope 1 and intercept 0 are perfect. None where it has no solution."""
    score = logit(np.clip(probability, CLIP, 1 - CLIP))
    if np.ptp(score) == 0 or truth.min() == truth.max():
        return None
    design = np.column_stack([np.ones(len(score)), score])
    weights = np.array([0.0, 1.0])
    for _ in range(50):
        fitted = expit(design @ weights)
        curvature = design.T @ (design * (fitted * (1 - fitted))[:, None])
        if np.linalg.cond(curvature) > 1e12:
            return None
        step = np.linalg.solve(curvature, design.T @ (truth - fitted))
        weights = weights + np.clip(step, -5, 5)
        if float(np.abs(step).max()) < 1e-10:
            return float(weights[1]), float(weights[0])
    return None
