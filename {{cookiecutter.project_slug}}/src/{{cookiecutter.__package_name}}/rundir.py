"""The run directory: everything that a review needs to know of one training."""

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import ROOT, InputError
from .contract import TEMPORAL, Contract

LIBRARIES = ("numpy", "pandas", "scikit-learn", "skops", "mlflow", "bentoml")


@contextlib.contextmanager
def new(folder: Path) -> Iterator[Path]:
    """A folder to fill; it takes the place of an earlier run at the end, so that a run is whole or absent."""
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as beside:
        fresh, former = Path(beside, "new"), Path(beside, "former")
        fresh.mkdir()
        yield fresh
        try:
            if folder.exists():
                folder.rename(former)
            fresh.rename(folder)
        finally:
            if former.exists() and not folder.exists():
                former.rename(folder)  # the new run could not take its place


def check(folder: Path) -> None:
    """Refuse to put a run where something else is."""
    if folder.exists() and not (folder / "run.json").is_file():
        raise InputError(f"{folder.absolute()}: exists and is no run directory; choose another --out")


def read(folder: Path) -> dict[str, Any]:
    """The `run.json` of a run directory."""
    if not (folder / "run.json").is_file():
        raise InputError(f"{folder}: holds no run; run `uv run train` first")
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write JSON beside and rename; a NaN is an error, not a token that no reader knows."""
    beside = path.with_name(f".{path.name}.new")
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False, default=str)
    beside.write_text(text + "\n", encoding="utf-8")
    beside.replace(path)


def file_digest(path: Path) -> str:
    """`sha256:` of a file."""
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()


def peak_memory() -> int:
    """The most bytes of memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if platform.system() == "Darwin" else 1024)


def origin() -> dict[str, Any]:
    """Where a run comes from: commit, Python, platform, libraries, lock, threads."""
    environment: dict[str, Any] = {"python": platform.python_version(), "platform": platform.platform()}
    environment["libraries"] = {name: importlib.metadata.version(name) for name in LIBRARIES}
    environment["lock_digest"] = file_digest(ROOT / "uv.lock") if (ROOT / "uv.lock").is_file() else None
    threads, head = os.environ.get("OMP_NUM_THREADS", "").split(",")[0], _git("rev-parse", "--verify", "HEAD")
    changes = head and _git("status", "--porcelain", "--", "src", "*.yaml", "*.toml", "data", "uv.lock")
    made_by = {"environment": environment, "threads": int(threads) if threads.isdigit() else os.cpu_count()}
    return {"commit": head, "dirty": None if head is None else bool(changes), **made_by}


def _git(*arguments: str) -> str | None:
    with contextlib.suppress(OSError):  # no git on this machine
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None
    return None


def profile(train: pd.DataFrame, contract: Contract) -> dict[str, Any]:
    """A summary of each column of the training rows; personal data and identifiers are only counted."""
    columns = {}
    for column in contract.columns:
        values = train[column.name].dropna()
        facts = {"type": column.type, "missing": len(train) - len(values), "distinct": int(values.nunique())}
        private = column.restricted or column.roles & {"identifier", "entity"}
        columns[column.name] = facts | ({} if private or values.empty else _summary(values, column.type))
    return {"schema": "model-review/profile@1", "rows": len(train), "columns": columns}


def _summary(values: pd.Series, kind: str) -> dict[str, Any]:
    if kind in ("string", "boolean"):
        top = values.value_counts().head(50)
        return {"top": {str(level): int(n) for level, n in top.items()}, "other": int(len(values) - top.sum())}
    numbers = values.to_numpy().astype("datetime64[s]" if kind in TEMPORAL else float).astype(float)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, 11)))
    counts = np.histogram(numbers, edges)[0].tolist() if len(edges) > 1 else [len(numbers)]
    spread = {name: float(getattr(numbers, name)()) for name in ("mean", "std", "min", "max")}
    return spread | {"edges": edges.tolist(), "counts": counts}
