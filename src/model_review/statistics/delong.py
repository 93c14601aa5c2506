"""DeLong's comparison of two ROC AUCs on the same rows (DeLong, DeLong and Clarke-Pearson, Biometrics 1988)."""

from dataclasses import dataclass

import numpy as np

from model_review.metrics.ranking import Placements
from model_review.statistics.estimate import Estimate, Floats, pivotal


@dataclass(frozen=True)
class Components:
    """What the variance of an AUC difference is made of: one part per class."""

    delta: float
    positive: float
    negative: float
    degrees: float


def components(champion: Placements, challenger: Placements) -> Components:
    """Difference of two AUCs, the variance from either class, and Satterthwaite's degrees of freedom."""
    parts = []
    for first, second in ((champion.positive, challenger.positive), (champion.negative, challenger.negative)):
        rows = len(first)
        parts.append((float(np.var(second - first, ddof=1)) / rows if rows > 1 else 0.0, rows))
    total = parts[0][0] + parts[1][0]
    below = sum(variance**2 / (rows - 1) for variance, rows in parts if rows > 1)
    degrees = total**2 / below if below > 0 else np.inf
    return Components(challenger.auc - champion.auc, parts[0][0], parts[1][0], float(degrees))


def delong(champion: Placements, challenger: Placements, *, small_sample: bool = True) -> Estimate:
    """Interval and p of the AUC difference.

    `small_sample` takes Student's t in place of the published normal quantile; with hundreds of rows in each class
    the two are the same.
    """
    part = components(champion, challenger)
    units = len(champion.positive) + len(champion.negative)
    degrees = part.degrees if small_sample else np.inf
    return pivotal(part.delta, float(np.sqrt(part.positive + part.negative)), degrees, "DeLong", units)


def auc_influence(positive: "np.ndarray[tuple[int], np.dtype[np.bool_]]", one: Placements) -> Floats:
    """Each row's pull on the AUC; its mean is 0 within either class."""
    share = positive.mean()
    pull = np.empty(len(positive))
    pull[positive] = (one.positive - one.auc) / share
    pull[~positive] = (one.negative - one.auc) / (1 - share)
    return pull
