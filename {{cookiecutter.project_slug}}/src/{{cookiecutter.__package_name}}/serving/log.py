"""The prediction log: JSON lines, written by one thread from a bounded queue.

A request never waits for it and never fails with it. A full disk or a folder that cannot be written loses lines: they
are counted (`model_log_dropped_total`), and said on standard error once a minute.
"""

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from . import metrics

MOST_PENDING, FILES, PAUSE = 50_000, 4, 0.1
PIECE = 65_536  # bytes that are written at a time: a fraction of a file, which a larger piece would make too large


class File:
    """One log file; full, it is renamed to `.1`, `.1` to `.2` and so on, and what is too old is deleted."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        """The file is opened with the first line."""
        self.path, self.most_bytes = path, most_bytes // FILES
        self._file: int | None = None
        self._size = 0

    def append(self, lines: bytes) -> None:
        """Append whole lines, or raise OSError and leave none of them; the next lines try again from the beginning."""
        try:
            self._append(lines)
        except OSError:
            self.close()
            raise

    def _append(self, lines: bytes) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o640)
            self._size = os.fstat(self._file).st_size
        if self._size and self._size + len(lines) > self.most_bytes:
            self._rotate()
            self._append(lines)
            return
        if os.write(self._file, lines) != len(lines):  # the disk is full in the middle of a line
            os.ftruncate(self._file, self._size)
            raise OSError(28, "no space left for whole lines", str(self.path))
        self._size += len(lines)

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _rotate(self) -> None:
        self.close()
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{number}") for number in range(1, FILES))]
        for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
            if newer.exists():
                newer.replace(older)


class Writer:
    """The queue and its thread, which calls `count` too, also where no log is kept."""

    def __init__(self, count: Callable[[], None]) -> None:
        """Nothing is written before `start`."""
        self._file: File | None = None
        self._count = count
        self._queue: deque[tuple[bytes, int]] = deque()
        self._put = self._taken = 0  # rows, each changed by one thread only
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prediction log", daemon=True)
        self._warned = -60.0

    def start(self, file: File | None) -> None:
        """Start the thread."""
        self._file = file
        self._thread.start()

    def put(self, line: bytes, rows: int) -> bool:
        """Queue a line of so many rows; where the queue is full it is dropped and counted."""
        if self._put - self._taken > MOST_PENDING:
            metrics.DROPPED.labels("queue full").inc()
            return False
        self._put += rows
        self._queue.append((line, rows))
        return True

    def stop(self) -> None:
        """Write what is queued and end."""
        self._stopping.set()
        self._thread.join(10)

    def _work(self) -> None:
        while not self._stopping.wait(PAUSE):
            self._drain()
        self._drain()
        if self._file is not None:
            self._file.close()

    def _drain(self) -> None:
        try:
            while self._queue:
                lines, size = [], 0
                while self._queue and size < PIECE:
                    line, rows = self._queue.popleft()
                    lines.append(line)
                    size += len(line)
                    self._taken += rows
                self._write(lines)
                self._count()  # also while a slow disk leaves no moment in which nothing is queued
            self._count()
        except Exception as error:  # this thread must live as long as the service
            self._warn(f"{type(error).__name__}: {error}")

    def _write(self, lines: Sequence[bytes]) -> None:
        if self._file is None:
            return
        try:
            self._file.append(b"".join(lines))
            metrics.LOGGED.inc(len(lines))
        except OSError as error:
            metrics.DROPPED.labels("not written").inc(len(lines))
            self._warn(f"{error.filename or self._file.path}: {error.strerror}")

    def _warn(self, reason: str) -> None:
        if time.monotonic() - self._warned >= 60:
            self._warned = time.monotonic()
            print(f"warning: prediction log: lines are lost: {reason}", file=sys.stderr, flush=True)
