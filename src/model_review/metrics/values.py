"""The value of a metric for one model's answers, equal to scikit-learn's."""

import numpy as np

from model_review.metrics.answers import Answers, UndefinedMetric
from model_review.metrics.catalog import Metric, metrics_of
from model_review.metrics.confusion import COUNT_METRICS, confusion_matrix
from model_review.metrics.losses import ratio_terms, ratio_value, row_losses
from model_review.metrics.ranking import average_precision, class_placements, placements, split


def check_defined(metric: Metric, answers: Answers) -> None:
    """Refuse rows on which the metric, or a difference of it, means nothing."""
    if len(answers) == 0:
        raise UndefinedMetric(f"{metric.name} needs at least one row")
    if metric.name in ("recall", "precision", "f1") and not (answers.truth == 1).any():
        raise UndefinedMetric(f"{metric.name} needs rows of the positive class, and there is none")
    if metric.name == "specificity" and not (answers.truth == 0).any():
        raise UndefinedMetric("specificity needs rows of the negative class, and there is none")
    constant = bool((answers.truth == answers.truth[0]).all())
    if constant and (metric.name in ("r2", "mcc", "balanced_accuracy") or metric.name.startswith("d2_")):
        raise UndefinedMetric(f"{metric.name} needs a truth that varies, and every row has the same one")


def value(metric: Metric, answers: Answers) -> float:
    """The metric's value; raises UndefinedMetric where there is none."""
    check_defined(metric, answers)
    if metric.name in COUNT_METRICS:
        return float(COUNT_METRICS[metric.name](confusion_matrix(answers)))
    match metric.family:
        case "auc":
            return placements(*split(answers, metric.name)).auc
        case "macro_auc":
            return float(np.mean([one.auc for one in class_placements(answers)]))
        case "average_precision":
            return average_precision(*split(answers, metric.name))
        case "ratio":
            return float(ratio_value(metric.name, ratio_terms(metric.name, answers).mean(axis=0)))
        case "median":
            return float(np.median(row_losses("mae", answers)))
        case _:
            return float(row_losses(metric.name, answers).mean())


def values(answers: Answers) -> dict[str, float]:
    """Every metric of the task that has a value on these rows."""
    result = {}
    for metric in metrics_of(answers.task):
        try:
            result[metric.name] = value(metric, answers)
        except UndefinedMetric:
            continue
    return result
