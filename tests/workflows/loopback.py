"""Servers on this machine's loopback: a free port, a server of a handler's, Debian's docker-registry."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy would not know this machine's ports
CONFIG = """version: 0.1
log: {level: error}
storage:
  filesystem: {rootdirectory: %s}
  delete: {enabled: true}
http: {addr: "127.0.0.1:%d", relativeurls: true}
"""


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


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
    port = free_port()
    settings = folder / "registry.yml"
    settings.write_text(CONFIG % (folder / "registry", port), encoding="utf-8")
    with (folder / "registry.log").open("wb") as log:
        server = subprocess.Popen([program, "serve", str(settings)], stdout=log, stderr=log)
    try:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "registry.log").read_text()
                time.sleep(0.05)
        else:
            raise AssertionError("docker-registry does not answer")
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


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
