"""An estimated difference together with the means to put an interval around it at any level."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A difference, challenger minus champion.

    Attributes:
        delta: The difference.
        se: Its standard error.
        p_value: Two-sided p of "no difference".
        method: How the interval is made, in words.
        units: Independent units (rows, or entities) behind it.
        interval: Level to (low, high).
        p_below: One-sided p of "the true difference is below this value"; small means shown.
        replicates: Resamples drawn; 0 for a closed form.
        doubts: Why the interval should not be trusted here; empty where it may.
        notes: What the reader should know about the method (a fallback, an approximation).
    """

    delta: float
    se: float
    p_value: float
    method: str
    units: int
    interval: Callable[[float], tuple[float, float]]
    p_below: Callable[[float], float]
    replicates: int = 0
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def pivotal(delta: float, se: float, degrees: float, method: str, units: int, p_value: float | None = None) -> Estimate:
    """A difference whose error follows Student's t (infinite degrees: the normal distribution)."""
    if se <= 0:
        return certain(delta, method, units)

    def interval(level: float) -> tuple[float, float]:
        reach = -quantile((1 - level) / 2, degrees) * se
        return delta - reach, delta + reach

    def p_below(bound: float) -> float:
        return probability((delta - bound) / se, degrees)

    if p_value is None:
        p_value = 2 * probability(-abs(delta) / se, degrees)
    return Estimate(delta, se, p_value, method, units, interval, p_below)


def negated(of: Estimate) -> Estimate:
    """The same difference seen from the other side."""

    def interval(level: float) -> tuple[float, float]:
        low, high = of.interval(level)
        return -high, -low

    return replace(of, delta=-of.delta, interval=interval, p_below=lambda bound: 1 - of.p_below(-bound))


def certain(delta: float, method: str, units: int) -> Estimate:
    """A difference without spread: its interval is the point, and where that is not 0 it is not to be trusted."""
    doubts = () if delta == 0 else ("every unit shows the same difference, so nothing tells its error",)

    def p_below(bound: float) -> float:
        return 0.0 if delta < bound else 1.0

    return Estimate(
        delta, 0.0, 1.0 if delta == 0 else 0.0, method, units, lambda level: (delta, delta), p_below, 0, doubts
    )


def quantile(tail: float, degrees: float) -> float:
    """Quantile of Student's t; of the normal distribution where the degrees are infinite."""
    return float(ndtri(tail) if np.isinf(degrees) else stdtrit(degrees, tail))


def probability(value: float, degrees: float) -> float:
    """Lower tail of Student's t; of the normal distribution where the degrees are infinite."""
    return float(ndtr(value) if np.isinf(degrees) else stdtr(degrees, value))
