"""How fast is the engine? Against scipy.stats.bootstrap with scikit-learn's metrics in the same run, and end to end.

Run: python benchmarks/engine.py [--rows 20000 1000000 10000000] [--peer]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model_review.metrics.answers import Answers
from model_review.metrics.catalog import find
from model_review.paired import Design, compare_metric

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "engine"))
from worlds import POLICY

LAUNCHER = Path(__file__).resolve().parents[1] / ".github/actions/setup/engine.sh"
LIMITS = {20_000: 3.0, 1_000_000: 20.0, 10_000_000: 180.0}
REPLICATES = 2000


def pair(rows: int, seed: int = 0) -> tuple[Answers, Answers]:
    """Two models of similar skill on the same rows."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < 0.2).astype(np.int64)
    noise = rng.normal(size=rows)
    sides = []
    for skill in (1.2, 1.3):
        signal = truth * skill + 0.9 * noise + 0.44 * rng.normal(size=rows)
        score = 1 / (1 + np.exp(-(skill * signal - skill**2 / 2 - 1.39)))
        sides.append(Answers("binary", truth, (score >= 0.35).astype(np.int64), score, 2))
    return sides[0], sides[1]


def numbers(rows: int) -> tuple[Answers, Answers]:
    """Two regressions on the same rows."""
    rng = np.random.default_rng(1)
    truth = rng.gamma(3.0, 2.0, rows)
    sides = [Answers("regression", truth, truth + noise * rng.normal(size=rows), None, 0) for noise in (1.0, 0.98)]
    return sides[0], sides[1]


def peers() -> dict[str, Callable[[Answers], float]]:
    """The same metrics in scikit-learn."""
    from sklearn import metrics as sk

    return {
        "average_precision": lambda a: sk.average_precision_score(a.truth, a.score),
        "balanced_accuracy": lambda a: sk.balanced_accuracy_score(a.truth, a.predicted),
        "precision": lambda a: sk.precision_score(a.truth, a.predicted),
        "f1": lambda a: sk.f1_score(a.truth, a.predicted),
        "mcc": lambda a: sk.matthews_corrcoef(a.truth, a.predicted),
        "rmse": lambda a: sk.root_mean_squared_error(a.truth, a.predicted),
        "r2": lambda a: sk.r2_score(a.truth, a.predicted),
    }


def against_peer(rows: int) -> None:
    """Metrics that others bootstrap: seconds of either, and the widths of their intervals."""
    from scipy.stats import bootstrap as scipy_bootstrap

    print(f"Intervals at {rows:,} rows: engine against scipy.stats.bootstrap of {REPLICATES} draws with scikit-learn")
    for name, score in peers().items():
        first, second = pair(rows) if find("binary", name) else numbers(rows)
        metric = find(first.task, name)
        assert metric is not None
        start = time.perf_counter()
        low, high = compare_metric(metric, first, second, Design(None, 0, REPLICATES)).interval(0.95)
        mine = time.perf_counter() - start

        def difference(rows_drawn: Any, before: Answers = first, after: Answers = second, of: Any = score) -> float:
            drawn = rows_drawn.astype(np.int64)
            return float(of(after.take(drawn)) - of(before.take(drawn)))

        start = time.perf_counter()
        index = (np.arange(rows),)
        found = scipy_bootstrap(
            index,
            difference,
            n_resamples=REPLICATES,
            method="percentile",
            vectorized=False,
            rng=np.random.default_rng(0),
        ).confidence_interval
        theirs = time.perf_counter() - start
        ratio, width = theirs / mine, (high - low) / (found.high - found.low)
        print(f"  {name:18s} {mine:7.3f} s against {theirs:7.2f} s: {ratio:6.1f} times faster, width ratio {width:.3f}")


