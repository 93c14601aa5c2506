"""The alias in a real MLflow: a SQLite file that the project's environment opens, and a server asked by REST."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import DIRECT, free_port

from model_review.release.mlflow import URI, MlflowError, move_aliases, registered

RUNS = """
import mlflow, sys
from sklearn.dummy import DummyClassifier
for place in range(2):
    with mlflow.start_run() as run:
        model = DummyClassifier(strategy="constant", constant=0).fit([[0.0], [1.0]], [0, 1])
        mlflow.sklearn.log_model(model, name="model", pip_requirements=[], skops_trusted_types=["numpy.dtype"])
    print("run=" + run.info.run_id)
"""
ALIASES = """
import mlflow
print({name: int(one) for name, one in mlflow.MlflowClient().get_registered_model("shop").aliases.items()})
print(len(mlflow.MlflowClient().search_model_versions("name='shop'")))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder whose environment is that of these tests."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / ".venv/bin/python").chmod(0o755)
    return tmp_path


def python(project: Path, code: str) -> str:
    """What some code prints, in that folder."""
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def server(project: Path) -> Iterator[str]:
    """A tracking server with a registry."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{project}/server.db"]
    command += [
        "--port",
        url.rpartition(":")[2],
        "--artifacts-destination",
        str(project / "artifacts"),
        "--workers",
        "1",
    ]
    with (project / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=project, stdout=log, stderr=log)
    try:
        for _ in range(600):
            try:
                DIRECT.open(f"{url}/health", timeout=2)
                break
            except OSError:
                assert process.poll() is None, (project / "server.log").read_text()
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.prove
@pytest.mark.parametrize("kind", ["sqlite", "server"])
def test_champion_moves_to_the_promoted_version_and_previous_keeps_the_former(
    project: Path, kind: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    uri = f"sqlite:///{project}/mlflow.db" if kind == "sqlite" else request.getfixturevalue("server")
    monkeypatch.setenv(URI, uri)
    first, second = (line[4:] for line in python(project, RUNS).splitlines() if line.startswith("run="))
    for run in (first, second, second):
        move_aliases(registered("shop", run, "image", project), run, "image", project)
    assert python(project, ALIASES).split("\n")[0] == "{'champion': 2, 'previous': 1}"
    move_aliases(registered("shop", first, "image", project), first, "image", project)
    assert python(project, ALIASES).splitlines() == ["{'champion': 1, 'previous': 2}", "2"]


def test_a_store_that_is_no_server_needs_the_project_s_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URI, "sqlite:///mlflow.db")
    with pytest.raises(MlflowError, match="run uv sync"):
        registered("shop", "run", "image", tmp_path)
