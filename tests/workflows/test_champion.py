"""Main's model is scored by main's own code on the pull request's rows; each case that prevents it has its name."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml
from repositories import ACTIONS, commit, commit_all, git, outputs
from training_loop import ELSEWHERE, Loop

from model_review.champion import Commands, Places, one_environment, score_champion
from model_review.champion_record import ChampionRecord
from model_review.cli import main
from model_review.content_key import content_key

pytestmark = [
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH"),
    pytest.mark.xdist_group("trained"),  # one project for all of them
]


@pytest.fixture
def loop(trained: Loop, monkeypatch: pytest.MonkeyPatch) -> Loop:
    """Main checked out, a fresh runner, and main's own run in place of the challenger's."""
    trained.fresh()
    for name, file in (("GITHUB_OUTPUT", "outputs"), ("GITHUB_STEP_SUMMARY", "summary.md")):
        monkeypatch.setenv(name, str(trained.scratch / file))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.store)
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    # What a step before could have set, and what must not reach main's code.
    for name in ELSEWHERE:
        monkeypatch.setenv(name, str(trained.scratch / "elsewhere"))
    monkeypatch.setenv("UV_NO_SYNC", "1")
    return trained


def test_main_is_trained_again_and_gives_the_answers_that_it_gave_on_main(loop: Loop) -> None:
    loop.edit("params.yaml", "linear: {C: 1.0}", "linear: {C: 0.01}")
    loop.edit(f"{loop.package}/evaluate.py", "def evaluate(", "raise SystemExit('the branch')\n\n\ndef evaluate(")
    loop.open()
    found = loop.score(None)
    assert (found["status"], found["from_cache"], found["warnings"]) == ("scored", False, [])
    assert found["key"] == content_key(loop.project, loop.base)
    scored = json.loads((loop.scratch / "champion/run.json").read_text(encoding="utf-8"))
    assert (scored["commit"], scored["dirty"], scored["params"]["linear.C"]) == (loop.base, False, 1.0)
    answers = pd.read_parquet(loop.cached / "predictions.parquet")
    pd.testing.assert_frame_equal(loop.predictions(), answers)


def test_a_saved_run_is_scored_and_nothing_is_trained(loop: Loop) -> None:
    loop.edit(f"{loop.package}/train.py", "def train(", "raise SystemExit('the branch')\n\n\ndef train(")
    loop.open()
    saved = loop.scratch / "saved"
    shutil.copytree(loop.cached, saved, ignore=shutil.ignore_patterns("evaluation.parquet"))  # as the action saves it
    found = loop.score(saved)
    assert (found["status"], found["from_cache"]) == ("scored", True)
    assert "its saved run" in found["sentence"]
    pd.testing.assert_frame_equal(loop.predictions(), pd.read_parquet(loop.cached / "predictions.parquet"))
    verdict = loop.review()
    assert (verdict["verdict"], verdict["hold_reason"]) == ("hold", "no meaningful change")


@pytest.mark.prove
def test_another_lock_gets_an_environment_of_its_own(loop: Loop) -> None:
    loop.edit("pyproject.toml", '"tqdm>=4.67,<5"', '"tqdm>=4.67.1,<5"')
    loop.uv("lock", "--quiet")
    loop.open()
    hidden = loop.project / ".hidden"
    (loop.project / ".venv").rename(hidden)
    try:
        found = loop.score(loop.cached)
        assert found["status"] == "scored", found["sentence"]
        assert not (loop.project / ".venv").exists()
    finally:
        hidden.rename(loop.project / ".venv")
    assert loop.review()["hold_reason"] == "no meaningful change"
    comparison = json.loads((loop.scratch / "review/comparison.json").read_text(encoding="utf-8"))
    assert (comparison["changes"]["kinds"], comparison["changes"]["code"]) == (["dependencies"], False)


@pytest.mark.prove
def test_a_main_without_a_lock_is_resolved_once_and_keyed_by_the_result(loop: Loop) -> None:
    lock = (loop.project / "uv.lock").read_text(encoding="utf-8")
    base = commit(loop.project, uv_dot_lock=None)
    (loop.project / "uv.lock").write_text(lock, encoding="utf-8")
    loop.open(base)
    found = loop.score(loop.cached)
    assert found["status"] == "scored", found["sentence"]
    assert "no uv.lock" in found["warnings"][0]
    loop.review()
    assert "Main has no uv.lock" in (loop.scratch / "review/report.md").read_text(encoding="utf-8").split("###")[0]
    assert found["key"] not in (None, content_key(loop.project, base))


def test_a_main_that_fails_to_train_is_told_from_a_first_run(loop: Loop) -> None:
    loop.edit(f"{loop.package}/train.py", "def train(", "raise ValueError('main is broken')\n\n\ndef train(")
    base = commit_all(loop.project)
    loop.edit(f"{loop.package}/train.py", "raise ValueError('main is broken')\n\n\ndef train(", "def train(")
    loop.open(base)
    found = loop.score(None)
    assert found["status"] == "base-fails-to-train"
    assert "ValueError: main is broken (exit code 1)" in found["sentence"]
    verdict = loop.review()
    assert (verdict["verdict"], verdict["hold_reason"]) == ("hold", "not comparable")
    assert "main is broken" in verdict["reason"]
    assert "no champion yet" not in json.dumps(verdict)
    assert json.loads((loop.scratch / "review/comparison.json").read_text(encoding="utf-8"))["champion"] is None


def test_a_main_that_does_not_install_says_so(loop: Loop) -> None:
    loop.edit("pyproject.toml", "[project]\n", "[project]\nnonsense = [\n")
    base = commit_all(loop.project)
    loop.edit("pyproject.toml", "[project]\nnonsense = [\n", "[project]\n")
    loop.open(base)
    found = loop.score(None)
    assert found["status"] == "base-does-not-install"


def test_rows_without_a_column_that_mains_model_needs_cannot_be_scored(loop: Loop) -> None:
    loop.edit("params.yaml", "linear: {C: 1.0}", "linear: {C: 0.5}")
    loop.open()
    rows = loop.project / "run/evaluation.parquet"
    pd.read_parquet(rows).drop(columns="monthly_fee").to_parquet(rows, index=False)
    found = loop.score(loop.cached)
    assert found["status"] == "cannot-score"
    assert "monthly_fee" in found["sentence"]
    assert loop.review()["hold_reason"] == "not comparable"


def test_without_the_challengers_rows_one_sentence_says_so(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    loop.edit("params.yaml", "linear: {C: 1.0}", "linear: {C: 0.5}")
    loop.open()
    (loop.project / "run/evaluation.parquet").unlink()
    work = ["--repo", str(loop.project), "--work", str(loop.scratch), "--challenger", str(loop.project / "run")]
    assert main(["base", "--repo", str(loop.project), "--out", str(loop.scratch)]) == 0
    assert main(["champion", *work, "--cached", str(loop.cached)]) == 2
    assert "evaluation.parquet is missing" in capsys.readouterr().err


def test_documents_alone_end_in_one_line(loop: Loop, capsys: pytest.CaptureFixture[str]) -> None:
    (loop.project / "README.md").write_text("Churn\n", encoding="utf-8")
    loop.open()
    shutil.rmtree(loop.project / "run")
    assert loop.score(None)["status"] == "nothing-relevant-changed"
    capsys.readouterr()
    work = ["--repo", str(loop.project), "--work", str(loop.scratch), "--challenger", str(loop.project / "run")]
    assert main(["review", *work]) == 0
    assert capsys.readouterr().out.count("\n") == 1
    assert not (loop.scratch / "review").exists()
    told = outputs(loop.scratch)
    assert (told["verdict"], told["fails"], told["comparison"], told["train"]) == ("none", "false", "", "false")
    assert "nothing is trained" in (loop.scratch / "summary.md").read_text(encoding="utf-8")


def test_the_first_run_is_decided_by_floors_and_by_its_own_contract(loop: Loop) -> None:
    kept = {name: (loop.project / name).read_text(encoding="utf-8") for name in ("contract.yaml", "model-review.toml")}
    base = commit(loop.project, **dict.fromkeys(kept))
    for name, content in kept.items():
        (loop.project / name).write_text(content, encoding="utf-8")
    loop.open(base)
    assert loop.score(None)["status"] == "first-run"
    assert any("no champion yet" in one["detail"] for one in loop.review()["because"])
    # What a person has to know stands above the evidence, here and in the comment.
    report = (loop.scratch / "review/report.md").read_text(encoding="utf-8")
    assert "Main has no model-review.toml yet, so the pull request's own judges it." in report.split("###")[0]


def test_what_a_pull_requests_policy_says_of_itself_is_reported_and_not_obeyed(loop: Loop) -> None:
    loop.edit("params.yaml", "linear: {C: 1.0}", "linear: {C: 0.5}")
    (loop.project / "model-review.toml").write_text("loosened beyond reading", encoding="utf-8")
    loop.open()
    loop.score(loop.cached)
    assert loop.review()["policy_changed"]


def test_every_output_that_an_action_declares_is_written(loop: Loop) -> None:
    loop.edit("params.yaml", "linear: {C: 1.0}", "linear: {C: 0.5}")
    loop.open()
    loop.score(loop.cached)
    loop.review()
    assert main(["key", "--repo", str(loop.project)]) == 0
    told = outputs(loop.scratch)
    for name in ("setup", "train", "champion", "compare"):
        action = yaml.safe_load((ACTIONS / name / "action.yml").read_text(encoding="utf-8"))
        values = " ".join(one["value"] for one in action["outputs"].values())
        for step, output in re.findall(r"steps\.(\w+)\.outputs\.([\w-]+)", values):
            # `saved` is the cache's; `reproduced` is written on main alone, see tests/release/test_documents.py.
            assert step in ("saved", "reproduced") or output in told, f"{name}: {step}.{output}"
    for output in ("comparison", "verdict-file", "report", "html"):
        assert Path(told[output]).is_file()
    assert (loop.scratch / "summary.md").stat().st_size < 2**20


def test_relative_paths_are_those_of_the_caller(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    loop.edit("params.yaml", "linear: {C: 1.0}", "linear: {C: 0.5}")
    loop.open()
    shutil.copytree(loop.cached, loop.scratch / "saved")
    monkeypatch.chdir(loop.project.parent)
    work = ["--repo", loop.project.name, "--work", "scratch", "--challenger", f"{loop.project.name}/run"]
    assert main(["base", *work[:2], "--out", "scratch"]) == 0
    assert main(["champion", *work, "--cached", "scratch/saved"]) == 0
    assert json.loads((loop.scratch / "champion.json").read_text(encoding="utf-8"))["status"] == "scored"
    assert main(["review", *work]) in (0, 1)


@pytest.mark.parametrize(
    ("side", "name", "content"),
    [
        ("main", ".python-version", "3.12\n"),
        ("main", "uv.lock", "version = 2\n"),
        ("main", "uv.lock", None),
        ("challenger", "pyproject.toml", "[project]\nname = 'other'\n"),
        ("challenger", ".python-version", None),
        ("main", "src/shop.py", None),
        ("challenger", "src/shop.py", None),
    ],
)
def test_one_environment_serves_both_sides_only_where_lock_python_and_src_agree(
    tmp_path: Path, side: str, name: str, content: str | None
) -> None:
    for folder in ("main", "challenger"):
        (tmp_path / folder / "src").mkdir(parents=True)
        for file, text in (
            ("uv.lock", "version = 1\n"),
            ("pyproject.toml", "[project]\n"),
            (".python-version", "3.11\n"),
        ):
            (tmp_path / folder / file).write_text(text, encoding="utf-8")
        (tmp_path / folder / "src/shop.py").touch()
    assert one_environment(tmp_path / "main", tmp_path / "challenger")
    file = tmp_path / side / name
    if content is not None:
        file.write_text(content, encoding="utf-8")
    else:
        file.unlink()
    if name.startswith("src") and content is None:
        file.parent.rmdir()
    assert not one_environment(tmp_path / "main", tmp_path / "challenger")


FLAT = """[project]
name = "shop"
version = "0.1.0"
requires-python = ">=3.11"
[project.scripts]
train = "shop:train"
evaluate = "shop:train"
[dependency-groups]
train = []
[build-system]
requires = ["uv_build>=0.13,<0.14"]
build-backend = "uv_build"
[tool.uv.build-backend]
module-root = ""
"""
SAYS = "def train():\n    raise SystemExit({!r})\n"


def flat(folder: Path, *, lock: bool) -> tuple[ChampionRecord, Places]:
    """A pull request in a project whose package lies beside pyproject.toml, installed as the train action does."""
    project = folder / "project"
    project.mkdir()
    git(project, "init", "--quiet", "--initial-branch", "main")
    (project / ".gitignore").write_text("run/\n.venv/\n", encoding="utf-8")
    (project / "pyproject.toml").write_text(FLAT, encoding="utf-8")
    clean = {name: value for name, value in os.environ.items() if name not in (*ELSEWHERE, "UV_NO_SYNC")}
    if lock:
        subprocess.run(["uv", "lock", "--quiet"], cwd=project, env=clean, check=True)
    (project / "shop").mkdir()
    for said in ("main's own code", "the branch's code"):
        (project / "shop/__init__.py").write_text(SAYS.format(said), encoding="utf-8")
        commit_all(project)
    base, head = (git(project, "rev-parse", name) for name in ("HEAD^", "HEAD"))
    subprocess.run(["uv", "sync", "--quiet", "--group", "train"], cwd=project, env=clean, check=True)
    (project / "run").mkdir()
    (project / "run/evaluation.parquet").touch()
    work = folder / "work"
    work.mkdir()
    found = ChampionRecord(status="found", sentence="", commit=base, key=None, challenger_key=head)
    return found, Places(project, project / "run", work, folder / "nothing")


@pytest.mark.parametrize("lock", [True, False], ids=["lock", "no lock"])
def test_in_a_flat_layout_mains_own_code_is_called_and_a_missing_lock_is_warned_of(tmp_path: Path, lock: bool) -> None:
    found, scored = score_champion(*flat(tmp_path, lock=lock))
    assert (found.status, scored) == ("base-fails-to-train", None)
    assert "main's own code" in found.sentence
    assert [one.startswith("Main has no uv.lock") for one in found.warnings] == [True] * (not lock)


def test_where_a_project_gives_its_own_commands_nothing_is_resolved_and_nothing_warned_of(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho not today\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    found, _ = score_champion(*flat(tmp_path, lock=False), Commands(str(program), str(program)))
    assert "not today" in found.sentence
    assert found.warnings == []
