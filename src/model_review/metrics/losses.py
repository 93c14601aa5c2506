"""Per-row losses: metrics that are a mean over rows, and ratios of such means."""

import numpy as np
from scipy.special import xlogy

from model_review.metrics.answers import Answers, Floats, UndefinedMetric

EPS = float(np.finfo(np.float64).eps)


def _log_loss(answers: Answers) -> Floats:
    score = np.clip(answers.scores(), EPS, 1 - EPS)
    if answers.task == "binary":
        chosen = np.where(answers.truth == 1, score, np.clip(1 - answers.scores(), EPS, 1 - EPS))
        return np.asarray(-np.log(chosen))
    rows = np.arange(len(answers))
    return np.asarray(-np.log(score[rows, answers.truth.astype(np.int64)]))


def _poisson(answers: Answers) -> Floats:
    truth, predicted = answers.truth.astype(float), answers.predicted.astype(float)
    if (truth < 0).any() or (predicted <= 0).any():
        raise UndefinedMetric("poisson_deviance needs truths of at least 0 and predictions above 0")
    return np.asarray(2 * (xlogy(truth, truth / predicted) - truth + predicted))


def row_losses(name: str, answers: Answers) -> Floats:
    """The loss of every row; the metric is its mean."""
    if name == "log_loss":
        return _log_loss(answers)
    if name == "poisson_deviance":
        return _poisson(answers)
    if name == "brier_score":
        return np.asarray((answers.truth.astype(float) - answers.scores()) ** 2)
    if name == "business_value":
        if answers.value is None:
            raise UndefinedMetric("the run gives no business value")
        return answers.value
    error = answers.truth.astype(float) - answers.predicted.astype(float)
    if name == "squared_error":
        return np.asarray(error**2)
    absolute = np.abs(error)
    return np.asarray(0.5 * absolute if name == "pinball" else absolute)


def ratio_terms(name: str, answers: Answers) -> Floats:
    """Per-row terms (rows by k) whose means a ratio metric is a function of."""
    if name in ("d2_log_loss", "d2_brier_score"):
        loss = row_losses("log_loss" if name == "d2_log_loss" else "brier_score", answers)
        return np.column_stack([loss, answers.truth.astype(float)])
    squared = row_losses("squared_error", answers)
    if name == "rmse":
        return squared[:, None]
    truth = answers.truth.astype(float)
    centred = truth - truth.mean()  # R2 does not move with the mean, and the sums of squares keep their digits
    return np.column_stack([squared, centred, centred**2])


def ratio_value(name: str, means: Floats) -> Floats:
    """The ratio metric from the means (..., k) of its terms."""
    if name == "rmse":
        return np.sqrt(np.maximum(means[..., 0], 0.0))  # a step below 0 is asked for where the errors are 0
    if name == "r2":
        below = means[..., 2] - means[..., 1] ** 2
    else:
        rate = means[..., 1]
        below = -(xlogy(rate, rate) + xlogy(1 - rate, 1 - rate)) if name == "d2_log_loss" else rate * (1 - rate)
    # A resample in which the truth does not vary tells nothing; it counts as "no better than the mean".
    return 1 - np.divide(means[..., 0], below, out=np.ones(np.shape(below)), where=below > 0)
