from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import Perceptron
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import cross_val_predict

from {{ cookiecutter.__package_name }} import InputError, model, train
from {{ cookiecutter.__package_name }}.contract import Contract
from {{ cookiecutter.__package_name }}.rows import Table

from .conftest import row_loss


def test_predictions_are_labels_with_probabilities_or_finite_numbers(table: Table, fitted: model.Model) -> None:
    predicted, probabilities = fitted.predict(table.typed)
    if probabilities is None:
        assert np.isfinite(predicted.astype(float)).all()
    else:
        assert set(predicted) <= set(fitted.classes)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-9)


def test_columns_that_are_no_features_change_nothing(table: Table, fitted: model.Model, contract: Contract) -> None:
    others = [column.name for column in contract.columns if column.name not in fitted.features.raw]
    changed = table.typed.drop(columns=others)
    assert fitted.predict(changed)[0].tolist() == fitted.predict(table.typed)[0].tolist()


def test_the_order_of_rows_changes_nothing(table: Table, fitted: model.Model) -> None:
    order = np.random.default_rng(0).permutation(len(table.typed))
    shuffled = fitted.predict(table.typed.iloc[order])[0]
    assert shuffled.tolist() == fitted.predict(table.typed)[0][order].tolist()


def test_the_model_follows_the_direction_of_the_data(
    training: Table, classes: tuple[str, ...], contract: Contract, params: dict[str, Any]
) -> None:
    """With its strongest number as the only feature, the outcome rises where the target rises with that number."""
    first = contract.target.more.get("positiveClass", classes[0] if classes else None)
    outcome = pd.Series((training.truth == first).astype(float) if classes else training.truth.astype(float))
    numbers = [column.name for column in contract.having("feature") if column.type in ("integer", "number")]
    values = training.typed.reset_index(drop=True)
    numbers = [name for name in numbers if values[name].nunique() > 1]
    related = {name: values[name].corr(outcome, "spearman") for name in numbers}
    related = {name: value for name, value in related.items() if abs(value) > 0.1}
    if not related:
        pytest.skip("no number is related to the target")
    strongest = max(related, key=lambda name: abs(related[name]))
    kept, unused = (strongest, contract.target.name), frozenset({"unused"})
    columns = tuple(column if column.name in kept else replace(column, roles=unused) for column in contract.columns)
    alone = replace(training, contract=replace(contract, columns=columns))
    fitted = train.fit(params["estimator"], alone, classes, params)
    values = training.typed[strongest].dropna()
    predicted, probabilities = fitted.predict({strongest: values.to_numpy()})
    score = predicted if probabilities is None else probabilities[:, fitted.classes.index(first)]
    scores = pd.Series(score.astype(float))
    if scores.nunique() == 1:
        pytest.skip(f"{len(training.rows)} training rows are too few for a tree to split")
    rank = scores.corr(values.reset_index(drop=True), "spearman")
    assert np.sign(rank) == np.sign(related[strongest])


def test_the_model_is_not_shown_worse_than_a_dummy(
    table: Table, training: Table, fitted: model.Model, classes: tuple[str, ...], params: dict[str, Any]
) -> None:
    """By ranking for classes, since probabilities need more rows than these; by absolute error for numbers."""
    testing = table.part("evaluation")
    if classes:
        probabilities = fitted.predict(testing.typed)[1]
        assert probabilities is not None
        for number, label in enumerate(classes):
            truth = testing.truth == label
            few = min(truth.sum(), (~truth).sum())
            if few:  # 0.29 / sqrt(n) is the standard error of the AUC of chance
                assert roc_auc_score(truth, probabilities[:, number]) >= 0.5 - 2 * 0.29 / np.sqrt(few), label
        return
    dummy = train.fit("dummy", training, classes, params)
    difference = row_loss(fitted, testing) - row_loss(dummy, testing)
    assert difference.mean() <= 2 * difference.std(ddof=1) / np.sqrt(len(difference))


def test_a_free_model_overfits_one_batch(training: Table, classes: tuple[str, ...], params: dict[str, Any]) -> None:
    chosen = training.rows.groupby(training.truth).head(20).index if classes else training.rows.head(60).index
    batch = Table(training.contract, training.raw.loc[chosen], training.typed.loc[chosen], training.rows.loc[chosen])
    free = params | {"hist_gradient_boosting": {"min_samples_leaf": 1}}
    free["features"] = {"max_levels": 100, "min_level_rows": 1}
    fitted, dummy = (train.fit(name, batch, classes, free) for name in ("hist_gradient_boosting", "dummy"))
    assert row_loss(fitted, batch).mean() < 0.7 * row_loss(dummy, batch).mean()


def test_a_saved_model_predicts_the_same(table: Table, fitted: model.Model, tmp_path: Path) -> None:
    model.save(fitted, tmp_path / "model")
    again = model.load(tmp_path / "model")
    assert again.features == fitted.features
    assert again.predict(table.typed)[0].tolist() == fitted.predict(table.typed)[0].tolist()


def test_a_model_file_with_a_strange_type_is_refused_by_name(fitted: model.Model, tmp_path: Path) -> None:
    class Surprise(Perceptron):
        """Not a type that this project's models hold."""

    model.save(fitted, tmp_path / "model")
    skops.io.dump(Surprise(), tmp_path / "model/model.skops")
    with pytest.raises(InputError, match="Surprise"):
        model.load(tmp_path / "model")


def test_two_fits_agree_to_the_last_bit(
    table: Table, training: Table, fitted: model.Model, classes: tuple[str, ...], params: dict[str, Any]
) -> None:
    again = train.fit(params["estimator"], training, classes, params)
    assert again.threshold == fitted.threshold
    for one, other in zip(again.predict(table.typed), fitted.predict(table.typed), strict=True):
        assert (one is None and other is None) or one.tobytes() == other.tobytes() or one.tolist() == other.tolist()


def test_the_threshold_is_the_best_over_predictions_out_of_fold(
    training: Table, fitted: model.Model, params: dict[str, Any]
) -> None:
    folds = training.folds(params["threshold"]["folds"], params["seed"])
    if fitted.task != "binary" or params["estimator"] == "dummy" or not folds:
        pytest.skip("no threshold was chosen")
    _, columns, pipeline = model.build(params["estimator"], training.typed, training.contract, params)
    truth = training.truth == fitted.positive_class
    scores = cross_val_predict(pipeline, columns, truth, cv=folds, method="predict_proba")[:, 1]
    quality = {"f1": f1_score, "balanced_accuracy": balanced_accuracy_score}[params["threshold"]["metric"]]
    best = max(quality(truth, scores >= threshold) for threshold in np.unique(scores))
    assert quality(truth, scores >= fitted.threshold) == pytest.approx(best)
