"""The project's service: started on a free port, asked once, stopped with all that it started."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console import FOLDER, PROJECT, SETTINGS, say, took
from loopback import DIRECT, free_port

READY_SECONDS = 60


def post(url: str, body: bytes) -> str:
    """Send JSON and return the answer; a refusal is shown, not raised."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with DIRECT.open(request, timeout=30) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        sys.exit(f"demo: {url} answered {error.code}: {error.read().decode()}")


def ready(url: str) -> bool:
    """Return whether the service says that it is ready."""
    try:
        with DIRECT.open(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def serving(title: str, *command: str, cwd: Path) -> Iterator[str]:
    """Start a service on a free port and give its address; stop it whatever happens."""
    started = time.monotonic()
    log = FOLDER / "service.log"
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", port],
            cwd=cwd,
            env=os.environ | SETTINGS,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # one group, so that its workers stop with it
        )
    try:
        while not ready(url):
            if process.poll() is not None or time.monotonic() - started > READY_SECONDS:
                sys.exit(f"{log.read_text(encoding='utf-8')}\ndemo: the service did not get ready; its log is above.")
            time.sleep(0.2)
        took(title, started)
        yield url
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started: politely, then not."""
    for end in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, end)
            process.wait(timeout=10)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue


def example() -> str:
    """The request that the project comes with."""
    return (PROJECT / "tests" / "example-request.json").read_text(encoding="utf-8")


def answer_of(url: str) -> str:
    """What a service answers to it, on one line."""
    return " ".join(post(f"{url}/predict", example().encode()).split())


def run() -> None:
    """Send the project's example request to its service."""
    with serving("start the service", "uv", "run", "serve", cwd=PROJECT) as url:
        answer = answer_of(url)
    say(f"\nRequest to /predict:\n  {json.dumps(json.loads(example()))}\nPrediction:\n  {answer}")
