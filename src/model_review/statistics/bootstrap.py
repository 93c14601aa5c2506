"""Paired bootstrap: draw units again with replacement, score both models on the same draw, take the difference."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from model_review.statistics.estimate import Estimate, Floats, certain, probability, quantile

Codes = NDArray[np.int64]
BLOCK_CELLS = 4_000_000  # numbers held at once, so that memory does not grow with the number of rows
CACHE_SHARE = 200  # blocks of this part of that size stay in the processor's cache


def block_rows(replicates: int, width: int) -> Iterator[int]:
    """Sizes of the blocks in which replicates are drawn."""
    step = max(1, BLOCK_CELLS // max(width, 1))
    for start in range(0, replicates, step):
        yield min(step, replicates - start)


def draw_counts(counts: Floats, strata: Codes, replicates: int, rng: np.random.Generator) -> Floats:
    """Counts of equal rows drawn again, within strata: (replicates, cells). Counts may be smoothed, so not whole."""
    drawn = np.zeros((replicates, len(counts)))
    for stratum in np.unique(strata):
        cells = np.flatnonzero(strata == stratum)
        total = counts[cells].sum()
        drawn[:, cells] = rng.multinomial(round(total), counts[cells] / total, replicates)
    return drawn


def draw_units(units: int, rng: np.random.Generator) -> Codes:
    """How often each unit is in one draw."""
    kind = np.uint16 if units <= 65_536 else np.uint32
    return np.bincount(rng.integers(0, units, units, dtype=kind), minlength=units)


def draw_means(terms: Floats, weights: Floats, strata: Codes, replicates: int, rng: np.random.Generator) -> Floats:
    """Means of additive terms (units by k) over draws of the units, within strata: (replicates, k).

    `weights` holds the rows of each unit: a mean over rows is the drawn sum over the drawn number of rows.
    """
    sums = np.zeros((replicates, terms.shape[1] + 1))
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        part, done = np.column_stack([terms[rows], weights[rows]]), 0
        for size in block_rows(replicates, CACHE_SHARE * len(rows)):
            sums[done : done + size] += _draw_counts_of_units(size, len(rows), rng) @ part
            done += size
    return sums[:, :-1] / sums[:, -1:]


def _draw_counts_of_units(draws: int, units: int, rng: np.random.Generator) -> Floats:
    """How often each unit is in each of some draws: (draws, units)."""
    drawn = rng.integers(0, units, (draws, units), dtype=np.uint16 if units <= 65_536 else np.uint32).astype(np.intp)
    drawn += units * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * units).reshape(draws, units).astype(float)


@dataclass(frozen=True)
class Spread:
    """What a small sample does to a bootstrap: its degrees of freedom, and how much too narrow it draws.

    Attributes:
        degrees: Of Student's t.
        factor: The estimate's standard error over that of draws from the sample.
        se: The standard error.
    """

    degrees: float
    factor: float
    se: float

    def fitted(self, draws: Floats) -> "Spread":
        """The same error, with the factor that these very draws need to have it."""
        drawn = float(np.std(draws, ddof=1))
        return replace(self, factor=self.se / drawn if drawn > 0 else 1.0)


def spread(pull: Floats, strata: Codes | None = None) -> Spread:
    """Spread of an estimate from each unit's pull on it, within strata."""
    units = len(pull)
    groups = [pull] if strata is None else [pull[strata == stratum] for stratum in np.unique(strata)]
    parts = [(float(np.var(group, ddof=1)) * len(group) / units**2, len(group)) for group in groups if len(group) > 1]
    total = sum(variance for variance, _ in parts)
    if total <= 0:
        return Spread(np.inf, 1.0, 0.0)
    degrees = total**2 / sum(variance**2 / (size - 1) for variance, size in parts)
    drawn = sum(variance * (size - 1) / size for variance, size in parts)
    return Spread(degrees, float(np.sqrt(total / drawn)), float(np.sqrt(total)))


def percentile(delta: float, draws: Floats, of: Spread, method: str, units: int) -> Estimate:
    """Percentile interval: its levels widened as Student's t asks (Hesterberg 2015), its reach by the factor."""
    if float(np.ptp(draws)) == 0:
        return certain(delta, method, units)
    ordered = delta + of.factor * (np.sort(draws) - delta)
    half = 0.5 / len(ordered)

    def interval(level: float) -> tuple[float, float]:
        reach = -quantile((1 - level) / 2, of.degrees)
        low, high = np.quantile(ordered, [float(ndtr(-reach)), float(ndtr(reach))])
        return float(low), float(high)

    def p_below(bound: float) -> float:
        # The share of draws at or above the bound, read back through the same widening as the interval.
        place = np.searchsorted(ordered, bound, "left") + np.searchsorted(ordered, bound, "right")
        share = float(np.clip(1 - place / (2 * len(ordered)), half, 1 - half))
        return probability(float(ndtri(share)), of.degrees)

    p_value = min(1.0, 2 * min(p_below(0.0), 1 - p_below(0.0)))
    return Estimate(delta, float(np.std(ordered, ddof=1)), p_value, method, units, interval, p_below, len(ordered))
