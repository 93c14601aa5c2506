"""The service's settings: environment variables, each with a default that is sound for one small container."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import ROOT, InputError

HOME = ROOT / "src" if (ROOT / "src/run/model").exists() else ROOT  # a bento holds everything in its folder src


@dataclass(frozen=True)
class Settings:
    """Where the model and the log are, and the limits of one worker."""

    model: Path
    token: str
    log_folder: Path | None
    log_bytes: int
    body_bytes: int
    rows: int
    concurrency: int
    seconds: int
    workers: int


def read() -> Settings:
    """Read the environment; an `InputError` names the variable that does not fit."""
    log = os.environ.get("SERVICE_LOG_FOLDER", str(ROOT / "logs"))
    return Settings(
        model=Path(os.environ.get("MODEL_FOLDER", HOME / "run/model")),
        token=os.environ.get("SERVICE_TOKEN", ""),
        log_folder=Path(log) if log else None,
        log_bytes=_number("SERVICE_LOG_MEGABYTES", 100) * 1_000_000,
        body_bytes=_number("SERVICE_MAX_BODY_BYTES", 10_000_000),
        rows=_number("SERVICE_MAX_ROWS", 1000),
        concurrency=_number("SERVICE_MAX_CONCURRENCY", 128),
        seconds=_number("SERVICE_TIMEOUT_SECONDS", 10),
        workers=_number("SERVICE_WORKERS", 1),
    )


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**12):
        raise InputError(f"{name} is {text!r}; give a whole number above 0, or unset it for {default}")
    return int(text)


def run(model: Path) -> dict[str, Any]:
    """The `run.json` beside the model."""
    file = model.parent / "run.json"
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file}: not found; run `uv run train`, or set MODEL_FOLDER to a run's model") from None
    except ValueError:
        raise InputError(f"{file}: not valid JSON; run `uv run train` again") from None
    return found


def profile(model: Path) -> dict[str, Any]:
    """The profile of the training rows beside the model; without it drift is counted by level alone."""
    file = model.parent / "profile.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
