"""What GitHub answers to each REST request, from the state of one repository."""

import base64
import json
import re
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import git_server

if TYPE_CHECKING:
    from fake_github import FakeGitHub as Repository

LONGEST = 65_536
INLINE = 2**20

Json = dict[str, Any]


class Refusal(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


def answer(
    fake: "Repository", method: str, path: str, query: dict[str, str], body: bytes, request: BaseHTTPRequestHandler
) -> tuple[int, Any, dict[str, str]]:
    """Status, content and headers; Refusal where the request or its token is refused."""
    credentials = request.headers.get("Authorization", "")
    if path.startswith("/blob/"):
        if credentials:
            raise Refusal(400, "AuthenticationFailed: this storage takes no bearer token")
        return 200, _artifact(fake, int(path.split("/")[2]))["archive"], {"Content-Type": "application/zip"}
    login, rights = fake.tokens.get(credentials.removeprefix("Bearer ").removeprefix("token "), ("", set()))
    if not login:
        raise Refusal(401, "Bad credentials")
    if path == "/user" or path.startswith("/users/"):
        raise Refusal(403, "Resource not accessible by integration")
    for pattern, methods, right, serve in _routes():
        found = re.fullmatch(f"/repos/{re.escape(fake.repository)}{pattern}", path)
        if found and method in methods:
            if right not in rights:
                raise Refusal(403, "Resource not accessible by integration")
            with fake.lock:
                return serve(fake, found, query, body, login, request)
    raise Refusal(404, "Not Found")


def _routes() -> list[tuple[str, str, str, Callable[..., tuple[int, Any, dict[str, str]]]]]:
    return [
        (r"/actions/runs/(\d+)", "GET", "actions:read", _get_run),
        (r"/actions/runs/(\d+)/artifacts", "GET", "actions:read", _list_artifacts),
        (r"/actions/runs/(\d+)/jobs", "GET", "actions:read", _list_jobs),
        (r"/actions/artifacts/(\d+)/zip", "GET", "actions:read", _get_archive),
        (r"/contents/(.+)", "GET", "contents:read", _get_file),
        (r"/pulls", "GET", "pulls:read", _list_pulls),
        (r"/pulls/(\d+)", "GET", "pulls:read", _get_pull),
        (r"/issues/(\d+)/comments", "GET", "pulls:read", _list_comments),
        (r"/issues/(\d+)/comments", "POST", "pulls:write", _create),
        (r"/issues/comments/(\d+)", "PATCH", "pulls:write", _edit),
        (r"/issues/comments/(\d+)", "DELETE", "pulls:write", _delete),
    ]


def _page(
    fake: "Repository", items: list[Any], query: dict[str, str], request: BaseHTTPRequestHandler
) -> tuple[Any, Json]:
    size = min(int(query.get("per_page", "30")), 100)
    page = int(query.get("page", "1"))
    path = urllib.parse.urlsplit(request.path).path
    following = urllib.parse.urlencode({**query, "page": page + 1})
    link = {"Link": f'<{fake.url}{path}?{following}>; rel="next"'} if page * size < len(items) else {}
    return items[(page - 1) * size : page * size], link


def _get_run(fake: "Repository", found: re.Match[str], *rest: Any) -> tuple[int, Any, Json]:
    return 200, _known(fake.runs.get(int(found[1]))), {}


def _list_artifacts(fake: "Repository", found: re.Match[str], query: Any, body: Any, login: Any, request: Any) -> Any:
    held = [one for one in fake.artifacts if one["run"] == int(found[1])]
    shown = [{key: value for key, value in one.items() if key != "archive"} for one in held]
    page, link = _page(fake, shown, query, request)
    return 200, {"total_count": len(held), "artifacts": page}, link


def _list_jobs(fake: "Repository", found: re.Match[str], query: Any, body: Any, login: Any, request: Any) -> Any:
    page, link = _page(fake, fake.jobs.get(int(found[1]), []), query, request)
    return 200, {"total_count": len(page), "jobs": page}, link


def _artifact(fake: "Repository", number: int) -> Json:
    found: Json = _known(next((one for one in fake.artifacts if one["id"] == number), None))
    return found


def _get_archive(fake: "Repository", found: re.Match[str], *rest: Any) -> tuple[int, Any, Json]:
    if _artifact(fake, int(found[1]))["expired"]:
        raise Refusal(410, "Artifact has expired")
    # Another host's name, as on GitHub, where the files lie with a storage service.
    return 302, b"", {"Location": f"http://localhost:{fake.port}/blob/{found[1]}"}


def _get_file(fake: "Repository", found: re.Match[str], query: Any, body: Any, login: Any, request: Any) -> Any:
    path = urllib.parse.unquote(found[1])
    ref = query.get("ref", "main")
    data = fake.files.get((ref, path))
    if data is None and fake.git is not None:
        data = git_server.file_at(fake.git, ref, path)
    if data is None:
        raise Refusal(404, "Not Found")
    if "raw" in request.headers.get("Accept", ""):
        return 200, data, {"Content-Type": "application/vnd.github.raw+json"}
    large = len(data) > INLINE
    content = "" if large else base64.encodebytes(data).decode()
    encoding = "none" if large else "base64"
    return 200, {"type": "file", "size": len(data), "encoding": encoding, "content": content}, {}


def _list_pulls(fake: "Repository", found: Any, query: Any, body: Any, login: Any, request: Any) -> Any:
    state, head = query.get("state", "open"), query.get("head")
    chosen = [one for one in fake.pulls.values() if state in ("all", one["state"])]
    if head is not None:
        chosen = [one for one in chosen if one["head"]["repo"] is None or _label(one) == head]
    page, link = _page(fake, chosen, query, request)
    return 200, page, link


def _get_pull(fake: "Repository", found: re.Match[str], *rest: Any) -> tuple[int, Any, Json]:
    return 200, _known(fake.pulls.get(int(found[1]))), {}


def _list_comments(fake: "Repository", found: re.Match[str], query: Any, body: Any, login: Any, request: Any) -> Any:
    _known(fake.pulls.get(int(found[1])))
    page, link = _page(fake, [one for one in fake.comments if one["pull"] == int(found[1])], query, request)
    return 200, page, link


def _create(fake: "Repository", found: re.Match[str], query: Any, body: bytes, login: str, request: Any) -> Any:
    _known(fake.pulls.get(int(found[1])))
    return 201, fake.add_comment(int(found[1]), login, _body(body)), {}


def _comment(fake: "Repository", found: re.Match[str]) -> Json:
    known: Json = _known(next((one for one in fake.comments if one["id"] == int(found[1])), None))
    return known


def _edit(fake: "Repository", found: re.Match[str], query: Any, body: bytes, login: str, request: Any) -> Any:
    comment = _comment(fake, found)  # whoever wrote it: a token with write access may edit others' comments
    comment["body"] = _body(body)
    return 200, comment, {}


def _delete(fake: "Repository", found: re.Match[str], *rest: Any) -> tuple[int, Any, Json]:
    fake.comments.remove(_comment(fake, found))
    return 204, b"", {}


def _label(pull: Json) -> str:
    return f"{pull['head']['repo']['owner']['login']}:{pull['head']['ref']}"


def _known(found: Any) -> Any:
    if found is None:
        raise Refusal(404, "Not Found")
    return found


def _body(data: bytes) -> str:
    text = str(json.loads(data)["body"])
    if not text.strip():
        raise Refusal(422, "Validation Failed: Body can't be blank")
    if len(text) > LONGEST:
        raise Refusal(422, f"Validation Failed: Body is too long (maximum is {LONGEST} characters)")
    return text
