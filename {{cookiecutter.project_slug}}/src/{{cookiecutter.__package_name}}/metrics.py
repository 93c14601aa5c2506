"""scikit-learn's metrics under the names that the policy uses."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics as sk

from .model import Model

SCORER = {"binary": "roc_auc", "multiclass": "neg_log_loss", "regression": "neg_mean_absolute_error"}
# Each metric reads truth, predicted labels or numbers, and probabilities.
BINARY: dict[str, Any] = {
    "roc_auc": lambda y, _, s: sk.roc_auc_score(y, s),
    "average_precision": lambda y, _, s: sk.average_precision_score(y, s),
    "log_loss": lambda y, _, s: sk.log_loss(y, s, labels=[False, True]),
    "brier_score": lambda y, _, s: sk.brier_score_loss(y, s),
    "accuracy": lambda y, p, _: sk.accuracy_score(y, p),
    "balanced_accuracy": lambda y, p, _: sk.balanced_accuracy_score(y, p),
    "precision": lambda y, p, _: sk.precision_score(y, p),
    "recall": lambda y, p, _: sk.recall_score(y, p),
    "specificity": lambda y, p, _: sk.recall_score(~y, ~p),
    "f1": lambda y, p, _: sk.f1_score(y, p),
    "mcc": lambda y, p, _: sk.matthews_corrcoef(y, p),
    "d2_log_loss": lambda y, _, s: sk.d2_log_loss_score(y, s),
    "d2_brier_score": lambda y, _, s: sk.d2_brier_score(y, s),
}
MULTICLASS: dict[str, Any] = {
    "log_loss": lambda y, _, s: sk.log_loss(y, s, labels=range(s.shape[1])),
    "roc_auc_macro": lambda y, _, s: sk.roc_auc_score(y, s, multi_class="ovr"),
    "f1_macro": lambda y, p, _: sk.f1_score(y, p, average="macro"),
    **{name: BINARY[name] for name in ("accuracy", "balanced_accuracy", "mcc")},
}
REGRESSION: dict[str, Any] = {
    "mae": lambda y, p, _: sk.mean_absolute_error(y, p),
    "rmse": lambda y, p, _: sk.root_mean_squared_error(y, p),
    "r2": lambda y, p, _: sk.r2_score(y, p),
    "median_ae": lambda y, p, _: sk.median_absolute_error(y, p),
    "pinball": lambda y, p, _: sk.mean_pinball_loss(y, p),
}


def score(model: Model, predictions: pd.DataFrame) -> tuple[dict[str, float], list[str]]:
    """All metrics of the model's task on the rows of scenario `test`.

    Returns:
        Metric name to value, and a sentence about those that these rows do not allow.
    """
    test = predictions[predictions["scenario"] == "test"]
    y, p = test["y_true"].to_numpy(), test["y_pred"].to_numpy()
    s, table = test.filter(regex="^score").to_numpy(), REGRESSION
    if model.task == "binary":
        y, p, s, table = y == model.positive_class, p == model.positive_class, s[:, 0], BINARY
    elif model.task == "multiclass":
        y, p, table = *(pd.Categorical(labels, model.classes).codes for labels in (y, p)), MULTICLASS
    every_class = model.task == "regression" or len(np.unique(y)) == len(model.classes)
    possible = table if every_class else table.keys() & {"log_loss", "accuracy"}
    with warnings.catch_warnings(action="ignore"):  # a metric of one row or one prediction: absent below
        found = {name: float(metric(y, p, s)) for name, metric in table.items() if name in possible}
    found = {name: value for name, value in found.items() if np.isfinite(value)}
    absent = ", ".join(name for name in table if name not in found)
    why = f"the {len(y)} evaluation rows are too few or do not hold every class"
    return found, [f"{absent}: not computed, {why}"] if absent else []
