"""The generated project's commands do what its README says, on real tables."""

import base64
import json
import re
import shutil
import socket
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pandas as pd
import pytest
import yaml
from bake import ROOT
from loopback import listening, tracking_server
from project import must, result, run, table_path


def test_bank_marketing_trains_and_warns_of_duration(bank: Path) -> None:
    assert result(bank)["metrics"]["roc_auc"] > 0.88
    assert "'duration'" in (bank / "train.log").read_text(encoding="utf-8")


@pytest.fixture
def forbidden(bank: Path, tmp_path: Path) -> Path:
    """The real project after a person has decided: `duration` is known only after the call."""
    project = Path(shutil.copytree(bank, tmp_path / "project"))
    before, name, after = (project / "contract.yaml").read_text(encoding="utf-8").partition("- name: duration\n")
    after = after.replace("value: [feature]", "value: [forbidden]", 1)
    (project / "contract.yaml").write_text(before + name + after, encoding="utf-8")
    return project


def test_one_line_of_the_contract_forbids_a_leak(forbidden: Path, mlflow_store: str) -> None:
    done = must(forbidden, "train", MLFLOW_TRACKING_URI=mlflow_store)
    made = result(forbidden)
    assert "duration" not in made["features"]
    assert "duration" not in done.stderr
    assert 0.75 < made["metrics"]["roc_auc"] < 0.85


