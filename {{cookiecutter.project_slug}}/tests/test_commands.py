import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.__package_name }} import InputError, predict, rundir, tracking, train
from {{ cookiecutter.__package_name }}.contract import Contract
from {{ cookiecutter.__package_name }}.evaluate import SCENARIOS, disturb, evaluate
from {{ cookiecutter.__package_name }}.rows import Table


def test_training_twice_gives_the_same_bytes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (train, tracking, rundir):
        monkeypatch.setattr(module, "ROOT", project)
    train.train(project / "again")
    for name in ("predictions.parquet", "rows.parquet", "evaluation.parquet", "profile.json"):
        assert (project / "again" / name).read_bytes() == (project / "run" / name).read_bytes(), name


def test_the_run_directory_says_what_it_was_made_of(project: Path, contract: Contract) -> None:
    run = json.loads((project / "run/run.json").read_text(encoding="utf-8"))
    assert run["schema"] == "model-review/run@1"
    assert run["task"] == contract.task
    assert run["metrics"]
    assert set(run["baselines"]) == {"dummy", "linear"}
    rows = pd.read_parquet(project / "run/rows.parquet")
    assert run["data"]["rows"] == len(rows)
    tested = pd.read_parquet(project / "run/predictions.parquet").query("scenario == 'test'")
    assert sorted(tested["row_id"]) == sorted(rows.loc[rows["part"] == "evaluation", "row_id"])


def test_evaluating_a_runs_own_rows_gives_its_own_predictions(project: Path) -> None:
    evaluate(project / "run/model", project / "run/evaluation.parquet", project / "scored")
    assert (project / "scored/predictions.parquet").read_bytes() == (project / "run/predictions.parquet").read_bytes()


@pytest.mark.parametrize("chunk_rows", [700, 100_000])
def test_batch_prediction_gives_the_offline_predictions(
    project: Path, contract: Contract, chunk_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predict, "CELLS", chunk_rows * len(contract.columns))
    out = project / f"predicted-{chunk_rows}.parquet"
    done, refused, _ = predict.predict(project / "run/model", project / contract.path, out)
    rows = pd.read_parquet(project / "run/rows.parquet")
    assert (done, refused) == (len(rows), 0)
    predicted = pd.read_parquet(out)["prediction"][rows["part"] == "evaluation"]
    tested = pd.read_parquet(project / "run/predictions.parquet").query("scenario == 'test'")
    if contract.task == "regression":
        pd.testing.assert_series_equal(predicted.reset_index(drop=True), tested["y_pred"], check_names=False)
    else:
        assert predicted.tolist() == tested["y_pred"].tolist()


def test_a_run_that_cannot_take_its_place_leaves_the_earlier_one(tmp_path: Path) -> None:
    with rundir.new(tmp_path / "run") as folder:
        rundir.write_json(folder / "run.json", {"seed": 1})
    with pytest.raises(FileNotFoundError), rundir.new(tmp_path / "run") as folder:
        folder.rmdir()  # the last rename finds nothing
    assert rundir.read(tmp_path / "run") == {"seed": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_row_that_breaks_the_contract_is_set_apart_with_its_reason(project: Path, contract: Contract) -> None:
    strict = [column for column in contract.having("feature") if column.type != "string" or column.allowed]
    if not strict:
        pytest.skip("no feature of contract.yaml limits its values")
    raw = pd.read_parquet(project / "run/evaluation.parquet").astype("str").head(5)
    raw.loc[1, strict[0].name] = "no such value"
    raw.rename(columns={column.name: column.header for column in contract.columns}).to_parquet(project / "bad.parquet")
    done, refused, rejects = predict.predict(project / "run/model", project / "bad.parquet", project / "good.csv")
    assert (done, refused) == (len(raw) - 1, 1)
    rejected = pd.read_csv(rejects)
    assert rejected["rejected_row"].tolist() == [2]
    assert strict[0].name in rejected["rejected_reason"].iloc[0]


@pytest.mark.parametrize("scenario", SCENARIOS[1:])
def test_a_scenario_changes_what_its_name_says_by_that_much(table: Table, scenario: str) -> None:
    columns = list(table.contract.columns)
    changed = disturb(table.typed, columns, scenario, seed=1)
    kind, _, amount = scenario.partition(":")
    for column in columns:
        before, after = table.typed[column.name], changed[column.name]
        if kind == "noise" and column.type in ("integer", "number") and before.nunique() > 1:
            noise = (after - before).dropna() / before.std(ddof=0)
            assert noise.std() == pytest.approx(float(amount), rel=5 / np.sqrt(len(noise)))
            assert abs(noise.mean()) < 5 * float(amount) / np.sqrt(len(noise))
            assert after.isna().tolist() == before.isna().tolist()
        elif kind == "missing":
            given, chance = before.notna().sum(), float(amount)
            lost = (after.isna() & before.notna()).sum()
            assert abs(lost - given * chance) < 5 * np.sqrt(given * chance * (1 - chance)) + 5
        elif kind == "unseen-category" and column.is_category:
            assert not {*after} & {*before}
        else:
            pd.testing.assert_series_equal(after, before)


def test_no_output_of_an_earlier_day_stays_where_every_row_is_rejected(project: Path, contract: Contract) -> None:
    out = project / "every.csv"
    raw = pd.read_parquet(project / "run/evaluation.parquet").head(3)
    headers = {column.name: column.header for column in contract.columns}
    raw.drop(columns="row_id").rename(columns=headers).to_parquet(project / "every.parquet")
    predict.predict(project / "run/model", project / "every.parquet", out)
    torn = contract.more["delimiter"].join([*headers.values()]) + "\n1\n"
    (project / "torn.csv").write_text(torn, encoding=contract.more["encoding"])
    with pytest.raises(InputError, match=r"none of 1 row\(s\) follows the contract"):
        predict.predict(project / "run/model", project / "torn.csv", out)
    assert not out.exists()
    assert pd.read_csv(project / "every.rejects.csv")["rejected_row"].tolist() == [1]
    (project / "none.csv").write_text(torn.removesuffix("1\n"), encoding=contract.more["encoding"])
    with pytest.raises(InputError, match=r"none\.csv: has no rows; no .* is written"):
        predict.predict(project / "run/model", project / "none.csv", out)


@pytest.mark.parametrize("name", ["prediction", "rejected_row", "rejected_reason"])
def test_a_column_whose_name_the_output_needs_is_refused_not_overwritten(
    project: Path, contract: Contract, name: str
) -> None:
    raw = pd.read_parquet(project / "run/evaluation.parquet").head(3)
    headers = {column.name: column.header for column in contract.columns}
    raw.rename(columns=headers).assign(**{name: "mine"}).to_parquet(project / "taken.parquet")
    with pytest.raises(InputError, match=f"column '{name}' has a name that the output needs"):
        predict.predict(project / "run/model", project / "taken.parquet", project / "taken.csv")
    assert not (project / "taken.csv").exists()


@pytest.mark.parametrize("rows", [0, 5])
def test_rows_without_a_target_are_not_scored(project: Path, contract: Contract, rows: int) -> None:
    raw = pd.read_parquet(project / "run/evaluation.parquet").head(rows)
    raw.loc[raw.index[:1], contract.target.name] = ""
    raw.to_parquet(project / "unlabelled.parquet")
    with pytest.raises(InputError, match=f"{max(rows - 1, 0)} of {rows} rows have a"):
        evaluate(project / "run/model", project / "unlabelled.parquet", project / "unlabelled")
