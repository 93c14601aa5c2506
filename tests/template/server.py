"""A really started service of a generated project, and a plain client for it."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopback import free_port
from project import SETTINGS

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Server:
    """A running service; `output` is what it printed."""

    port: int
    process: subprocess.Popen[bytes]
    output: Path

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send one request on a connection of its own: status, headers, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, data, (JSON if data is not None else {}) | named)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def predict(self, rows: Any, **headers: str) -> tuple[int, Any]:
        """Status and parsed answer of /predict."""
        status, _, body = self.ask("POST", "/predict", {"rows": rows}, **headers)
        return status, json.loads(body)

    def metric(self, line: str) -> float:
        """The value of one line of /metrics; 0 where it is not there."""
        text = self.ask("GET", "/metrics")[2].decode()
        found = [entry for entry in text.splitlines() if entry.startswith(f"{line} ")]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    def metric_in_time(self, line: str, value: float) -> float:
        """The same once it is `value`, or as it is after ten seconds: the log's thread counts in its own time."""
        deadline = time.monotonic() + 10
        while (found := self.metric(line)) != value and time.monotonic() < deadline:
            time.sleep(0.1)
        return found


def start(project: Path, folder: Path, port: int, **settings: str) -> subprocess.Popen[bytes]:
    """Start a service that keeps all it writes in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    own = {"BENTOML_HOME": str(folder / "bentoml"), "SERVICE_LOG_FOLDER": str(folder / "logs")}
    environment = os.environ | SETTINGS | own | {"PYTHONPATH": str(project / "src")} | settings
    (package,) = (file.parent.name for file in project.glob("src/*/service.py"))
    command = [sys.executable, "-m", f"{package}.serving.serve", "--port", str(port)]
    with (folder / "output.txt").open("wb") as output:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)


@contextmanager
def serving(project: Path, folder: Path, **settings: str) -> Iterator[Server]:
    """A service that is ready; it is ended with SIGTERM."""
    port = free_port()
    server = Server(port, start(project, folder, port, **settings), folder / "output.txt")
    try:
        for _ in range(400):
            assert server.process.poll() is None, server.output.read_text()
            with suppress(OSError):
                if server.ask("GET", "/readyz")[0] == 200:
                    break
            time.sleep(0.2)
        else:
            raise AssertionError(server.output.read_text())
        yield server
    finally:
        server.process.terminate()
        server.process.wait(60)