def test_after_that_line_the_projects_own_tests_pass(forbidden: Path) -> None:
    must(forbidden, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_training_twice_gives_the_same_bytes(bank: Path, tmp_path: Path, mlflow_store: str) -> None:
    again = tmp_path / "again"
    must(bank, "train", "--out", str(again), MLFLOW_TRACKING_URI=mlflow_store)
    for name in ("predictions.parquet", "rows.parquet", "evaluation.parquet", "profile.json", "model/model.json"):
        assert (again / name).read_bytes() == (bank / "run" / name).read_bytes(), name


def test_the_run_records_what_decided_it(demo: Path) -> None:
    made = result(demo)
    assert made["environment"]["libraries"].keys() >= {"numpy", "pandas", "scikit-learn", "skops", "mlflow", "bentoml"}
    assert (made["seed"], made["threads"]) == (0, 1)
    assert made["params"]["estimator"] == "hist_gradient_boosting"
    assert not [name for name in made["params"] if name.startswith("tune")]
    assert made["data"]["rows"] == made["data"]["train_rows"] + made["data"]["evaluation_rows"]
    predictions = pd.read_parquet(demo / "run/predictions.parquet")
    scenarios = {"test", "noise:0.1", "noise:0.5", "missing:0.05", "missing:0.2", "unseen-category"}
    assert set(predictions["scenario"]) == scenarios
    assert (
        predictions.groupby("scenario")["row_id"]
        .agg(["size", "nunique"])
        .eq(made["data"]["evaluation_rows"])
        .all(axis=None)
    )
    sliced = {name.removeprefix("slice:") for name in predictions if name.startswith("slice:")}
    assert sliced == {
        "region",
        "plan",
        "gender",
        "age",
        "auto_pay",
        "satisfaction",
    }  # slice or sensitive in the contract
    assert predictions["slice:plan"].isin(["basic", "standard", "premium"]).all()
    assert predictions["slice:age"].nunique() == 4
    assert "entity" in predictions


def test_mlflow_holds_the_run(demo: Path, mlflow_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    made = result(demo)
    logged = mlflow.MlflowClient(tracking_uri=mlflow_store).get_run(made["tracking"]["run_id"])
    assert logged.data.metrics["roc_auc"] == pytest.approx(made["metrics"]["roc_auc"])
    assert logged.data.metrics["baseline.dummy.roc_auc"] == pytest.approx(0.5)
    assert logged.data.params["estimator"] == "hist_gradient_boosting"
    assert logged.inputs.dataset_inputs[0].dataset.name == "data/customers.csv"
    (model,) = logged.outputs.model_outputs
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_store)
    info = mlflow.models.get_model_info(f"models:/{model.model_id}")
    assert "plan" in info.signature.inputs.input_names()
    assert info.signature.outputs
    assert info.saved_input_example_info


def test_no_row_of_the_table_is_sent_to_the_tracking_server(
    demo: Path, mlflow_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_store)
    logged = mlflow.MlflowClient(tracking_uri=mlflow_store).get_run(result(demo)["tracking"]["run_id"])
    (model,) = logged.outputs.model_outputs
    kept = mlflow.MlflowClient(tracking_uri=mlflow_store).get_logged_model(model.model_id).artifact_location
    example = mlflow.artifacts.load_dict(f"{kept}/input_example.json")
    assert len(example["data"]) == 1
    given = {value for value in example["data"][0] if not pd.isna(value)}
    assert given == {0.0, "(missing)"}  # a text that is missing has no characters and no words
    (data,) = logged.inputs.dataset_inputs
    assert data.dataset.digest in result(demo)["data"]["digest"]
    assert "num_rows" not in (data.dataset.profile or "")


def test_a_class_whose_name_mlflow_refuses_is_logged_all_the_same(demo_copy: Path, mlflow_store: str) -> None:
    run_file = demo_copy / "run/run.json"
    made = json.loads(run_file.read_text(encoding="utf-8"))
    made["params"] |= {"business_value.matrix.>50K.<=50K": 1.5, "business_value.matrix.a//b.x": 2.5}
    run_file.write_text(json.dumps(made | {"tracking": None}), encoding="utf-8")
    done = must(demo_copy, "train", "--log-only", MLFLOW_TRACKING_URI=mlflow_store)
    assert "warning" not in done.stderr
    assert result(demo_copy)["tracking"]


def test_without_a_tracking_uri_the_run_is_in_a_sqlite_file_of_the_project(demo_copy: Path) -> None:
    import mlflow

    must(demo_copy, "train", "--log-only", MLFLOW_TRACKING_URI="")
    store = f"sqlite:///{demo_copy / 'mlflow.db'}"
    tracking = result(demo_copy)["tracking"]
    assert tracking["uri"] == store
    logged = mlflow.MlflowClient(tracking_uri=store).get_run(tracking["run_id"])
    assert logged.data.metrics["roc_auc"] == pytest.approx(result(demo_copy)["metrics"]["roc_auc"])
    assert logged.info.artifact_uri.startswith((demo_copy / "mlartifacts").as_uri())


def test_a_tracking_server_that_is_down_loses_no_run_and_none_is_logged_twice(
    demo_copy: Path, mlflow_store: str
) -> None:
    shutil.rmtree(demo_copy / "run")
    with socket.socket() as nobody:  # bound, but nobody listens
        nobody.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        done = must(demo_copy, "train", MLFLOW_TRACKING_URI=down, MLFLOW_HTTP_REQUEST_MAX_RETRIES="1")
    assert "warning: not logged to MLflow" in done.stderr
    assert result(demo_copy)["tracking"] is None
    must(demo_copy, "train", "--log-only", MLFLOW_TRACKING_URI=mlflow_store)
    first = result(demo_copy)["tracking"]
    assert first["uri"] == mlflow_store
    again = must(demo_copy, "train", "--log-only", MLFLOW_TRACKING_URI=mlflow_store)
    assert f"logged to MLflow already: run {first['run_id']}" in again.stdout
    assert result(demo_copy)["tracking"] == first
    elsewhere = f"sqlite:///{demo_copy / 'elsewhere.db'}"
    must(demo_copy, "train", "--log-only", MLFLOW_TRACKING_URI=elsewhere)
    assert result(demo_copy)["tracking"]["uri"] == elsewhere


LOGIN, SECRETS = "ann:pa%40ss%2Fquince", ("pa%40ss", "pa@ss", "quince")


def test_a_tracking_server_s_password_is_sent_and_is_in_no_output_and_no_file(demo_copy: Path) -> None:
    seen = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.add(self.headers.get("Authorization"))
            self.send_error(403)

        def log_message(self, *arguments: object) -> None:
            pass

    with listening(Handler) as host:
        for uri in (f"http://{LOGIN}@{host}", f"postgresql://{LOGIN}@{host}/db"):
            done = must(demo_copy, "train", "--log-only", MLFLOW_TRACKING_URI=uri, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
            assert "warning: not logged to MLflow" in done.stderr
            assert not [one for one in SECRETS if one in done.stdout + done.stderr]
    assert seen == {"Basic " + base64.b64encode(b"ann:pa@ss/quince").decode()}


@pytest.mark.prove
def test_the_run_names_its_tracking_server_without_the_password(demo_copy: Path, tmp_path: Path) -> None:
    with tracking_server(tmp_path) as url:
        uri = url.replace("://", f"://{LOGIN}@")
        printed = [must(demo_copy, "train", "--log-only", MLFLOW_TRACKING_URI=uri) for _ in range(2)]
    assert result(demo_copy)["tracking"]["uri"] == url
    assert "View run" in printed[0].stdout
    assert f"of {url}" in printed[1].stdout
    assert not [one for done in printed for one in SECRETS if one in done.stdout + done.stderr]


def test_the_benchmark_times_each_part_of_a_training(demo_copy: Path) -> None:
    clocks = ROOT / "demo/bench_training.py"
    must(demo_copy, "python", str(clocks), "churn", str(demo_copy / "seconds.json"))
    measured = json.loads((demo_copy / "seconds.json").read_text(encoding="utf-8"))
    told = {label.partition(",")[0] for label in measured["parts"]}
    assert told == {"import", "load and validate", "fit", "evaluate", "baselines", "score", "log to MLflow"}
    assert 0 < measured["bare fit"] < sum(measured["parts"].values()) < measured["total"]


def test_evaluate_scores_another_versions_rows_and_ignores_columns_it_does_not_know(demo_copy: Path) -> None:
    rows = pd.read_parquet(demo_copy / "run/evaluation.parquet").assign(added_later="x").iloc[::2]
    rows.to_parquet(demo_copy / "rows.parquet")
    must(demo_copy, "evaluate", "--model", "run/model", "--rows", "rows.parquet", "--out", "scored")
    ours = pd.read_parquet(demo_copy / "run/predictions.parquet").query("scenario == 'test'").set_index("row_id")
    scored = pd.read_parquet(demo_copy / "scored/predictions.parquet").query("scenario == 'test'").set_index("row_id")
    pd.testing.assert_series_equal(scored["score"], ours["score"].loc[rows["row_id"]])
    assert result(demo_copy, "scored")["data"]["evaluation_rows"] == len(rows)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.drop(columns="plan"), "has no column 'plan', which the model needs"),
        (
            lambda rows: rows.assign(churned="perhaps"),
            "class 'perhaps' is unknown",
        ),
        (lambda rows: rows.assign(tenure_months="long"), "column 'tenure_months': 'long' is not of type"),
    ],
    ids=["a column is gone", "a class is new", "a type has changed"],
)
def test_evaluate_says_why_a_model_cannot_score_rows(demo_copy: Path, change: object, words: str) -> None:
    changed = change(pd.read_parquet(demo_copy / "run/evaluation.parquet"))  # type: ignore[operator]
    changed.to_parquet(demo_copy / "rows.parquet")
    done = run(demo_copy, "evaluate", "--rows", "rows.parquet", "--out", "scored")
    assert (done.returncode, words in done.stderr, "Traceback" in done.stderr) == (2, True, False), done.stderr
    assert not (demo_copy / "scored").exists()


