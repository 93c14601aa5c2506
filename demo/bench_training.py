"""Time the parts of one `uv run train`, inside a generated project: python bench_training.py PACKAGE OUT_FILE.

The project's own functions are timed as they are called, so that what is measured is the command itself.
"""

import functools
import importlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

SECONDS: dict[str, float] = defaultdict(float)


def timed(owner: Any, name: str, label: Callable[..., str]) -> None:
    """Replace a function by itself with a clock around it."""
    function = getattr(owner, name)

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            SECONDS[label(*arguments)] += time.perf_counter() - started

    setattr(owner, name, call)


def main() -> None:
    """Run `train` with clocks and write the seconds of each part."""
    package, out = sys.argv[1:]
    started = time.perf_counter()
    train = importlib.import_module(f"{package}.train")
    SECONDS["import"] = time.perf_counter() - started
    chosen = train.params.load_params(train.ROOT / "params.yaml")["estimator"]

    def fitted(estimator: str, *_: Any) -> str:
        return "fit" if estimator == chosen else "baselines"

    timed(train, "load", lambda *_: "load and validate")
    timed(train, "fit", fitted)
    timed(train.evaluate, "predictions", lambda *arguments: "evaluate" if len(arguments) < 7 else "baselines")
    timed(train.tracking, "log", lambda *_: "log to MLflow")
    sys.argv = ["train"]
    train.main()
    SECONDS["total"] = time.perf_counter() - started
    Path(out).write_text(json.dumps(SECONDS), encoding="utf-8")


if __name__ == "__main__":
    main()
