"""Every table of the list gives a project that trains and predicts, all its rows accepted by its own contract."""

from pathlib import Path

import pandas as pd
import pytest
from project import made_from, must, result, run, table_path
from tables import TABLES, Table

LOWER_IS_BETTER = {"roc_auc": False, "log_loss": True, "mae": True}
OBJECTIVE = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "mae"}
CASES = [pytest.param(table, id=table.name, marks=[pytest.mark.prove] if table.prove else []) for table in TABLES]
GENERATED_TESTS = ("bank marketing", "the demo data", "wine", "diabetes")


@pytest.mark.parametrize("table", CASES)
def test_a_project_trains_and_predicts(table: Table, tmp_path: Path, mlflow_store: str) -> None:
    project = made_from(table, tmp_path)
    must(project, "train", MLFLOW_TRACKING_URI=mlflow_store)
    made = result(project)
    assert made["task"] == table.task
    assert made["tracking"], "the run was not logged to MLflow"
    metric = OBJECTIVE[table.task]
    assert not [warning for warning in made["warnings"] if "not computed" in warning]
    ours, dummy = made["metrics"][metric], made["baselines"]["dummy"][metric]
    assert ours < dummy if LOWER_IS_BETTER[metric] else ours > dummy, (
        f"{metric} {ours} is no better than a dummy's {dummy}"
    )

    must(project, "predict", "--input", str(table_path(project)), "--output", "predicted.parquet")
    assert not (project / "predicted.rejects.csv").exists()
    assert len(pd.read_parquet(project / "predicted.parquet")) == made["data"]["rows"]


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(table, id=table.name, marks=[] if table.name.startswith(GENERATED_TESTS) else [pytest.mark.prove])
        for table in TABLES
    ],
)
def test_the_generated_tests_pass(table: Table, tmp_path: Path) -> None:
    project = made_from(table, tmp_path)
    done = run(project, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