def linearised(rows: int = 100_000) -> None:
    """Above 10,000 rows of numbers the jackknife takes over: its width against the full bootstrap's."""
    import model_review.paired as paired

    print(f"Width of the jackknife's interval over the full bootstrap's at {rows:,} rows")
    limit = paired.MANY_NUMBERS
    for name in ("rmse", "r2"):
        sides = numbers(rows)
        metric = find("regression", name)
        assert metric is not None
        short = compare_metric(metric, *sides, Design(None, 0)).interval(0.95)
        paired.MANY_NUMBERS = rows + 1
        full = compare_metric(metric, *sides, Design(None, 0)).interval(0.95)
        paired.MANY_NUMBERS = limit
        print(f"  {name:18s} {(short[1] - short[0]) / (full[1] - full[0]):.3f}")


def write(directory: Path, answers: Answers) -> None:
    """A run directory with scenario `test`, a slice column and rows.parquet."""
    directory.mkdir()
    rows = len(answers)
    ids = pa.array([f"{row * 2654435761 % 2**32:020x}-0" for row in range(rows)])
    labels = np.array(["no", "yes"])
    regions = np.array(["east", "north", "south", "west"])[np.arange(rows) % 4]
    columns = {
        "row_id": ids,
        "y_true": pa.array(labels[answers.truth.astype(int)]),
        "y_pred": pa.array(labels[answers.predicted.astype(int)]),
        "score": pa.array(answers.score),
        "slice:region": pa.array(regions),
    }
    pq.write_table(pa.table(columns), directory / "predictions.parquet")
    flat = pa.array(["evaluation"] * rows)
    pq.write_table(
        pa.table({"row_id": ids, "part": flat, "features_digest": ids, "label_digest": flat}),
        directory / "rows.parquet",
    )
    record = {
        "schema": "model-review/run@1",
        "task": "binary",
        "target": "y",
        "classes": ["no", "yes"],
        "positive_class": "yes",
    }
    (directory / "run.json").write_text(json.dumps(record))


def end_to_end(rows: int) -> None:
    """`model-review compare` in a process of its own: seconds and memory."""
    with tempfile.TemporaryDirectory() as place:
        base = Path(place)
        for name, answers in zip(("a", "b"), pair(rows), strict=True):
            write(base / name, answers)
        (base / "p.toml").write_text(POLICY)
        code = "import sys; from model_review.cli import main; sys.exit(main())"
        arguments = ["compare", "--champion", "a", "--challenger", "b", "--policy", "p.toml", "--out", "out"]
        start = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-c", code, *arguments], cwd=base, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        took = time.perf_counter() - start
        assert os.waitstatus_to_exitcode(status) in (0, 1), "the comparison failed"
        assert (base / "out" / "verdict.json").exists(), "the comparison wrote nothing"
        memory = usage.ru_maxrss / 2**20
        limit = LIMITS.get(rows)
        asked = f" (limit {limit:g} s)" if limit else ""
        print(
            f"Full comparison of {rows:,} rows: {took:.1f} s wall, {usage.ru_utime:.1f} s CPU, {memory:.2f} GiB{asked}"
        )


def started() -> None:
    """The engine as an action starts it: first with nothing installed and nothing in uv's cache, then again."""
    with tempfile.TemporaryDirectory() as place:
        variables = os.environ | {"RUNNER_TEMP": place, "UV_CACHE_DIR": f"{place}/uv"}
        for name, limit in (("cold", 15), ("warm", 1)):
            start = time.perf_counter()
            subprocess.run(["bash", LAUNCHER, "--help"], env=variables, stdout=subprocess.DEVNULL, check=True)
            print(f"An action's engine, {name}: {time.perf_counter() - start:.2f} s (limit {limit} s)")


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[20_000, 1_000_000])
    parser.add_argument("--peer", action="store_true", help="compare with scipy and scikit-learn at 20,000 rows")
    arguments = parser.parse_args()
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from model_review.cli import main; main(['--help'])"], stdout=subprocess.DEVNULL
    )
    print(f"model-review --help: {time.perf_counter() - start:.2f} s (limit 0.3 s)")
    started()
    for rows in arguments.rows:
        end_to_end(rows)
    if arguments.peer:
        linearised()
        against_peer(20_000)


if __name__ == "__main__":
    main()
