"""What the demo's steps share: where things are, the settings of every command, and how a step is shown."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The demo plays with the fakes and stand-ins of the tests.
sys.path[:0] = [str(ROOT / "tests" / name) for name in ("workflows", "release", "image")]
FOLDER = ROOT / ".demo"
PROJECT = FOLDER / "customer-churn"
SETTINGS = {
    "BENTOML_DO_NOT_TRACK": "true",
    "BENTOML_HOME": str(FOLDER / "bentoml"),
    "COOKIECUTTER_CONFIG": str(FOLDER / "cookiecutter.yaml"),
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OMP_NUM_THREADS": "1",  # on a table this small, threads that wait for each other cost more than they bring
    "UV_PYTHON_DOWNLOADS": "never",
}


def say(line: str = "") -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


def took(name: str, started: float) -> None:
    """Print how long something took."""
    say(f"  {name:<45} {time.monotonic() - started:5.1f} s")


def step(name: str, *command: str, cwd: Path | None = None) -> str:
    """Run one command, print how long it took and return its output; stop with all of it where it fails."""
    started = time.monotonic()
    folder = cwd or PROJECT
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | SETTINGS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\ndemo: `{' '.join(command)}` failed in {folder}; its output is above.")
    took(name, started)
    return done.stdout


def shown(path: Path) -> str:
    """A path as seen from this repository."""
    return str(path.relative_to(ROOT))
