"""Flips: rows that one model has right and the other wrong."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.generic]


@dataclass(frozen=True)
class Flips:
    """Counts and rates of changed answers.

    Attributes:
        fixed: Rows that were wrong and are right.
        broken: Rows that were right and are wrong.
        nfr: Negative flip rate: broken over rows (Yan et al., CVPR 2021).
        pfr: Positive flip rate: fixed over rows.
        churn: Share of rows whose predicted label changed.
        trust: Backward trust compatibility: of the rows that were right, the share still right (Bansal et al. 2019).
        errors_kept: Backward error compatibility: of the rows that were wrong, the share still wrong.
        relative_nfr: nfr over what independent errors would give; 1 is "as if independent".
    """

    fixed: int
    broken: int
    nfr: float
    pfr: float
    churn: float
    trust: float | None
    errors_kept: float | None
    relative_nfr: float | None


def flips(truth: Labels, champion: Labels, challenger: Labels) -> Flips:
    """Count the flips between two sets of labels on the same rows."""
    rows = len(truth)
    before, after = champion == truth, challenger == truth
    fixed, broken = int((~before & after).sum()), int((before & ~after).sum())
    right, errors = int(before.sum()), rows - int(before.sum())
    independent = (1 - after.mean()) * before.mean()
    return Flips(
        fixed=fixed,
        broken=broken,
        nfr=broken / rows,
        pfr=fixed / rows,
        churn=float((champion != challenger).mean()),
        trust=int((before & after).sum()) / right if right else None,
        errors_kept=int((~before & ~after).sum()) / errors if errors else None,
        relative_nfr=float(broken / rows / independent) if independent > 0 else None,
    )
