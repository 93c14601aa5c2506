"""`make bench`: seconds of generating, of training beside its fit, of a pull request, and of a release."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench_pull_request import show_pull_request
from bench_release import show_release
from console import FOLDER, ROOT, SETTINGS, say
from generate import configure_cookiecutter

BENCH = FOLDER / "bench"
LARGE_BYTES = 100_000_000


def generate(slug: str, *answers: str) -> float:
    """Generate a project and return the seconds; its own progress lines stay visible."""
    shutil.rmtree(BENCH / slug, ignore_errors=True)
    command = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "--output-dir", str(BENCH)]
    started = time.perf_counter()
    run([*command, f"project_slug={slug}", *answers], BENCH)
    return time.perf_counter() - started


def run(command: list[str], folder: Path) -> None:
    """Run a command and stop with its output where it fails."""
    done = subprocess.run(
        command, cwd=folder, env=os.environ | SETTINGS, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nbench: `{' '.join(command)}` failed; its output is above.")


def write_large_table(path: Path) -> None:
    """Repeat the demo's rows, with new customers each time, up to 100 MB."""
    header, *rows = (BENCH / "demo" / "data" / "customers.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    written, copy = 0, 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(header)
        while written < LARGE_BYTES:
            block = "".join(f"{copy}-{row}" for row in rows)  # the customer comes first
            written += file.write(block)
            copy += 1


def bank_table() -> Path | None:
    """Return the Bank Marketing table where this machine has it."""
    named = os.environ.get("MODEL_REVIEW_BANK_CSV")
    path = Path(named) if named else ROOT.parent / "shared" / "data" / "bank-full.csv.gz"
    return path if path.is_file() else None


def show_training(project: Path, package: str, store: str) -> None:
    """Print the parts of one training."""
    out = BENCH / "seconds.json"
    run(["uv", "run", "python", str(ROOT / "demo" / "bench_training.py"), package, str(out)], project)
    measured = json.loads(out.read_text(encoding="utf-8"))
    parts, total = measured["parts"], measured["total"]
    apart = sum(parts[name] for name in parts if name.startswith(("evaluate", "score", "baselines")))
    folds = next(parts[name] for name in parts if name.startswith("fit")) - measured["bare fit"]
    beyond = total - apart - measured["bare fit"]
    lines = parts | {
        "the rest (write the run directory)": total - sum(parts.values()),
        "total": total,
        "bare fit of the same pipeline": measured["bare fit"],
        f"beyond it, evaluation, baselines ({'6' if store == 'existing' else '9'} s)": beyond,
        "of that the folds of the threshold": folds,
    }
    say(f"\n{store} MLflow store")
    for name, value in lines.items():
        say(f"  {name:<40} {value:6.2f} s")


def main() -> None:
    """Run the benchmarks."""
    BENCH.mkdir(parents=True, exist_ok=True)
    configure_cookiecutter()
    say(f"generating the demo:             {generate('demo'):6.2f} s")
    large = BENCH / "large.csv"
    write_large_table(large)
    megabytes = large.stat().st_size / 1e6
    say(f"generating from a {megabytes:.0f} MB CSV:   {generate('large', f'dataset={large}', 'target=churned'):6.2f} s")
    shutil.rmtree(BENCH / "large")
    large.unlink()

    table = bank_table()
    answers = () if table is None else (f"dataset={table}", "target=y")
    generate("training", *answers)
    say(f"\ntraining on {table.name if table else 'the demo table (bank-full.csv.gz is not present)'}")
    project = BENCH / "training"
    run(["uv", "sync", "--quiet"], project)
    # Python compiles a new environment at its first import; that is part of installing, not of training.
    run(["uv", "run", "python", "-c", "import training.train, mlflow.sklearn, pandera.pandas"], project)
    for store in ("fresh", "existing"):
        show_training(project, "training", store)
    show_pull_request(BENCH / "demo")
    generate("released")
    show_release(BENCH / "released")


if __name__ == "__main__":
    main()
