"""Run the real cookiecutter on this repository, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def cookiecutter(
    folder: Path, *answers: str, template: Path | str = ROOT, flags: tuple[str, ...] = ("--no-input",), **options: str
) -> subprocess.CompletedProcess[str]:
    """Generate in a folder; `options` are `subprocess.run`'s input and further environment variables."""
    given = options.pop("input", None)
    home = folder.parent / f"{folder.name}-home"
    home.mkdir(exist_ok=True)
    # Neither the user's defaults nor what an earlier run left may answer a question.
    environment = os.environ | {"HOME": str(home), "GIT_CONFIG_GLOBAL": os.devnull} | options
    command = [sys.executable, "-m", "cookiecutter", *flags, str(template), *answers]
    return subprocess.run(
        command, cwd=folder, env=environment, input=given, capture_output=True, text=True, check=False
    )


def bake(folder: Path, *answers: str) -> Path:
    """Generate a project that must work, and return its folder."""
    before = set(folder.iterdir())
    done = cookiecutter(folder, *answers)
    assert done.returncode == 0, done.stdout + done.stderr
    (project,) = set(folder.iterdir()) - before
    return project


def replayed(folder: Path) -> dict[str, str]:
    """Return the answers of the last run, as cookiecutter recorded them."""
    (record,) = (folder.parent / f"{folder.name}-home" / ".cookiecutter_replay").glob("*.json")
    answers: dict[str, str] = json.loads(record.read_text(encoding="utf-8"))["cookiecutter"]
    return answers
