"""Point values against scikit-learn, which the engine itself does not depend on."""

from collections.abc import Callable

import numpy as np
import pytest

from model_review.metrics.answers import Answers, UndefinedMetric
from model_review.metrics.catalog import Task, find, metrics_of
from model_review.metrics.values import value

sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is the oracle of these tests")

BINARY: dict[str, Callable[[Answers], float]] = {
    "roc_auc": lambda a: sk.roc_auc_score(a.truth, a.score),
    "average_precision": lambda a: sk.average_precision_score(a.truth, a.score),
    "log_loss": lambda a: sk.log_loss(a.truth, a.score, labels=[0, 1]),
    "brier_score": lambda a: sk.brier_score_loss(a.truth, a.score),
    "accuracy": lambda a: sk.accuracy_score(a.truth, a.predicted),
    "balanced_accuracy": lambda a: sk.balanced_accuracy_score(a.truth, a.predicted),
    "precision": lambda a: sk.precision_score(a.truth, a.predicted, zero_division=0),
    "recall": lambda a: sk.recall_score(a.truth, a.predicted),
    "specificity": lambda a: sk.recall_score(a.truth, a.predicted, pos_label=0),
    "f1": lambda a: sk.f1_score(a.truth, a.predicted, zero_division=0),
    "mcc": lambda a: sk.matthews_corrcoef(a.truth, a.predicted),
    "d2_log_loss": lambda a: sk.d2_log_loss_score(a.truth, a.score),
    "d2_brier_score": lambda a: sk.d2_brier_score(a.truth, a.score),
}
MULTICLASS: dict[str, Callable[[Answers], float]] = {
    "log_loss": lambda a: sk.log_loss(a.truth, a.score, labels=range(a.classes)),
    "roc_auc_macro": lambda a: sk.roc_auc_score(
        a.truth, a.score, multi_class="ovr", average="macro", labels=range(a.classes)
    ),
    "accuracy": lambda a: sk.accuracy_score(a.truth, a.predicted),
    "balanced_accuracy": lambda a: sk.balanced_accuracy_score(a.truth, a.predicted),
    "f1_macro": lambda a: sk.f1_score(a.truth, a.predicted, average="macro", zero_division=0),
    "mcc": lambda a: sk.matthews_corrcoef(a.truth, a.predicted),
}
REGRESSION: dict[str, Callable[[Answers], float]] = {
    "mae": lambda a: sk.mean_absolute_error(a.truth, a.predicted),
    "rmse": lambda a: sk.root_mean_squared_error(a.truth, a.predicted),
    "r2": lambda a: sk.r2_score(a.truth, a.predicted),
    "median_ae": lambda a: sk.median_absolute_error(a.truth, a.predicted),
    "pinball": lambda a: sk.mean_pinball_loss(a.truth, a.predicted),
    "poisson_deviance": lambda a: sk.mean_poisson_deviance(a.truth, a.predicted),
}
ORACLES: dict[Task, dict[str, Callable[[Answers], float]]] = {
    "binary": BINARY,
    "multiclass": MULTICLASS,
    "regression": REGRESSION,
}


def binary(seed: int, rows: int, ties: bool, extremes: bool = False) -> Answers:
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < 0.2).astype(int)
    truth[:2] = [0, 1]
    score = 1 / (1 + np.exp(-rng.normal(truth * 1.2 - 1, 1.5)))
    score = np.round(score, 1) if ties else score
    if extremes:
        score[:4] = [0.0, 1.0, 0.0, 1.0]
    return Answers("binary", truth, (score >= 0.4).astype(int), score, 2)


def multiclass(seed: int, rows: int) -> Answers:
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])
    truth[:4] = range(4)
    score = rng.dirichlet(np.ones(4), rows) + np.eye(4)[truth] * 0.4
    score = np.round(score / score.sum(axis=1, keepdims=True), 6)
    score /= score.sum(axis=1, keepdims=True)
    return Answers("multiclass", truth, score.argmax(axis=1), score, 4)


def regression(seed: int, rows: int) -> Answers:
    rng = np.random.default_rng(seed)
    truth = rng.poisson(4.0, rows) + 1e6 * (seed % 2)
    return Answers("regression", truth, truth * 0.8 + rng.gamma(2.0, 1.0, rows), None, 0)


CASES = [binary(seed, rows, ties, seed == 3) for seed, rows, ties in [(0, 60, False), (1, 500, True), (3, 3000, False)]]
CASES += [multiclass(seed, rows) for seed, rows in [(0, 80), (1, 2000)]]
CASES += [regression(seed, rows) for seed, rows in [(0, 50), (1, 2001)]]


@pytest.mark.parametrize("answers", CASES, ids=lambda a: f"{a.task}-{len(a)}")
def test_every_metric_equals_scikit_learns_to_twelve_digits(answers: Answers) -> None:
    for metric in metrics_of(answers.task):
        if metric.name == "business_value":
            continue
        expected = ORACLES[answers.task][metric.name](answers)
        assert value(metric, answers) == pytest.approx(expected, rel=1e-12, abs=1e-15), metric.name


def test_every_metric_of_the_catalog_has_an_oracle() -> None:
    for task, oracles in ORACLES.items():
        assert {metric.name for metric in metrics_of(task)} == set(oracles) | {"business_value"}


def test_a_constant_model_has_scikit_learns_values() -> None:
    truth = np.array([0, 0, 0, 1])
    answers = Answers("binary", truth, np.zeros(4, int), np.full(4, 0.25), 2)
    for name in ("roc_auc", "average_precision", "precision", "f1", "mcc", "d2_log_loss"):
        metric = find("binary", name)
        assert metric
        assert value(metric, answers) == pytest.approx(BINARY[name](answers), abs=1e-12), name


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "recall", "mcc", "d2_log_loss"])
def test_a_missing_class_is_said_in_words_not_as_nan(name: str) -> None:
    answers = Answers("binary", np.zeros(5, int), np.zeros(5, int), np.linspace(0, 1, 5), 2)
    metric = find("binary", name)
    assert metric
    with pytest.raises(UndefinedMetric, match=name):
        value(metric, answers)


def test_figures_of_scikit_learns_own_documentation() -> None:
    """Source: the examples in the docstrings of scikit-learn 1.9."""
    ranking = Answers("binary", np.array([0, 0, 1, 1]), np.array([0, 0, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8]), 2)
    correlation = Answers("binary", np.array([1, 1, 1, 0]), np.array([1, 0, 1, 1]), None, 2)
    balanced = Answers("binary", np.array([0, 1, 0, 0, 1, 0]), np.array([0, 1, 0, 0, 0, 1]), None, 2)
    errors = Answers("regression", np.array([3, -0.5, 2, 7]), np.array([2.5, 0.0, 2, 8]), None, 0)
    expected = [
        (ranking, "roc_auc", 0.75, 1e-12),
        (ranking, "average_precision", 0.83, 0.005),
        (correlation, "mcc", -0.33, 0.005),
        (balanced, "balanced_accuracy", 0.625, 1e-12),
        (errors, "mae", 0.5, 1e-12),
        (errors, "r2", 0.948, 0.001),
        (errors, "median_ae", 0.5, 1e-12),
        (errors, "rmse", 0.612, 0.001),
    ]
    for answers, name, figure, tolerance in expected:
        metric = find(answers.task, name)
        assert metric
        assert value(metric, answers) == pytest.approx(figure, abs=tolerance), name
