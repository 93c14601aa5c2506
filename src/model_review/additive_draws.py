"""Draws of metrics that are functions of sums: counts of equal rows, and sums over entities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_review.metrics.answers import Answers, Floats
from model_review.metrics.catalog import Metric
from model_review.metrics.confusion import COUNT_METRICS
from model_review.metrics.losses import ratio_terms, ratio_value, row_losses
from model_review.statistics import bootstrap

SMOOTH = 0.25


def ratio_difference(metric: Metric, means: Floats) -> Floats:
    half = means.shape[1] // 2
    return np.asarray(ratio_value(metric.name, means[:, half:]) - ratio_value(metric.name, means[:, :half]))


def count_draws(
    metric: Metric, champion: Answers, challenger: Answers, replicates: int, rng: np.random.Generator
) -> Floats:
    """Draws of a count metric: equal rows are one cell, so a draw costs the same for a thousand rows or ten million."""
    size = champion.classes
    truth, before, after = (
        codes.astype(np.int64) for codes in (champion.truth, champion.predicted, challenger.predicted)
    )
    code = (truth * size + before) * size + after
    cells, counts = _smoothed(code, size)
    truth, before, after = cells // size**2, cells // size % size, cells % size
    result = []
    score = COUNT_METRICS[metric.name]
    for block in bootstrap.block_rows(replicates, 2 * size**2):
        drawn = bootstrap.draw_counts(counts, truth, block, rng)
        sides = []
        for predicted in (before, after):
            member = np.zeros((len(cells), size * size))
            member[np.arange(len(cells)), truth * size + predicted] = 1
            sides.append(score((drawn @ member).reshape(block, size, size)))
        result.append(sides[1] - sides[0])
    return np.concatenate(result)


def _smoothed(code: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], Floats]:
    """Cells (truth, champion, challenger) and their counts, a little added to either way of disagreeing per class.

    A draw from the bare counts says that what was not seen cannot happen, which is too sure where few rows disagree.
    The quarter rows do for a draw what Agresti and Min's half rows do for a paired proportion.
    """
    seen, counts = np.unique(code, return_counts=True)
    truth, before, after = seen // size**2, seen // size % size, seen % size
    cells = dict(zip(seen.tolist(), counts.astype(float).tolist(), strict=True))
    for label in np.unique(truth).tolist():
        wrong = np.zeros(size)
        for predicted in (before, after):
            np.add.at(wrong, predicted[truth == label], counts[truth == label])
        wrong[label] = -1
        other = int(wrong.argmax())
        for cell in ((label * size + label) * size + other, (label * size + other) * size + label):
            cells[cell] = cells.get(cell, 0.0) + SMOOTH
    order = sorted(cells)
    return np.array(order, dtype=np.int64), np.array([cells[cell] for cell in order])


@dataclass(frozen=True)
class Clusters:
    """Both models' additive terms summed over entities, champion's first, and the rows of each entity."""

    metric: Metric
    classes: int
    sums: Floats
    sizes: Floats

    def difference(self, means: Floats) -> Floats:
        """Challenger minus champion, from means over rows (..., terms)."""
        if self.metric.family == "ratio":
            return ratio_difference(self.metric, means)
        if self.metric.family == "loss":
            return np.asarray(means[..., 1] - means[..., 0])
        half, shape = self.classes**2, (*means.shape[:-1], self.classes, self.classes)
        score = COUNT_METRICS[self.metric.name]
        return np.asarray(score(means[..., half:].reshape(shape)) - score(means[..., :half].reshape(shape)))

    def left_out(self) -> Floats:
        """The difference without each entity in turn."""
        rest = self.sums.sum(axis=0) - self.sums
        return self.difference(rest / (self.sizes.sum() - self.sizes)[:, None])

    def draws(self, replicates: int, rng: np.random.Generator) -> Floats:
        """The difference over draws of whole entities."""
        strata = np.zeros(len(self.sizes), dtype=np.int64)
        return self.difference(bootstrap.draw_means(self.sums, self.sizes, strata, replicates, rng))


def clusters(metric: Metric, champion: Answers, challenger: Answers, entity: NDArray[np.int64]) -> Clusters:
    """Sums over entities of what the metric is a function of."""
    terms = np.hstack([_terms(metric, side) for side in (champion, challenger)])
    sums = np.column_stack([np.bincount(entity, term).astype(float) for term in terms.T])
    return Clusters(metric, champion.classes, sums, np.bincount(entity).astype(float))


def _terms(metric: Metric, side: Answers) -> Floats:
    """Additive terms of one model's metric, row by row."""
    if metric.name in COUNT_METRICS:
        cells = side.truth.astype(np.int64) * side.classes + side.predicted.astype(np.int64)
        return np.asarray(cells[:, None] == np.arange(side.classes**2), dtype=float)
    if metric.family == "ratio":
        return ratio_terms(metric.name, side)
    return row_losses(metric.name, side)[:, None]
