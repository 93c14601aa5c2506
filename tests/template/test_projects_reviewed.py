"""The engine reviews what the generated project writes: real table, real runs, the verdict that a person would give."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from bake import ROOT
from project import must, result, table_path

pytestmark = pytest.mark.xdist_group("reviewed")  # one process makes what they share


def review(project: Path, champion: str, challenger: str) -> dict[str, Any]:
    """Compare two runs under the project's own policy and contract; the verdict, with the exit code and the report."""
    code = "import sys; from model_review.cli import main; sys.exit(main())"
    arguments = ["--champion", champion, "--challenger", challenger, "--policy", "model-review.toml"]
    command = [sys.executable, "-c", code, "compare", *arguments, "--contract", "contract.yaml", "--out", "review"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    verdict: dict[str, Any] = json.loads((project / "review/verdict.json").read_text(encoding="utf-8"))
    report = (project / "review/report.md").read_text(encoding="utf-8")
    return verdict | {"exit": done.returncode, "report": report}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture(scope="module")
def reviewed(bank: Path, tmp_path_factory: pytest.TempPathFactory, mlflow_store: str) -> Path:
    """The real project with `duration` forbidden, once as logistic regression (main) and once as trees (challenger)."""
    project = Path(shutil.copytree(bank, tmp_path_factory.mktemp("reviewed") / "project"))
    before, name, after = (project / "contract.yaml").read_text(encoding="utf-8").partition("- name: duration\n")
    after = after.replace("value: [feature]", "value: [forbidden]", 1)
    shutil.copytree(project / "run", project / "leaking")  # trained with duration, before a person decided
    (project / "contract.yaml").write_text(before + name + after, encoding="utf-8")
    must(project, "train", "--out", "trees", MLFLOW_TRACKING_URI=mlflow_store)
    must(project, "train", "--out", "again", MLFLOW_TRACKING_URI=mlflow_store)
    edit(project / "params.yaml", "estimator: hist_gradient_boosting", "estimator: linear")
    must(project, "train", "--out", "linear", MLFLOW_TRACKING_URI=mlflow_store)
    edit(project / "params.yaml", "estimator: linear", "estimator: hist_gradient_boosting")
    return project


def test_trees_over_a_logistic_regression_are_promoted(reviewed: Path) -> None:
    verdict = review(reviewed, "linear", "trees")
    assert (verdict["verdict"], verdict["exit"]) == ("promote", 0), verdict["reason"]


def test_a_logistic_regression_over_trees_is_rejected(reviewed: Path) -> None:
    verdict = review(reviewed, "trees", "linear")
    assert (verdict["verdict"], verdict["exit"]) == ("reject", 1), verdict["reason"]


def test_a_refactoring_that_changes_nothing_is_held(reviewed: Path) -> None:
    verdict = review(reviewed, "trees", "again")
    assert (verdict["verdict"], verdict["exit"]) == ("hold", 0)
    assert "no meaningful change" in verdict["reason"].lower()


def test_a_column_that_the_contract_forbids_is_rejected_by_name(reviewed: Path) -> None:
    verdict = review(reviewed, "linear", "leaking")
    assert (verdict["verdict"], verdict["exit"]) == ("reject", 1)
    assert "duration" in verdict["reason"]


def test_a_gain_from_one_new_column_is_for_a_person_to_decide(
    reviewed: Path, tmp_path: Path, mlflow_store: str
) -> None:
    """A colleague adds a column that was filled in after the call, and forgets to say so."""
    project = Path(shutil.copytree(reviewed, tmp_path / "project"))
    contract = yaml.safe_load((project / "contract.yaml").read_text(encoding="utf-8"))
    table = pd.read_csv(table_path(project), dtype=str, na_filter=False)
    table["followup"] = (
        (table["y"].eq("yes").mul(60) + pd.to_numeric(table["duration"]).rank().mul(0.002)).round().astype(int)
    )
    table.to_csv(table_path(project), index=False)
    contract["schema"][0]["properties"].append(
        {
            "name": "followup",
            "logicalType": "integer",
            "customProperties": [{"property": "roles", "value": ["feature"]}],
        }
    )
    base = (project / "contract.yaml").read_text(encoding="utf-8")
    (project / "contract.yaml").write_text(yaml.safe_dump(contract, sort_keys=False), encoding="utf-8")
    must(project, "train", "--out", "new", MLFLOW_TRACKING_URI=mlflow_store)
    (project / "contract.yaml").write_text(base, encoding="utf-8")
    assert "followup" in result(project, "new")["features"]
    verdict = review(project, "trees", "new")
    assert verdict["verdict"] == "hold", verdict["reason"]
    assert "followup" in verdict["reason"]


def test_the_first_run_is_judged_by_the_floors_alone(reviewed: Path) -> None:
    verdict = review(reviewed, "none", "trees")
    assert verdict["verdict"] == "promote", verdict["reason"]
    assert "first" in verdict["reason"].lower()


def test_main_scored_again_by_its_own_code_compares_as_before(reviewed: Path) -> None:
    must(reviewed, "evaluate", "--model", "linear/model", "--rows", "trees/evaluation.parquet", "--out", "scored")
    assert review(reviewed, "scored", "trees")["verdict"] == "promote"


def test_the_report_says_what_was_compared(reviewed: Path) -> None:
    report = review(reviewed, "linear", "trees")["report"]
    assert "roc_auc" in report
    assert "estimator" in report
    assert len(report) < 60_000
