"""Adjusting p-values where many questions are asked at once."""

import numpy as np

from model_review.statistics.estimate import Floats


def holm(p_values: Floats) -> Floats:
    """Holm's adjusted p-values: the chance of a single false finding in the family is held."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    return _back(np.minimum(np.maximum.accumulate(steps), 1.0), order)


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Benjamini and Hochberg's adjusted p-values: the share of false findings is held."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values)[order] * len(p_values) / np.arange(1, len(p_values) + 1)
    return _back(np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0), order)


def _back(adjusted: Floats, order: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Floats:
    result = np.empty(len(adjusted))
    result[order] = adjusted
    return result
