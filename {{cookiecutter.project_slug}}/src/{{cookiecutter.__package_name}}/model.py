"""The model: a scikit-learn pipeline over model columns, with what is needed to use it again.

Every pipeline here converts to ONNX: categories arrive without missing values, trees get ordinal codes and no scaler.
"""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from sklearn import compose, dummy, ensemble, impute, linear_model, preprocessing
from sklearn.pipeline import Pipeline, make_pipeline

from . import InputError, artifact
from .contract import Contract
from .features import Features, learn

# Besides what skops trusts by itself, a model file may hold these types and no other.
TRUSTED = ["numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


@dataclass(frozen=True)
class Model:
    """A fitted pipeline, the features it reads, and how a probability becomes a label."""

    pipeline: Pipeline
    features: Features
    task: str
    classes: tuple[str, ...] = ()
    positive_class: str | None = None
    threshold: float | None = None

    @property
    def explained_class(self) -> int:
        """The class whose probability stands for the model in plots and explanations."""
        return self.classes.index(self.positive_class) if self.positive_class else 0

    def columns(self, values: Any) -> pd.DataFrame:
        """Model columns from typed raw columns."""
        return pd.DataFrame(self.features.columns(values))

    def predict(self, values: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """Predict from typed raw columns.

        Returns:
            n labels (numbers for regression), and n x classes probabilities (None for regression).
        """
        return self.predict_columns(self.columns(values))

    def predict_columns(self, columns: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
        """Predict from model columns."""
        if self.task == "regression":
            return self.pipeline.predict(columns), None
        known = [str(label) for label in self.pipeline.classes_]
        probabilities = artifact.spread(self.pipeline.predict_proba(columns), known, self.classes)
        return artifact.decide(probabilities, self.classes, self.positive_class, self.threshold), probabilities


def build(
    estimator: str, typed: pd.DataFrame, contract: Contract, params: dict[str, Any]
) -> tuple[Features, pd.DataFrame, Pipeline]:
    """What is fitted to training rows: `hist_gradient_boosting`, `linear` or `dummy`.

    Returns:
        The features learnt from the rows, the rows as model columns, and an unfitted pipeline.
    """
    features = learn(typed, contract, params["features"])
    columns = pd.DataFrame(features.columns(typed))
    encode = preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, max_categories=255)
    prepare, options = "passthrough", {"random_state": params["seed"]} | (params.get(estimator) or {})
    if estimator == "linear":
        encode = preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        fill = impute.SimpleImputer(strategy="median", keep_empty_features=True)
        prepare = make_pipeline(fill, preprocessing.StandardScaler())
    numbers = [name for name in columns.columns if name not in features.levels]
    transform = compose.ColumnTransformer([("numbers", prepare, numbers), ("levels", encode, list(features.levels))])
    fitting = _estimator(estimator, contract.task == "regression", options)
    return features, columns, Pipeline([("columns", transform), ("estimator", fitting)])


def _estimator(name: str, regression: bool, options: dict[str, Any]) -> Any:
    if name == "dummy":
        return dummy.DummyRegressor(strategy="median") if regression else dummy.DummyClassifier(strategy="prior")
    if name == "linear" and not regression:
        return linear_model.LogisticRegression(**{"max_iter": 1000} | options)
    trees = ensemble.HistGradientBoostingRegressor if regression else ensemble.HistGradientBoostingClassifier
    return (linear_model.Ridge if name == "linear" else trees)(**options)


@contextlib.contextmanager
def options_of(estimator: str) -> Iterator[None]:
    """Building and fitting: an option that scikit-learn does not know or accept is one of params.yaml."""
    try:
        yield
    except (TypeError, ValueError) as error:  # scikit-learn's own sentence is the last line, which names the option
        raise InputError(f"params.yaml: {estimator}: {str(error).strip().splitlines()[-1]}") from error


def save(model: Model, folder: Path) -> None:
    """Write `model.skops` and `model.json` into a new `folder`."""
    folder.mkdir(parents=True)
    skops.io.dump(model.pipeline, folder / "model.skops")
    facts = {field: value for field, value in vars(model).items() if field != "pipeline"}
    text = json.dumps(facts | {"features": asdict(model.features)}, indent=1, ensure_ascii=False)
    (folder / "model.json").write_text(text, encoding="utf-8")


def load(folder: Path) -> Model:
    """Read a model that `save` wrote; an `InputError` names the type that no model of this project has."""
    facts, file = artifact.facts(folder), folder / "model.skops"
    if strange := set(skops.io.get_untrusted_types(file=file)) - set(TRUSTED):
        raise InputError(f"{file}: holds the type {min(strange)}, which no model of this project has; do not use it")
    return Model(skops.io.load(file, trusted=TRUSTED), **facts)
