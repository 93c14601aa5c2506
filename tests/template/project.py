"""Run a generated project's own commands in the environment of these tests, which holds all that it needs."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import yaml

# One thread per fit: on small tables threads wait for each other, and two test processes share two cores.
SETTINGS = {"OMP_NUM_THREADS": "1", "MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "True"}


def run(project: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the project, such as `train --out run`, whatever it ends with."""
    scripts = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    call = [sys.executable, *command[1:]] if command[0] == "python" else _entry(scripts[command[0]], *command[1:])
    known = {"PYTHONPATH": str(project / "src"), "PYTHONDONTWRITEBYTECODE": "1"} | SETTINGS | environment
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
