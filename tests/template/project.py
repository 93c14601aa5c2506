"""Run a generated project's own commands in the environment of these tests, which holds all that it needs."""

import json
import os
import subprocess
import sys
import time
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from bake import bake
from loopback import DIRECT, free_port
from tables import Table

# One thread per fit: on small tables threads wait for each other, and two test processes share two cores.
SETTINGS = {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "True"}


def run(project: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the project, such as `train --out run`, whatever it ends with."""
    scripts = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    call = [sys.executable, *command[1:]] if command[0] == "python" else _entry(scripts[command[0]], *command[1:])
    known = {"PYTHONPATH": str(project / "src")} | SETTINGS | environment
    return subprocess.run(
        call, cwd=project, env=os.environ | known, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _entry(script: str, *arguments: str) -> list[str]:
    module, function = script.split(":")
    code = f"import sys; from {module} import {function}; sys.argv[0] = {module!r}; {function}()"
    return [sys.executable, "-c", code, *arguments]


def must(project: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command that must work."""
    done = run(project, *command, **environment)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done


def result(project: Path, name: str = "run") -> dict[str, Any]:
    """The content of a run's `run.json`."""
    content: dict[str, Any] = json.loads((project / name / "run.json").read_text(encoding="utf-8"))
    return content


def table_path(project: Path) -> Path:
    """The project's table."""
    contract = yaml.safe_load((project / "contract.yaml").read_text(encoding="utf-8"))
    return project / contract["servers"][0]["path"]


@contextmanager
def service(target: Path, folder: Path, src: Path | None) -> Iterator[str]:
    """Serve a project or a bento from `folder` until the end of the block, and give its URL."""
    port = free_port()
    environment = os.environ | SETTINGS | {"BENTOML_HOME": str(folder / "bentoml")}
    environment |= {"PYTHONPATH": str(src)} if src else {}
    command = [sys.executable, "-m", "bentoml", "serve", str(target), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "serve.log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        for _ in range(480):
            try:
                DIRECT.open(f"http://127.0.0.1:{port}/readyz", timeout=2)
                break
            except OSError:
                assert server.poll() is None, (folder / "serve.log").read_text()
                time.sleep(0.25)
        else:
            raise AssertionError((folder / "serve.log").read_text())
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(60)


def served(target: Path, body: bytes, folder: Path, src: Path | None) -> Any:
    """The answer of a project's or a bento's /predict."""
    with service(target, folder, src) as url:
        request = urllib.request.Request(f"{url}/predict", body, {"Content-Type": "application/json"})
        with DIRECT.open(request, timeout=30) as answer:
            return json.loads(answer.read())


def made_from(table: Table, folder: Path, *answers: str) -> Path:
    """A project generated from a table."""
    source = table.write(folder)
    out = folder / "out"
    out.mkdir()
    return bake(out, f"dataset={source}", f"target={table.target}", "project_name=Shop check", *answers)
