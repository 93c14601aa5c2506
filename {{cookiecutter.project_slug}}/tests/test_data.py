from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.__package_name }} import InputError
from {{ cookiecutter.__package_name }}.contract import Contract
from {{ cookiecutter.__package_name }}.data import chunks
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


def test_a_row_with_a_cell_too_many_or_too_few_is_named(
    raw: pd.DataFrame, contract: Contract, params: dict[str, Any], tmp_path: Path
) -> None:
    comma = replace(contract, more=contract.more | {"delimiter": ",", "encoding": "utf-8"})
    text = raw.head(4).rename(columns={column.name: column.header for column in contract.columns}).to_csv(index=False)
    (tmp_path / "whole.csv").write_text(text, encoding="utf-8", newline="")
    whole = next(chunks(tmp_path / "whole.csv", comma, None))
    pd.testing.assert_frame_equal(whole, raw.head(4), check_index_type=False)
    short, long = "1\n", "1," * len(raw.columns) + "1\n"
    header = pd.DataFrame(columns=[column.header for column in contract.columns]).to_csv(index=False)
    first, later = f"{header}{long}{short}{long}", f"{text}{short}{long}{long}"
    for torn, number in ((first, 1), (later, 5)):
        (tmp_path / "torn.csv").write_text(torn, encoding="utf-8", newline="")
        with pytest.raises(InputError, match=rf"3 value\(s\); row {number} has a cell too many or too few"):
            checked(next(chunks(tmp_path / "torn.csv", comma, None)), Path("torn.csv"), contract, params["split"])


def test_folds_hold_every_class_and_keep_entities_whole(training: Table, params: dict[str, Any]) -> None:
    folds = training.folds(3, params["seed"])
    if not folds:
        pytest.skip("a class has one row or entity")
    assert len(folds) <= 3
    assert sorted(row for _, test in folds for row in test) == list(range(len(training.rows)))
    for train, test in folds:
        assert {*training.labels[train]} == {*training.labels[test]} == {*training.labels}
        if training.groups is not None:
            assert not {*training.groups.iloc[train]} & {*training.groups.iloc[test]}


def test_there_are_no_more_folds_than_the_rarest_class_has_rows_or_entities(
    training: Table, params: dict[str, Any]
) -> None:
    if training.contract.task == "regression":
        pytest.skip("a regression has no classes")
    if not training.folds(2, params["seed"]):
        pytest.skip("a class has one row or entity")
    rare = training.labels == training.labels[0]
    units = (training.rows["row_id"] if training.groups is None else training.groups).to_numpy()
    for most, expected in ((1, 0), (2, 2)):
        kept = ~rare | np.isin(units, pd.unique(units[rare])[:most])
        few = Table(training.contract, training.raw[kept], training.typed[kept], training.rows[kept])
        assert len(few.folds(5, params["seed"])) == expected
