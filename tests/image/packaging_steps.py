"""A demo project that is trained, and the package action's steps run on it as a runner does."""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bake import bake
from containers import BASE, Containers
from loopback import DIRECT
from repositories import ACTIONS, commit_all, step

PACKAGE = ACTIONS / "package"
NAME = "registry.example.org/acme/churn"
STEPS = ("Build the bento", "Build the image", "Start the image and probe it")
ROWS = 50  # golden rows that are sent


@dataclass(frozen=True)
class Packaged:
    """What the package action made: the project, the runner's folder, and the action's outputs."""

    world: Containers
    project: Path
    scratch: Path
    outputs: dict[str, str]

    @property
    def image(self) -> str:
        """The image's reference."""
        return self.outputs["image"]


def trained_project(folder: Path, python: str) -> Path:
    """A committed demo project, trained in an environment of its own, as the train action does it."""
    project = bake(folder, "github_owner=acme", "registry=registry.example.org", f"python_version={python}")
    table = project / "data/customers.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:1200] + lines[-250:]), encoding="utf-8")
    lock_and_train(project)
    return project


def lock_and_train(project: Path) -> None:
    """Lock, train and commit."""
    # Neither this process's environment nor a tracking server is the project's.
    known = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    known["MLFLOW_TRACKING_URI"] = f"sqlite:///{project.parent / 'mlflow.db'}"
    for command in (["uv", "lock", "--quiet"], ["bash", str(ACTIONS / "train/train.sh")]):
        done = subprocess.run(command, cwd=project, env=known, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        commit_all(project)


def package(world: Containers, project: Path, scratch: Path, steps: Sequence[str] = STEPS, **inputs: str) -> Packaged:
    """Run steps of the package action, in order."""
    given = {"image": "", "builder": "buildah", "base-image": BASE} | inputs
    scratch.mkdir(exist_ok=True)
    outputs: dict[str, str] = {}
    for name in steps:
        outputs |= step(PACKAGE, name, project, scratch, **world.environment, **given, **earlier(outputs))
    return Packaged(world, project, scratch, outputs)


def earlier(outputs: dict[str, str]) -> dict[str, str]:
    """Outputs under the names by which later steps ask for them."""
    steps = {"bento": "bento", "image": "image", "id": "image", "builder": "image"}
    return {f"steps.{steps[name]}.outputs.{name}": value for name, value in outputs.items() if name in steps}


def golden(project: Path, url: str, rows: int = ROWS) -> None:
    """The service answers rows of the evaluation set as offline prediction did."""
    raw = pd.read_parquet(project / "run/evaluation.parquet").head(rows)
    expected = pd.read_parquet(project / "run/predictions.parquet").query("scenario == 'test'").head(rows)
    assert list(raw["row_id"]) == list(expected["row_id"])
    record = json.loads((project / "run/run.json").read_text(encoding="utf-8"))
    answered = ask(url, raw[record["features"]].to_dict("records"))
    assert answered["predictions"] == list(expected["y_pred"])
    scores = answered["probabilities"][record["positive_class"]]
    np.testing.assert_allclose(scores, expected["score"], atol=1e-6)


def ask(url: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What /predict answers."""
    body = json.dumps({"rows": rows}).encode()
    request = urllib.request.Request(f"{url}/predict", body, {"Content-Type": "application/json"})
    try:
        with DIRECT.open(request, timeout=30) as answer:
            content: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise AssertionError(error.read().decode()) from None
    return content


def layers(world: Containers, image: str) -> list[str]:
    """The digests of an image's layers, base first."""
    found: list[str] = json.loads(world.must("podman", "image", "inspect", image))[0]["RootFS"]["Layers"]
    return found


def change_model(project: Path, target: Path) -> Path:
    """A copy of the project whose run says something else, as after another training."""
    copy = Path(shutil.copytree(project, target, symlinks=True))
    file = copy / "run/run.json"
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    (copy / "params.yaml").write_text(
        (copy / "params.yaml").read_text(encoding="utf-8") + "# changed\n", encoding="utf-8"
    )
    commit_all(copy)
    return copy
