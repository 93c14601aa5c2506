"""A GitHub REST API on loopback, as strict as the real one where the trusted half could slip.

It pages (30 by default, 100 at most), refuses long bodies (422), unknown tokens (401) and tokens without the right
(403), knows 404, and plays server errors, rate limits and events between two requests when told to. What it holds is
plain data, so that a test can assert the end state. Given a bare repository, it serves its files and its git protocol.
"""

import json
import re
import ssl
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import git_server
from github_answers import Json, Refusal, answer

BOT = "github-actions[bot]"
REPOSITORY = "octo/bank"
REPORT_TOKEN = "ghs_report_job"
READ_TOKEN = "ghs_read_only"
LEDGER_TOKEN = "ghs_report_workflow"  # act gives one token to all jobs: the rights of both jobs of report.yml


@dataclass
class Fault:
    """One answer that goes wrong. `late` lets the request take effect first, as when the answer is lost."""

    method: str
    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "Server Error"
    late: bool = False


@dataclass
class Event:
    """Something that happens right before a request is served, once."""

    method: str
    path: str
    happen: Callable[[], None]


@dataclass
class FakeGitHub:
    """The repository's state, and the server in front of it."""

    repository: str = REPOSITORY
    certificate: Path | None = None
    tokens: dict[str, tuple[str, set[str]]] = field(
        default_factory=lambda: {
            REPORT_TOKEN: (BOT, {"actions:read", "contents:read", "pulls:read", "pulls:write"}),
            READ_TOKEN: (BOT, {"actions:read", "contents:read", "pulls:read"}),
            LEDGER_TOKEN: (BOT, {"actions:read", "contents:read", "contents:write", "pulls:read", "pulls:write"}),
        }
    )
    runs: dict[int, Json] = field(default_factory=dict)
    pulls: dict[int, Json] = field(default_factory=dict)
    comments: list[Json] = field(default_factory=list)
    artifacts: list[Json] = field(default_factory=list)
    jobs: dict[int, list[Json]] = field(default_factory=dict)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    slow_posts: float = 0.0
    git: Path | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)
    next_id: int = 1000

    def __enter__(self) -> "FakeGitHub":
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def serve(self) -> None:
                fake.serve(self)

            do_GET = do_POST = do_PATCH = do_DELETE = serve

            def log_message(self, *arguments: Any) -> None:
                pass

        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler)]
        if self.certificate is not None:
            # The same state once more, encrypted and under /api/v3, which is where CML looks for a host of one's own.
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self.servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
            self.servers[1].socket = context.wrap_socket(self.servers[1].socket, server_side=True)
        self.threads = [threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True) for one in self.servers]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        for server, thread in zip(self.servers, self.threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.servers[0].server_address[1])

    @property
    def url(self) -> str:
        """The API's address, as GITHUB_API_URL gives it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        """The host that repositories' addresses begin with, as GITHUB_SERVER_URL gives it."""
        return f"https://127.0.0.1:{self.servers[1].server_address[1]}" if self.certificate else "https://github.com"

    def number(self) -> int:
        """A new id."""
        with self.lock:
            self.next_id += 1
            return self.next_id

    def add_pull(self, number: int, head: str, branch: str, fork: str | None = None, base: str = "b" * 40) -> Json:
        """An open pull request, of a branch here or of a fork."""
        tip = {"sha": head, "ref": branch, "repo": repository(fork or self.repository)}
        pull = {"number": number, "state": "open", "head": tip}
        pull["base"] = {"sha": base, "ref": "main", "repo": repository(self.repository)}
        self.pulls[number] = pull
        return pull

    def add_run(self, pull: Json, conclusion: str = "success", **changes: Any) -> int:
        """A finished run of that pull request's head; forks' runs list no pull request."""
        number = self.number()
        head = pull["head"]
        self.runs[number] = {
            "id": number,
            "event": "pull_request",
            "status": "completed",
            "conclusion": conclusion,
            "head_sha": head["sha"],
            "head_branch": head["ref"],
            "repository": repository(self.repository),
            "head_repository": head["repo"],
            "pull_requests": [],
            **changes,
        }
        return number

    def add_artifact(self, run: int, name: str, archive: bytes, expired: bool = False) -> int:
        """An artifact of a run."""
        number = self.number()
        held = {"id": number, "run": run, "name": name, "archive": archive, "expired": expired}
        self.artifacts.append({**held, "size_in_bytes": len(archive)})
        return number

    def add_comment(self, pull: int, login: str, body: str) -> Json:
        """A comment by anybody."""
        with self.lock:
            number = self.number()
            url = f"{self.host}/{self.repository}/pull/{pull}#issuecomment-{number}"
            comment = {"id": number, "pull": pull, "user": {"login": login}, "body": body, "html_url": url}
            self.comments.append(comment)
            return comment

    def by(self, login: str, pull: int | None = None) -> list[Json]:
        """The comments of an author."""
        return [one for one in self.comments if one["user"]["login"] == login and pull in (None, one["pull"])]

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """One request."""
        parts = urllib.parse.urlsplit(request.path)
        path, query = parts.path.removeprefix("/api/v3"), dict(urllib.parse.parse_qsl(parts.query))
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        method, key = request.command, f"{path}?{parts.query}"
        with self.lock:
            self.calls.append((method, path))
            event = self._take(self.events, method, key)
            fault = self._take(self.faults, method, key)
        if self.git is not None and path.startswith(f"/{self.repository}/"):
            self._serve_git(request, path.removeprefix(f"/{self.repository}"), parts.query, body)
            return
        if event is not None:
            event.happen()
        if method == "POST" and self.slow_posts:
            time.sleep(self.slow_posts)
        try:
            if fault is not None and not fault.late:
                raise Refusal(fault.status, fault.message, fault.headers)
            status, found, headers = answer(self, method, path, query, body, request)
            if fault is not None:
                raise Refusal(fault.status, fault.message, fault.headers)
        except Refusal as refusal:
            status, headers = refusal.status, refusal.headers
            found = {"message": refusal.message, "documentation_url": "https://docs.github.com/rest"}
        data = found if isinstance(found, bytes) else json.dumps(found).encode()
        request.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **headers}.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(0 if status == 204 else len(data)))
        request.end_headers()
        if status != 204:
            request.wfile.write(data)

    def _serve_git(self, request: BaseHTTPRequestHandler, path: str, query: str, body: bytes) -> None:
        """Git's own requests: what a token may push, it must be allowed to write."""
        assert self.git is not None
        token = git_server.token_of(request.headers.get("Authorization", ""))
        needed = "contents:write" if git_server.writes(path, query) else "contents:read"
        status, headers, data = 401, {"WWW-Authenticate": "Basic"}, b""
        if token in self.tokens:
            status, headers, data = 403, {}, b"Write access to repository not granted."
            if {needed, "contents:write"} & self.tokens[token][1]:
                given = {name.lower(): value for name, value in request.headers.items()}
                status, headers, data = git_server.answer(self.git, request.command, path, query, given, body)
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def _take(self, queue: list[Any], method: str, key: str) -> Any:
        found = next((one for one in queue if one.method == method and re.search(one.path, key)), None)
        if found is not None:
            queue.remove(found)
        return found


def repository(name: str) -> Json:
    """A repository as GitHub shows it."""
    return {"full_name": name, "owner": {"login": name.split("/")[0]}}


def tls_certificate(folder: Path) -> Path:
    """A certificate of this machine's own with its key, and beside it (`.crt`) what trusts it: CML speaks TLS alone."""
    file = folder / "both.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", str(file), "-out", f"{file}.crt"], check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file
