from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.__package_name }} import InputError
from {{ cookiecutter.__package_name }}.contract import Contract
from {{ cookiecutter.__package_name }}.rows import Table, checked


def test_a_wrong_value_is_reported_with_its_column_and_row(
    raw: pd.DataFrame, contract: Contract, params: dict[str, Any]
) -> None:
    strict = [column for column in contract.columns if column.type != "string" or column.allowed or column.required]
    if not strict:
        pytest.skip("no column of contract.yaml limits its values")
    column = strict[0]
    broken = raw.copy()
    broken.loc[2, column.name] = "no such value" if column.type != "string" or column.allowed else ""
    with pytest.raises(InputError, match=r"row 3 is ") as caught:
        checked(broken, Path("table.csv"), contract, params["split"])
    assert repr(column.name) in str(caught.value)


def test_an_absent_column_is_named(raw: pd.DataFrame, contract: Contract, params: dict[str, Any]) -> None:
    name = contract.columns[0].name
    with pytest.raises(InputError) as caught:
        checked(raw.drop(columns=name), Path("table.csv"), contract, params["split"])
    assert repr(name) in str(caught.value)


def test_row_ids_are_unique_and_every_row_has_a_part(table: Table) -> None:
    assert table.rows["row_id"].is_unique
    assert set(table.rows["part"]) <= {"train", "evaluation", "unlabelled"}
    assert {"train", "evaluation"} <= set(table.rows["part"])


def test_rows_keep_their_part_when_the_table_is_reordered_or_grows(
    raw: pd.DataFrame, table: Table, contract: Contract, params: dict[str, Any]
) -> None:
    before = dict(zip(table.rows["row_id"], table.rows["part"], strict=True))
    half = raw.sample(frac=0.5, random_state=0)
    fewer = checked(half, Path("table.csv"), contract, params["split"]).rows
    known = fewer[fewer["row_id"].isin(list(before))]
    assert len(known) > 0.4 * len(before)
    assert [before[row_id] for row_id in known["row_id"]] == known["part"].tolist()


def test_an_entity_is_on_one_side_of_the_split(table: Table, contract: Contract) -> None:
    if contract.single("entity") is None or contract.single("time") is not None:
        pytest.skip("no column has the role entity, or the split is by time")
    sides = [set(part.groups) for part in (table.part("train"), table.part("evaluation")) if part.groups is not None]
    assert not set.intersection(*sides)


def test_a_split_by_time_evaluates_on_later_rows(table: Table, contract: Contract) -> None:
    time = contract.single("time")
    if time is None:
        pytest.skip("no column has the role time")
    assert table.part("train").typed[time].max() < table.part("evaluation").typed[time].min()


def test_no_row_without_a_target_is_used(table: Table) -> None:
    used = table.rows["part"] != "unlabelled"
    assert table.typed.loc[used, table.contract.target.name].notna().all()
    assert np.isin(table.rows["part"], ["unlabelled"]).sum() == table.typed[table.contract.target.name].isna().sum()
