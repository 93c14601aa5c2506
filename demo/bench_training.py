"""Time the parts of one `uv run train`, inside a generated project: python bench_training.py PACKAGE OUT_FILE.

The project's own functions are timed as they are called, so that what is measured is the command itself.
"""

import functools
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FIT = "fit, with the folds of the threshold"
PIPELINE = "pipeline"
CALLS: list[tuple[str, float]] = []  # label and seconds, in the order in which the calls ended


def timed(owner: Any, name: str, label: Callable[..., str]) -> None:
    """Replace a function by itself with a clock around it."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            CALLS.append((label(*arguments), time.perf_counter() - started))

    setattr(owner, name, call)


def main() -> None:
    """Run `train` with clocks and write the seconds of each part."""
    package, out = sys.argv[1:]
    started = time.perf_counter()
    train = importlib.import_module(f"{package}.train")
    CALLS.append(("import", time.perf_counter() - started))
    chosen = train.settings.load(train.ROOT)[1]["estimator"]

    def fit_label(estimator: str, *_: Any) -> str:
        return FIT if estimator == chosen else "baselines"

    def predictions_label(*arguments: Any) -> str:
        return "baselines" if list(arguments[-1]) == ["test"] else "evaluate, with scenarios"

    timed(train.rows, "load", lambda *_: "load and validate")
    timed(train.model.Pipeline, "fit", lambda *_: PIPELINE)
    timed(train, "fit", fit_label)
    timed(train.evaluate, "predictions", predictions_label)
    timed(train.metrics, "score", lambda *_: "score")
    timed(train.tracking, "log", lambda *_: "log to MLflow")
    sys.argv = ["train"]
    train.main()
    total = time.perf_counter() - started

    parts: dict[str, float] = {}
    for label, seconds in CALLS:
        if label != PIPELINE:
            parts[label] = parts.get(label, 0.0) + seconds
    # Of the chosen estimator's fits the last is the one on all training rows.
    bare = CALLS[[label for label, _ in CALLS].index(FIT) - 1][1]
    Path(out).write_text(json.dumps({"parts": parts, "total": total, "bare fit": bare}), encoding="utf-8")


if __name__ == "__main__":
    main()
