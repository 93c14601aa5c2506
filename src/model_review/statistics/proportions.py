"""Paired proportions: Tango's score interval and McNemar's tests.

`gained` rows only the challenger has right, `lost` rows only the champion has right, `rows` in all.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, chdtrc, gammaln, ndtr, ndtri

from model_review.statistics.estimate import Estimate


@dataclass(frozen=True)
class McNemar:
    """The p-values of McNemar's test in its four forms; the engine prints the mid-p (Fagerland et al. 2013)."""

    asymptotic: float
    corrected: float
    exact: float
    mid_p: float


def mcnemar(gained: int, lost: int) -> McNemar:
    """Two-sided p-values of "both models are right equally often"."""
    discordant, fewer = gained + lost, min(gained, lost)
    if discordant == 0:
        return McNemar(1.0, 1.0, 1.0, 1.0)
    gap = abs(gained - lost)
    tail = 2 * float(bdtr(fewer, discordant, 0.5))
    ways = gammaln(discordant + 1) - gammaln(fewer + 1) - gammaln(discordant - fewer + 1)
    return McNemar(
        asymptotic=float(chdtrc(1, gap**2 / discordant)),
        corrected=float(chdtrc(1, max(gap - 1, 0) ** 2 / discordant)),
        exact=min(1.0, tail),
        mid_p=min(1.0, tail - float(np.exp(ways - discordant * np.log(2)))),
    )


def score_statistic(gained: int, lost: int, rows: int, difference: float) -> float:
    """Tango's score statistic (Statistics in Medicine 1998): about standard normal where `difference` is true."""
    above = gained - lost - rows * difference
    if above == 0:
        return 0.0
    linear = -gained - lost + (2 * rows - gained + lost) * difference
    constant = -lost * difference * (1 - difference)
    nuisance = (np.sqrt(max(linear**2 - 8 * rows * constant, 0.0)) - linear) / (4 * rows)
    variance = rows * (2 * nuisance + difference * (1 - difference))
    return float(above / np.sqrt(variance)) if variance > 0 else float(np.copysign(np.inf, above))


def tango_interval(gained: int, lost: int, rows: int, level: float) -> tuple[float, float]:
    """The differences that the score test does not refuse at this level."""
    # Swapping the sides must mirror the interval to the last bit, so the upper end is the mirrored lower one.
    return _lower_end(gained, lost, rows, level), -_lower_end(lost, gained, rows, level)


def _lower_end(gained: int, lost: int, rows: int, level: float) -> float:
    reach = -float(ndtri((1 - level) / 2))
    inside, outside = (gained - lost) / rows, -1.0
    if score_statistic(gained, lost, rows, outside) <= reach:
        return outside
    for _ in range(80):
        middle = (inside + outside) / 2
        if score_statistic(gained, lost, rows, middle) <= reach:
            inside = middle
        else:
            outside = middle
    return inside


def paired_proportion(gained: int, lost: int, rows: int) -> Estimate:
    """Interval and p of the difference of two proportions on the same rows."""
    delta = (gained - lost) / rows
    variance = (gained + lost) / rows - delta**2
    return Estimate(
        delta=delta,
        se=float(np.sqrt(max(variance, 0.0) / rows)),
        p_value=mcnemar(gained, lost).mid_p,
        method="Tango score interval, McNemar mid-p",
        units=rows,
        interval=lambda level: tango_interval(gained, lost, rows, level),
        p_below=lambda bound: float(ndtr(score_statistic(gained, lost, rows, bound))),
    )
