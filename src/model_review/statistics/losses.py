"""Mean differences of per-row losses: Student's t and the sign-flip test."""

import numpy as np
from scipy.special import ndtr

from model_review.statistics.bootstrap import block_rows
from model_review.statistics.estimate import Estimate, Floats, pivotal

EXACT_FLIPS = 16
FLIPS = 4000
FLIP_ROWS = 20_000


def paired_t(difference: Floats, p_value: float | None = None) -> Estimate:
    """Student's interval of the mean difference."""
    rows = len(difference)
    spread = float(np.std(difference, ddof=1)) if rows > 1 else 0.0
    # Rounding in equal differences must not look like spread.
    if spread <= 1e-14 * float(np.abs(difference).max(initial=0.0)):
        spread = 0.0
    return pivotal(float(difference.mean()), spread / np.sqrt(rows), rows - 1, "paired t", rows, p_value)


def sign_flip_p(difference: Floats, rng: np.random.Generator) -> float:
    """Two-sided p of the sign-flip permutation test: exact for few rows, drawn for many, normal for very many."""
    moved = difference[difference != 0]
    rows, observed = len(moved), abs(float(moved.sum()))
    if rows == 0:
        return 1.0
    total = float(moved.sum())
    slack = 1e-6 * float(np.abs(moved).sum())  # ties count as hits, whatever the rounding
    if rows <= EXACT_FLIPS:
        codes = np.arange(2**rows)[:, None] >> np.arange(rows) & 1
        return float((np.abs((2.0 * codes - 1) @ moved) >= observed - slack).mean())
    if rows > FLIP_ROWS:
        return float(2 * ndtr(-observed / np.sqrt(float((moved**2).sum()))))
    hits = 0
    for size in block_rows(FLIPS, rows):
        bits = np.unpackbits(rng.integers(0, 256, (size, (rows + 7) // 8), dtype=np.uint8), axis=1)[:, :rows]
        # A sum over flipped signs is twice the sum of the kept ones minus the total.
        sums = 2 * (bits.astype(np.float32) @ moved.astype(np.float32)) - total
        hits += int((np.abs(sums) >= observed - slack).sum())
    return (hits + 1) / (FLIPS + 1)
