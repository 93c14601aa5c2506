"""The alias in a real MLflow: a SQLite file that the project's environment opens, and a server asked by REST."""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import registry, tracking_server
from registries import FakeMlflow, image_folder, labels, mlflow_server, write_probe

from model_review.cli import main
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
    with tracking_server(project) as url:
        yield url


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


@pytest.mark.prove
def test_promote_and_rollback_move_the_aliases_of_a_sqlite_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(URI, f"sqlite:///{project}/mlflow.db")
    runs = [line[4:] for line in python(project, RUNS).splitlines() if line.startswith("run=")]
    log = project / "promotions.jsonl"
    with registry(project) as host:
        image = f"{host}/acme/shop"
        for number, run in enumerate(runs, 1):
            named = labels(str(number) * 40, io__model_review__mlflow_run=run)
            folder, digest = image_folder(project / f"image-{number}", named)
            assert main(["push", "--folder", str(folder), "--image", image]) == 0
            probe = write_probe(project / "probe.json", digest)
            given = ["--image", f"{image}@{digest}", "--probe", str(probe), "--log", str(log), "--repo", str(project)]
            assert main(["promote", *given]) == 0
        assert python(project, ALIASES).splitlines() == ["{'champion': 2, 'previous': 1}", "2"]
        assert main(["rollback", "--image", image, "--log", str(log), "--repo", str(project)]) == 0
    assert "alias was not moved" not in capsys.readouterr().err
    assert python(project, ALIASES).splitlines() == ["{'champion': 1, 'previous': 2}", "2"]
    assert [json.loads(line)["mlflow"]["version"] for line in log.read_text().splitlines()] == ["1", "2", "1"]


def test_a_store_that_is_no_server_needs_the_project_s_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URI, "sqlite:///mlflow.db")
    with pytest.raises(MlflowError, match="run uv sync"):
        registered("shop", "run", "image", tmp_path)


@pytest.mark.parametrize(
    ("login", "variables", "sent"),
    [
        ("ann:pa%40ss%2Fquince@", {"MLFLOW_TRACKING_TOKEN": "t"}, "Basic " + b64encode(b"ann:pa@ss/quince").decode()),
        ("", {"MLFLOW_TRACKING_TOKEN": "t-quince"}, "Bearer t-quince"),
        (
            "",
            {"MLFLOW_TRACKING_TOKEN": "t", "MLFLOW_TRACKING_USERNAME": "bob", "MLFLOW_TRACKING_PASSWORD": "b-quince"},
            "Basic " + b64encode(b"bob:b-quince").decode(),
        ),
        ("", {}, "nothing"),
    ],
)
def test_a_server_is_told_who_asks_as_mlflow_s_own_client_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str, variables: dict[str, str], sent: str
) -> None:
    for name in ("MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    fake = FakeMlflow()
    with mlflow_server(fake):
        monkeypatch.setenv(URI, fake.url.replace("://", f"://{login}") + "/")
        move_aliases(registered("shop", "r1", "image", tmp_path), "r1", "image", tmp_path)
    assert fake.aliases == {"champion": "1"}
    assert fake.seen == {sent}


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://ann:pa%40quince@127.0.0.1:1", "MLflow at http://127.0.0.1:1"),
        ("http://ann:pa/quince@127.0.0.1:1", "holds an @ behind its host"),
        ("http://ann:quince@[::1", "is no address"),
        ("postgresql://ann:pa/quince@127.0.0.1/mlflow", "can open postgresql://127.0.0.1/mlflow; run uv sync"),
    ],
)
def test_what_goes_wrong_is_said_without_the_tracker_s_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uri: str, words: str
) -> None:
    monkeypatch.setenv(URI, uri)
    with pytest.raises(MlflowError) as found:
        registered("shop", "run", "image", tmp_path)
    assert words in str(found.value)
    assert "quince" not in str(found.value)


def test_what_mlflow_s_own_words_hold_of_the_password_is_not_said(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URI, "postgresql://ann:quince@127.0.0.1/mlflow")
    python = project / ".venv/bin/python"
    python.write_text('#!/bin/sh\necho "cannot reach $MLFLOW_TRACKING_URI" >&2\nexit 1\n')
    with pytest.raises(MlflowError, match=r"cannot reach postgresql://127\.0\.0\.1/mlflow"):
        registered("shop", "run", "image", project)
