"""Start a service for the length of a probe: in its own process group, all of which ends with the probe."""

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from model_review.errors import ReviewError
from model_review.text import plain

PATIENCE = 10.0


@contextmanager
def started(command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command; what it prints goes to `log`, since a service may print what it was sent."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise ReviewError(f"--start {plain(command)} is no command; give one line as a shell would read it.")
    with log.open("wb") as stream, _stoppable():
        try:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise ReviewError(f"--start: {plain(words[0])} cannot be run: {error.strerror}.") from None
        try:
            yield process
        finally:
            _end(process)


@contextmanager
def _stoppable() -> Iterator[None]:
    """A probe that is told to stop takes what it started with it."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the whole group to stop; whatever has not stopped when its leader has is made to."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
