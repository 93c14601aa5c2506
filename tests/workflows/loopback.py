"""Servers on this machine's loopback: a free port, a server of a handler's, Debian's docker-registry."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy would not know this machine's ports
CONFIG = """version: 0.1
log: {level: info, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: %s}
  delete: {enabled: true}
http: {addr: "127.0.0.1:0", relativeurls: true}
"""


def free_port() -> int:
    """A port that nothing listens on, below those that the system gives to whoever asks for any."""
    while True:
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that lost patience and left is part of many tests, and no traceback."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[str]:
    """A server until the end of the block; gives its host and port."""
    server = _Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Debian's docker-registry with its own storage in `folder`; gives host and port."""
    program = shutil.which("docker-registry")
    if program is None:
        reason = "docker-registry is not installed (apt install docker-registry)"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    settings, printed = folder / "registry.yml", folder / "registry.log"
    settings.write_text(CONFIG % (folder / "registry"), encoding="utf-8")
    with printed.open("wb") as log:
        server = subprocess.Popen([program, "serve", str(settings)], stdout=log, stderr=log)
    try:
        for _ in range(1200):
            if at := re.search(r'listening on (127\.0\.0\.1:\d+)"', printed.read_text()):
                break
            assert server.poll() is None, printed.read_text()
            time.sleep(0.05)
        else:
            raise AssertionError("docker-registry does not answer")
        yield at[1]
    finally:
        server.terminate()
        server.wait(60)


@contextmanager
def tracking_server(folder: Path) -> Iterator[str]:
    """An MLflow server with its store in `folder`; gives its address."""
    url = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/server.db"]
    command += [
        "--port",
        url.rpartition(":")[2],
        "--artifacts-destination",
        str(folder / "artifacts"),
        "--workers",
        "1",
    ]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(600):
            try:
                DIRECT.open(f"{url}/health", timeout=2)
                break
            except OSError:
                assert process.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)
