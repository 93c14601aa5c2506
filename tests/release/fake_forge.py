"""The parts of GitHub that a release speaks to: files of a repository, releases, and what a pull request's run left."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from archives import archive
from loopback import listening

TOKEN = "token-of-the-job-4711"


@dataclass
class Forge:
    """One repository.

    Attributes:
        git: The bare repository.
        releases: GitHub Releases by tag.
        latest: The tag of the one that GitHub shows as the latest.
        pulls: Merged commit to the pull request's number and head.
        comparisons: Head commit to the comparison.json that its run left.
    """

    git: Path
    name: str = "acme/shop"
    url: str = ""
    releases: dict[str, dict[str, Any]] = field(default_factory=dict)
    latest: str = ""
    pulls: dict[str, tuple[int, str]] = field(default_factory=dict)
    comparisons: dict[str, bytes] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and content (bytes as they are)."""
        here = f"/repos/{self.name}"
        if not path.startswith(here):
            return 404, {"message": "Not Found"}
        rest = path.removeprefix(here)
        if found := re.fullmatch(r"/contents/(.+)", rest):
            named = f"{query['ref']}:{unquote(found[1])}"
            done = subprocess.run(["git", "-C", str(self.git), "show", named], capture_output=True, check=False)
            return (200, done.stdout) if done.returncode == 0 else (404, {"message": "Not Found"})
        if found := re.fullmatch(r"/commits/(\w+)/pulls", rest):
            known = self.pulls.get(found[1])
            pull = known and {"number": known[0], "merged_at": "2026-01-01T00:00:00Z", "head": {"sha": known[1]}}
            return 200, [pull] if pull else []
        if rest == "/actions/runs":
            known_runs = [query["head_sha"]] if query["head_sha"] in self.comparisons else []
            runs = [{"id": 1, "event": "pull_request", "status": "completed"} for _ in known_runs]
            return 200, {"total_count": len(runs), "workflow_runs": runs}
        if rest == "/actions/runs/1/artifacts":
            one = {"id": 2, "name": "model-review-comparison", "expired": False, "size_in_bytes": 10}
            return 200, {"total_count": 1, "artifacts": [one]}
        if rest == "/actions/artifacts/2/zip":
            return 200, archive(next(iter(self.comparisons.values())))
        return self._releases(method, rest, body)

    def _releases(self, method: str, rest: str, body: Any) -> tuple[int, Any]:
        if method != "GET":
            self.writes.append(f"{method} {rest}")
        if found := re.fullmatch(r"/releases/tags/(.+)", rest):
            release = self.releases.get(unquote(found[1]))
            return (200, release) if release else (404, {"message": "Not Found"})
        if rest == "/releases" and method == "POST":
            if body["tag_name"] in self.releases:
                return 422, {"message": "already_exists"}
            number = len(self.releases) + 1
            self.releases[body["tag_name"]] = {"id": number, "html_url": f"{self.url}/releases/{number}", **body}
            return 201, self._shown(self.releases[body["tag_name"]])
        if (found := re.fullmatch(r"/releases/(\d+)", rest)) and method == "PATCH":
            release = next(one for one in self.releases.values() if one["id"] == int(found[1]))
            release.update(body)
            return 200, self._shown(release)
        return 404, {"message": "Not Found"}

    def _shown(self, release: dict[str, Any]) -> dict[str, Any]:
        if release["make_latest"] == "true":
            self.latest = release["tag_name"]
        return release


@contextmanager
def forge(git: Path) -> Iterator[Forge]:
    """Serve it on this machine."""
    made = Forge(git)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

        def _any(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, content = 401, {"message": "Bad credentials"}
            else:
                status, content = made.answer(self.command, parts.path, query, json.loads(data) if data else None)
            answer = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = _any

    with listening(Handler) as host:
        made.url = f"http://{host}"
        yield made
