from typing import Any

import numpy as np
import pandas as pd

from {{ cookiecutter.__package_name }}.contract import Contract
from {{ cookiecutter.__package_name }}.features import MISSING, RARE, learn
from {{ cookiecutter.__package_name }}.model import Model
from {{ cookiecutter.__package_name }}.rows import Table


def faulty(table: Table, fitted: Model) -> pd.DataFrame:
    """Twelve rows with every kind of gap and with levels that training never saw."""
    rows = table.typed.head(12).copy()
    for number, name in enumerate(fitted.features.raw):
        rows.loc[rows.index[number % 4], name] = None
        if name in fitted.features.levels:
            rows.loc[rows.index[4 + number % 4], name] = "never seen before"
    return rows


def test_one_row_gives_what_it_gives_inside_a_batch(table: Table, fitted: Model) -> None:
    rows = faulty(table, fitted)
    batch = fitted.columns(rows)
    for number in range(len(rows)):
        alone = fitted.columns(rows.iloc[[number]])
        pd.testing.assert_frame_equal(alone, batch.iloc[[number]].reset_index(drop=True))


def test_plain_lists_give_what_the_table_gives(table: Table, fitted: Model) -> None:
    rows = faulty(table, fitted)
    lists = {name: rows[name].to_numpy() for name in reversed(fitted.features.raw)}
    lists["a field too many"] = np.zeros(len(rows))
    pd.testing.assert_frame_equal(fitted.columns(lists), fitted.columns(rows))


def test_categories_never_hold_a_missing_value(table: Table, fitted: Model) -> None:
    made = fitted.features.columns(faulty(table, fitted))
    for name, levels in fitted.features.levels.items():
        assert set(made[name]) <= {*levels, MISSING, RARE}


def test_levels_come_from_training_rows_that_are_frequent_enough(
    training: Table, contract: Contract, params: dict[str, Any]
) -> None:
    features = learn(training.typed, contract, params["features"])
    for name, levels in features.levels.items():
        counts = training.typed[name].value_counts()
        assert all(counts[level] >= params["features"]["min_level_rows"] for level in levels)
        assert len(levels) <= params["features"]["max_levels"]


def test_only_columns_with_the_role_feature_are_read(fitted: Model, contract: Contract) -> None:
    assert set(fitted.features.raw) == {column.name for column in contract.having("feature")}


def test_model_columns_are_numbers_or_text(table: Table, fitted: Model) -> None:
    for name, values in fitted.features.columns(table.typed).items():
        assert values.dtype == (object if name in fitted.features.levels else np.float64)
