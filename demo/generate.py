"""From a table to a trained model: the project, its environment, one training, its metrics.

An earlier project is kept as `customer-churn.previous`; its environment moves into the new one, so that a second run
installs nothing.
"""

import json
import shutil
import sys
from pathlib import Path

import console
from console import FOLDER, ROOT, SETTINGS, say, step

# Main's first model is a quick one, so that a pull request can be better.
FIRST = (("max_iter: 100 ", "max_iter: 10 "), ("max_leaf_nodes: 15 ", "max_leaf_nodes: 4 "))


def previous() -> Path:
    """Where the earlier project is kept."""
    return console.PROJECT.with_name(f"{console.PROJECT.name}.previous")


def move_earlier_aside() -> None:
    """Keep one earlier project, and leave the place free."""
    if console.PROJECT.exists():
        shutil.rmtree(previous(), ignore_errors=True)
        console.PROJECT.rename(previous())


def configure_cookiecutter() -> None:
    """Keep the user's cookiecutter settings unread and its replay files out of the home folder."""
    FOLDER.mkdir(exist_ok=True)
    own = {"cookiecutters_dir": str(FOLDER / "cookiecutters"), "replay_dir": str(FOLDER / "replay")}
    Path(SETTINGS["COOKIECUTTER_CONFIG"]).write_text(json.dumps(own), encoding="utf-8")  # JSON is YAML too


def reuse_environment() -> None:
    """Move the earlier project's environment and its lock to the same place in the new one; `uv sync` checks both."""
    for name in (".venv", "uv.lock"):
        if (previous() / name).exists():
            (previous() / name).rename(console.PROJECT / name)


def change(name: str, *edits: tuple[str, str]) -> None:
    """Edit a file of the project; what is to be replaced has to be there."""
    path = console.PROJECT / name
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        if old not in text:
            sys.exit(f"demo: {name} has no {old!r}; the template changed, so change the demo too.")
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def show_metrics() -> None:
    """Print the metrics of the run beside those of its baselines."""
    run = json.loads((console.PROJECT / "run" / "run.json").read_text(encoding="utf-8"))
    data = run["data"]
    say(f"\nMetrics on {data['evaluation_rows']:,} held-out rows (trained on {data['train_rows']:,}):\n")
    baselines = run["baselines"]
    say(f"  {'':<20}" + "".join(f"{name:>12}" for name in ("model", *baselines)))
    for metric, value in run["metrics"].items():
        others = (baseline.get(metric) for baseline in baselines.values())
        cells = "".join(f"{'-' if cell is None else format(cell, '.3f'):>12}" for cell in (value, *others))
        say(f"  {metric:<20}{cells}")
    for warning in run["warnings"]:
        say(f"\n  warning: {warning}")


def run() -> None:
    """Generate, install, train and evaluate."""
    move_earlier_aside()
    configure_cookiecutter()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--output-dir", str(FOLDER)]
    answers = ["project_name=Customer churn", f"project_slug={console.PROJECT.name}", f"python_version={version}"]
    found = step("generate the project from its table", *command, *answers, cwd=FOLDER)
    for line in found.partition("next steps:")[0].splitlines():
        say(f"    {line}")
    change("params.yaml", *FIRST)
    reuse_environment()
    step("install its environment (uv sync)", "uv", "sync")
    step("train ten small trees (uv run train)", "uv", "run", "train")
    evaluate = ["uv", "run", "evaluate", "--model", "run/model", "--rows", "run/evaluation.parquet"]
    step("score the saved model again (uv run evaluate)", *evaluate, "--out", str(FOLDER / "evaluated"))
    show_metrics()
