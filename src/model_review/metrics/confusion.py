"""Metrics that are functions of the confusion matrix; each takes (..., classes, classes), truth by prediction.

They work on one matrix and on thousands of resampled ones alike, which is what makes their bootstrap cheap.
"""

from collections.abc import Callable

import numpy as np

from model_review.metrics.answers import Answers, Floats


def _ratio(above: Floats, below: Floats) -> Floats:
    """Division in which 0/0 is 0, as scikit-learn's `zero_division` default has it."""
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below != 0)


def accuracy(confusion: Floats) -> Floats:
    """Share of rows predicted right."""
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def recall(confusion: Floats) -> Floats:
    """Share of the positive rows predicted positive."""
    return _ratio(confusion[..., 1, 1], confusion[..., 1, :].sum(axis=-1))


def specificity(confusion: Floats) -> Floats:
    """Share of the negative rows predicted negative."""
    return _ratio(confusion[..., 0, 0], confusion[..., 0, :].sum(axis=-1))


def precision(confusion: Floats) -> Floats:
    """Share of the rows predicted positive that are positive."""
    return _ratio(confusion[..., 1, 1], confusion[..., :, 1].sum(axis=-1))


def f1(confusion: Floats) -> Floats:
    """Harmonic mean of precision and recall."""
    return _ratio(2 * confusion[..., 1, 1], confusion[..., 1, :].sum(axis=-1) + confusion[..., :, 1].sum(axis=-1))


def balanced_accuracy(confusion: Floats) -> Floats:
    """Mean recall over the classes that occur."""
    support = confusion.sum(axis=-1)
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return _ratio(_ratio(hits, support).sum(axis=-1), (support > 0).sum(axis=-1).astype(float))


def f1_macro(confusion: Floats) -> Floats:
    """Mean F1 over the classes that occur in the truth or among the predictions."""
    marginals = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    scores = _ratio(2 * np.diagonal(confusion, axis1=-2, axis2=-1), marginals)
    return _ratio(scores.sum(axis=-1), (marginals > 0).sum(axis=-1).astype(float))


def mcc(confusion: Floats) -> Floats:
    """Matthews correlation coefficient, in Gorodkin's form for any number of classes; 0 where it is 0/0."""
    true, guessed = confusion.sum(axis=-1), confusion.sum(axis=-2)
    total = true.sum(axis=-1)
    right = np.trace(confusion, axis1=-2, axis2=-1)
    covariance = right * total - (true * guessed).sum(axis=-1)
    spread = (total**2 - (true**2).sum(axis=-1)) * (total**2 - (guessed**2).sum(axis=-1))
    return _ratio(covariance, np.sqrt(np.maximum(spread, 0.0)))


COUNT_METRICS: dict[str, Callable[[Floats], Floats]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "precision": precision,
    "recall": recall,
    "specificity": specificity,
    "f1": f1,
    "f1_macro": f1_macro,
    "mcc": mcc,
}


def confusion_matrix(answers: Answers) -> Floats:
    """Counts of truth by prediction."""
    cells = answers.truth.astype(np.int64) * answers.classes + answers.predicted.astype(np.int64)
    counts = np.bincount(cells, minlength=answers.classes**2)
    return counts.reshape(answers.classes, answers.classes).astype(float)