def test_every_violation_is_in_one_message_and_an_earlier_run_stays(demo_copy: Path) -> None:
    path = table_path(demo_copy)
    lines = path.read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    for row, column in ((5, "plan"), (9, "tenure_months")):
        cells = lines[row].split(",")
        cells[names.index(column)] = "nonsense"
        lines[row] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = run(demo_copy, "train")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "column 'plan': 1 value(s); 'nonsense' in row 5" in done.stderr
    assert "column 'tenure_months': 1 value(s); 'nonsense' in row 9" in done.stderr
    assert result(demo_copy)["metrics"]


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("params.yaml", "estimator: hist_gradient_boosting", "estimator: magic", "estimator: 'magic' is not one of"),
        ("params.yaml", "seed: 0", "sead: 0", "'seed' is a required property"),
        ("params.yaml", "learning_rate:", "learning_rat:", "learning_rat"),
        ("params.yaml", "learning_rate: ", "learning_rate: 1e-3  # ", "'learning_rate' parameter"),  # in YAML a text
        ("params.yaml", "max_iter: ", "max_iter: -1  # ", "'max_iter' parameter"),
        ("contract.yaml", "value: [target]", "value: [feature]", "exactly one column of the role target"),
        ("contract.yaml", "value: [target]", "value: [aim]", "'aim' is not one of"),
        ("contract.yaml", "kind: DataContract", "kind: [", "not valid YAML"),
        ("contract.yaml", "{minimum: 0, maximum: 143}", "{minimum: 9, maximum: 3}", "column 'age'"),
        (
            "contract.yaml",
            "name: tenure_months",
            "name: tenure_months\n        physicalName: age",
            "has no column 'age'",
        ),
    ],
)
def test_a_mistake_in_a_settings_file_is_one_sentence(
    demo_copy: Path, file: str, old: str, new: str, words: str
) -> None:
    text = (demo_copy / file).read_text(encoding="utf-8")
    assert old in text
    (demo_copy / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    done = run(demo_copy, "train")
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert file in done.stderr
    assert "Traceback" not in done.stderr


def test_predict_reads_and_writes_parquet_and_sets_rows_apart(demo_copy: Path) -> None:
    table = pd.read_csv(table_path(demo_copy), dtype=str, na_filter=False)
    table.loc[3, "plan"] = "a plan that nobody sells"
    table.drop(columns="churned").to_parquet(demo_copy / "new.parquet")
    done = must(demo_copy, "predict", "--input", "new.parquet", "--output", "out.parquet")
    assert f"{len(table) - 1} rows predicted" in done.stdout
    assert pd.read_csv(demo_copy / "out.rejects.csv")[["rejected_row", "rejected_reason"]].to_dict("records") == [
        {"rejected_row": 4, "rejected_reason": "plan: a plan that nobody sells is none of the allowed values"}
    ]
    assert len(pd.read_parquet(demo_copy / "out.parquet")) == len(table) - 1


def test_predict_leaves_nothing_half_written(demo_copy: Path) -> None:
    (demo_copy / "short.csv").write_text("plan\nbasic\n", encoding="utf-8")
    done = run(demo_copy, "predict", "--input", "short.csv", "--output", "out.csv")
    assert done.returncode == 2
    assert "which the model needs" in done.stderr
    assert not [path for path in demo_copy.iterdir() if "out" in path.name]


@pytest.mark.parametrize("end", ["csv", "parquet"])
def test_a_refused_input_leaves_yesterdays_predictions(demo_copy: Path, end: str) -> None:
    lines = table_path(demo_copy).read_text(encoding="utf-8").splitlines()
    good, bad = demo_copy / "good.csv", demo_copy / "bad.csv"
    spoilt = lines[1].replace(lines[1].split(",")[lines[0].split(",").index("plan")], "a plan that nobody sells")
    good.write_text("\n".join([*lines[:300], spoilt]) + "\n", encoding="utf-8")
    must(demo_copy, "predict", "--input", "good.csv", "--output", f"out.{end}")
    names = (f"out.{end}", "out.rejects.csv")
    before = [(demo_copy / name).read_bytes() for name in names]
    bad.write_text("\n".join([*lines[:300], lines[1] + ' "', lines[2]]) + ' "', encoding="utf-8")
    bad.write_bytes(bad.read_bytes() + b"\xff\n")  # not UTF-8
    few = "import churn.predict; churn.predict.CELLS = 1000; churn.predict.main()"  # several chunks before the bad row
    done = run(demo_copy, "python", "-c", few, "--input", "bad.csv", "--output", f"out.{end}")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert [(demo_copy / name).read_bytes() for name in names] == before
    assert sorted(path.name for path in demo_copy.iterdir() if "out." in path.name) == sorted(names)
    good.write_text("\n".join(lines[:300]) + "\n", encoding="utf-8")
    must(demo_copy, "predict", "--input", "good.csv", "--output", f"out.{end}")
    assert not (demo_copy / "out.rejects.csv").exists()  # of the day before: today no row was rejected


@pytest.mark.prove
def test_the_memory_of_predict_does_not_grow_with_the_file(demo_copy: Path) -> None:
    header, *lines = table_path(demo_copy).read_text(encoding="utf-8").splitlines()
    measured = "import churn.predict; churn.predict.CELLS = 200_000; churn.predict.main()"
    # Not ru_maxrss, which begins with what the process that started this one holds.
    measured += "; print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    peaks = []
    for rows in (40_000, 200_000):
        many = (lines * (rows // len(lines) + 1))[:rows]
        (demo_copy / "many.csv").write_text("\n".join([header, *many]) + "\n", encoding="utf-8")
        done = must(demo_copy, "python", "-c", measured, "--input", "many.csv", "--output", "out.parquet")
        assert f"{rows} rows predicted" in done.stdout
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] < 1.1 * peaks[0], peaks


def test_predict_sets_rows_of_uneven_length_apart_with_their_number_in_the_file(demo_copy: Path) -> None:
    lines = table_path(demo_copy).read_text(encoding="utf-8").splitlines()[:10]
    uneven = [*lines[:3], lines[3] + ",more", lines[4], "few", "", lines[5], lines[6] + ",much,more"]
    (demo_copy / "uneven.csv").write_text("\n".join(uneven), encoding="utf-8")
    few = "import churn.predict; churn.predict.CELLS = 40; churn.predict.main()"  # two rows at a time
    done = must(demo_copy, "python", "-c", few, "--input", "uneven.csv", "--output", "out.csv")
    assert "4 rows predicted" in done.stdout
    rejected = pd.read_csv(demo_copy / "out.rejects.csv")
    assert rejected["rejected_row"].tolist() == [3, 5, 7]
    assert set(rejected["rejected_reason"]) == {"(row): has a cell too many or too few"}
    shutil.copy(demo_copy / "uneven.csv", table_path(demo_copy))
    done = run(demo_copy, "train")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert "3 value(s); row 3 has a cell too many or too few" in done.stderr
    assert len(done.stderr.splitlines()) == 2  # nothing else is said of these rows


def test_an_option_to_try_that_the_estimator_does_not_take_is_one_sentence(demo_copy: Path) -> None:
    path = demo_copy / "params.yaml"
    text = path.read_text(encoding="utf-8")
    before, space, after = text.partition("  space:")
    path.write_text(before + space + after.replace("learning_rate: [", "learning_rate: [slow] # ", 1), encoding="utf-8")
    done = run(demo_copy, "tune", "--jobs", "1")
    assert (done.returncode, "Traceback" in done.stderr.rpartition("error: ")[2]) == (2, False), done.stderr
    assert "params.yaml: hist_gradient_boosting" in done.stderr
    assert "'learning_rate' parameter" in done.stderr.rpartition("error: ")[2]


def test_tune_prints_a_table_logs_child_runs_and_writes_the_winner(demo_copy: Path, mlflow_store: str) -> None:
    import mlflow

    before = (demo_copy / "params.yaml").read_text(encoding="utf-8").replace("candidates: 20", "candidates: 3")
    (demo_copy / "params.yaml").write_text(before, encoding="utf-8")
    done = must(demo_copy, "tune", "--jobs", "1", "--write", MLFLOW_TRACKING_URI=mlflow_store)
    winner = json.loads(done.stdout.partition("winner: ")[2].splitlines()[0])
    after = (demo_copy / "params.yaml").read_text(encoding="utf-8")
    written = yaml.safe_load(after)["hist_gradient_boosting"]
    assert written | winner == written
    assert [line.partition("#")[2] for line in after.splitlines()] == [
        line.partition("#")[2] for line in before.splitlines()
    ]
    client = mlflow.MlflowClient(tracking_uri=mlflow_store)
    (experiment,) = [e for e in client.search_experiments() if e.name == "churn"]
    runs = client.search_runs([experiment.experiment_id], "tags.mlflow.runName LIKE 'round%'")
    assert len(runs) >= 3
    assert all("mlflow.parentRunId" in trial.data.tags for trial in runs)
    must(demo_copy, "train", MLFLOW_TRACKING_URI=mlflow_store)
    assert (
        result(demo_copy)["params"] | {f"hist_gradient_boosting.{k}": v for k, v in winner.items()}
        == result(demo_copy)["params"]
    )


@pytest.mark.parametrize("section", ["linear: {C: 1.0}  # C: 9", "# linear: {C: 1.0}", "linear:"])
def test_a_winner_is_written_as_a_number_that_train_reads_whatever_stood_there(
    demo_copy: Path, mlflow_store: str, section: str
) -> None:
    path = demo_copy / "params.yaml"
    before = path.read_text(encoding="utf-8").replace("candidates: 20", "candidates: 1")
    before = before.replace("estimator: hist_gradient_boosting", "estimator: linear")
    before = re.sub(r"(?m)^linear: .*$", "", before).replace("linear: {C: [0.1, 1.0, 10.0]}", "linear: {C: [0.00001]}")
    path.write_text(f"{before}{section}", encoding="utf-8")  # the last line, without an end
    must(demo_copy, "tune", "--jobs", "1", "--write", MLFLOW_TRACKING_URI=mlflow_store)
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["linear"] == {"C": 0.00001}
    assert section.partition("#")[2] in path.read_text(encoding="utf-8")


def test_evaluation_rows_decide_neither_the_model_nor_its_threshold_nor_the_search(
    demo_copy: Path, mlflow_store: str
) -> None:
    path = demo_copy / "params.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("candidates: 20", "candidates: 4"), encoding="utf-8")
    before, searched = result(demo_copy), must(demo_copy, "tune", "--jobs", "2", MLFLOW_TRACKING_URI=mlflow_store)
    ours = pd.read_parquet(demo_copy / "run/predictions.parquet")
    table = pd.read_csv(table_path(demo_copy), dtype=str, na_filter=False)
    evaluated = (pd.read_parquet(demo_copy / "run/rows.parquet")["part"] == "evaluation").to_numpy()
    table.loc[evaluated, "churned"] = table.loc[evaluated, "churned"].map({"yes": "no", "no": "yes"})
    table.to_csv(table_path(demo_copy), index=False)
    again = must(demo_copy, "tune", "--jobs", "1", MLFLOW_TRACKING_URI=mlflow_store)
    assert again.stdout == searched.stdout
    sizes = [int(line.split()[1]) for line in again.stdout.splitlines()[1:] if line.split()[0].isdigit()]
    assert min(sizes) < max(sizes) <= before["data"]["train_rows"]
    must(demo_copy, "train", MLFLOW_TRACKING_URI=mlflow_store)
    after = result(demo_copy)
    assert after["threshold"] == before["threshold"]
    assert after["metrics"]["roc_auc"] == pytest.approx(1 - before["metrics"]["roc_auc"])
    pd.testing.assert_series_equal(pd.read_parquet(demo_copy / "run/predictions.parquet")["score"], ours["score"])


def test_a_table_whose_positives_belong_to_one_entity_trains(demo_copy: Path, mlflow_store: str) -> None:
    table = pd.read_csv(table_path(demo_copy), dtype=str, na_filter=False)
    train = (pd.read_parquet(demo_copy / "run/rows.parquet")["part"] == "train").to_numpy()
    one = table.loc[train, "customer_id"].mode()[0]
    table.loc[train, "churned"] = "no"
    table.loc[train & (table["customer_id"] == one), "churned"] = "yes"
    table.to_csv(table_path(demo_copy), index=False)
    must(demo_copy, "train", MLFLOW_TRACKING_URI=mlflow_store)
    assert result(demo_copy)["threshold"] == 0.5  # no fold can be left out
    done = run(demo_copy, "tune", "--jobs", "1")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert "too few training rows, or entities, for two folds" in done.stderr


def test_explain_draws_columns_that_are_nearly_always_zero_or_missing(demo_copy: Path, mlflow_store: str) -> None:
    script = """
import numpy as np, pandas as pd
from churn import ROOT, explain, model, rows
from churn.contract import load_contract
from matplotlib import pyplot as plt
fitted, contract = model.load(ROOT / "run/model"), load_contract(ROOT / "run/contract.yaml")
table = rows.saved(ROOT / "run/evaluation.parquet", contract, fitted.features.raw)
typed, many = table.typed.copy(), np.arange(len(table.typed))
typed["usage_hours"] = typed["usage_hours"].where(many % 25 == 0, 0.0)  # 4 % are not zero
typed["monthly_fee"] = typed["monthly_fee"].where(many % 5 > 0)  # 20 % are missing
columns, explain.TOP = fitted.columns(typed), 20
explain.plot(fitted, columns, fitted.predict_columns(columns)[0], ROOT / "run/plots")  # each column counts for these
drawn = {axes.get_xlabel(): axes for number in plt.get_fignums() for axes in plt.figure(number).axes}
for name in ("usage_hours", "monthly_fee"):
    average = drawn[name].lines[-1]
    assert len(average.get_xdata()) > 1
    assert np.isfinite([average.get_xdata(), average.get_ydata()]).all()
"""
    must(demo_copy, "python", "-W", "ignore", "-c", script)
    names = {path.name for path in (demo_copy / "run/plots").iterdir()}
    assert names >= {"effect-1.png", "effect-2.png"}


def test_evaluate_reads_typed_parquet_as_predict_does(demo_copy: Path) -> None:
    rows = pd.read_parquet(demo_copy / "run/evaluation.parquet").head(50)
    typed = rows.assign(
        auto_pay=rows["auto_pay"].map({"yes": True, "no": False}).astype("boolean"),
        age=rows["age"].astype(int),
    )
    typed.to_parquet(demo_copy / "rows.parquet")
    must(demo_copy, "evaluate", "--rows", "rows.parquet", "--out", "scored")
    ours = pd.read_parquet(demo_copy / "run/predictions.parquet").query("scenario == 'test'").head(50)
    scored = pd.read_parquet(demo_copy / "scored/predictions.parquet").query("scenario == 'test'")
    assert scored["score"].tolist() == ours["score"].tolist()


def test_explain_prints_one_row_and_draws_all(demo_copy: Path) -> None:
    row_id = pd.read_parquet(demo_copy / "run/evaluation.parquet")["row_id"].iloc[7]
    done = must(demo_copy, "explain", "--row", row_id)
    assert row_id in done.stdout
    assert "moves" in done.stdout
    assert run(demo_copy, "explain", "--row", "nobody").returncode == 2
    must(demo_copy, "explain")
    drawn = {path.name for path in (demo_copy / "run/plots").iterdir()}
    assert drawn >= {"importances.png", "importances.csv", "effect-1.png", "effect-2.png"}
    importances = pd.read_csv(demo_copy / "run/plots/importances.csv")
    assert importances["mean"].iloc[0] > 3 * importances["std"].iloc[0]
