"""Each row's pull on the difference of a metric between the two models."""

import numpy as np
from numpy.typing import NDArray

from model_review.metrics.answers import Answers, Floats
from model_review.metrics.catalog import Metric
from model_review.metrics.confusion import COUNT_METRICS, confusion_matrix
from model_review.metrics.losses import ratio_terms, ratio_value, row_losses
from model_review.metrics.ranking import class_placements, placements, split
from model_review.statistics import influence
from model_review.statistics.delong import auc_influence


def pull(metric: Metric, answers: Answers) -> Floats:
    """Each row's pull on one model's value; the mean is 0, and the spread over rows gives the standard error."""
    if metric.name in COUNT_METRICS:
        cells = influence.of_confusion(COUNT_METRICS[metric.name], confusion_matrix(answers))
        return np.asarray(cells[answers.truth.astype(np.int64), answers.predicted.astype(np.int64)])
    truth: NDArray[np.bool_] = answers.truth == 1
    match metric.family:
        case "auc":
            return auc_influence(truth, placements(*split(answers, metric.name)))
        case "macro_auc":
            each = class_placements(answers)
            pulls = [auc_influence(answers.truth == code, one) for code, one in enumerate(each)]
            return np.asarray(np.mean(pulls, axis=0))
        case "average_precision":
            return influence.of_average_precision(truth, answers.scores())
        case "ratio":
            return influence.of_means(lambda means: ratio_value(metric.name, means), ratio_terms(metric.name, answers))
        case "median":
            return influence.of_median(row_losses("mae", answers))
        case _:
            losses = row_losses(metric.name, answers)
            return np.asarray(losses - losses.mean())


def difference_pull(metric: Metric, champion: Answers, challenger: Answers) -> Floats:
    """Each row's pull on challenger minus champion."""
    return pull(metric, challenger) - pull(metric, champion)
