import json
from pathlib import Path

import pandas as pd
import pytest

from {{ cookiecutter.__package_name }} import evaluate, predict, rundir, tracking, train
from {{ cookiecutter.__package_name }}.contract import Contract


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
    evaluate.evaluate(project / "run/model", project / "run/evaluation.parquet", project / "scored")
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
    assert rejected["row"].tolist() == [2]
    assert strict[0].name in rejected["reason"].iloc[0]
