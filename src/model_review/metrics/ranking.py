"""Metrics of the order of the scores: ROC AUC and average precision."""

from dataclasses import dataclass

import numpy as np

from model_review.metrics.answers import Answers, Floats, UndefinedMetric


@dataclass(frozen=True)
class Placements:
    """DeLong's placement values: for each row, the share of the other class that it is ranked above (ties half)."""

    auc: float
    positive: Floats
    negative: Floats


def placements(positive: Floats, negative: Floats) -> Placements:
    """Placement values of both classes, by sorting each once."""
    to_positive, to_negative = np.argsort(positive, kind="stable"), np.argsort(negative, kind="stable")
    high, low = positive[to_positive], negative[to_negative]
    above, below = np.empty(len(high)), np.empty(len(low))
    # Asking for sorted values walks through memory once, which is what makes millions of rows quick.
    above[to_positive] = (np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")) / 2
    below[to_negative] = (np.searchsorted(high, low, "left") + np.searchsorted(high, low, "right")) / 2
    auc = float(above.sum() / (len(low) * len(high)))
    return Placements(auc, above / len(low), 1 - below / len(high))


def split(answers: Answers, name: str) -> tuple[Floats, Floats]:
    """Scores of the positive and of the negative rows."""
    positive = answers.truth == 1
    score = answers.scores()
    if not positive.any() or positive.all():
        raise UndefinedMetric(f"{name} needs rows of both classes, and one class is missing")
    return score[positive], score[~positive]


def class_placements(answers: Answers) -> list[Placements]:
    """Placements of every class against the rest, for the macro AUC."""
    score = answers.scores()
    result = []
    for code in range(answers.classes):
        member = answers.truth == code
        if not member.any() or member.all():
            raise UndefinedMetric("roc_auc_macro needs rows of every class, and one class is missing")
        result.append(placements(score[member, code], score[~member, code]))
    return result


@dataclass(frozen=True)
class Thresholds:
    """Scores of the positives, best first, as bins that both classes can be counted into.

    Bin k holds the k-th best distinct score of a positive. A negative counts from the first bin whose score it
    reaches or beats; one that lies below every positive falls in the last, extra bin and costs nothing.
    """

    positive_bin: np.ndarray[tuple[int], np.dtype[np.int64]]
    negative_bin: np.ndarray[tuple[int], np.dtype[np.int64]]
    bins: int


def thresholds(positive: Floats, negative: Floats) -> Thresholds:
    """Bins for average precision, from one sort of the positives."""
    distinct, inverse = np.unique(-positive, return_inverse=True)
    return Thresholds(
        inverse.astype(np.int64), np.searchsorted(distinct, -negative, "left").astype(np.int64), len(distinct)
    )


def average_precision_from_bins(positives: Floats, negatives: Floats) -> Floats:
    """Average precision from counts (..., bins) of positives and of negatives per bin, best scores first."""
    hits = np.cumsum(positives, axis=-1)
    shown = hits + np.cumsum(negatives, axis=-1)
    # Where nothing is shown there are no hits either, and where there is no positive every product is 0.
    products = hits / np.maximum(shown, 1e-300) * positives
    return np.asarray(products.sum(axis=-1) / np.maximum(hits[..., -1], 1e-300))


def average_precision(positive: Floats, negative: Floats) -> float:
    """Average precision, ties shared, as scikit-learn has it."""
    cut = thresholds(positive, negative)
    hits = np.bincount(cut.positive_bin, minlength=cut.bins).astype(float)
    misses = np.bincount(cut.negative_bin, minlength=cut.bins + 1)[: cut.bins].astype(float)
    return float(average_precision_from_bins(hits, misses))
