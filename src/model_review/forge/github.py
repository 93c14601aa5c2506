"""A small client of GitHub's REST API: pages, retries, size caps. The token is sent to the API's own host only."""

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from model_review.errors import ReviewError
from model_review.http_exchange import Reply, exchange, opener, origin
from model_review.run_record import first_problem
from model_review.text import plain

JSON_CAP = 64 * 2**20  # a page of 100 comments of 65,536 characters, escaped, is about 40 MB
PAGES = 100
TRIES = 4
PATIENCE = 300.0  # seconds to wait in all, for a rate limit or a server that fails
LOCAL = {"127.0.0.1", "localhost", "::1"}


class GitHubError(ReviewError):
    """GitHub said no. `status` is its answer, 0 where there was none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Answer(BaseModel):
    """A part of an answer that is read; GitHub may add fields at any time."""

    model_config = ConfigDict(extra="ignore", frozen=True)


@dataclass(frozen=True)
class Client:
    """Where the API is, and the token that is sent to it."""

    api: str
    token: str = field(repr=False)
    wait: Callable[[float], None] = time.sleep


OPENER = opener()
Model = TypeVar("Model", bound=BaseModel)


def connect(api: str, token: str) -> Client:
    """A client for that API; a token never travels unencrypted, but for a server on this machine."""
    parts = urllib.parse.urlsplit(api)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOCAL):
        raise ReviewError(f"The API's address {plain(api)} must begin with https://.")
    if not token or not token.isascii() or not token.isprintable():
        raise ReviewError("GITHUB_TOKEN is empty or not a token; pass the job's own token to the action.")
    return Client(api.rstrip("/"), token)


def call(
    client: Client,
    method: str,
    path: str,
    *,
    query: Mapping[str, str] | None = None,
    data: Mapping[str, Any] | None = None,
    accept: str = "application/vnd.github+json",
    cap: int = JSON_CAP,
) -> Reply:
    """One request, repeated where that may help: server errors, lost connections and rate limits."""
    url = client.api + path + ("?" + urllib.parse.urlencode(query) if query else "")
    return _request(client, method, url, data, accept, cap)


def get(client: Client, path: str, model: type[Model], query: Mapping[str, str] | None = None) -> Model:
    """One object."""
    return _parsed(path, model, _json(path, call(client, "GET", path, query=query).body))


def get_all(
    client: Client, path: str, model: type[Model], query: Mapping[str, str] | None = None, key: str | None = None
) -> list[Model]:
    """Every object of a list, page by page; `key` names the list where the answer is an object around it."""
    reply = call(client, "GET", path, query={**(query or {}), "per_page": "100"})
    found: list[Model] = []
    for _ in range(PAGES):
        data = _json(path, reply.body)
        items = data.get(key) if key is not None and isinstance(data, dict) else data
        if not isinstance(items, list):
            raise GitHubError(reply.status, f"GitHub's answer to GET {plain(path)} is no list.")
        found += [_parsed(path, model, item) for item in items]
        following = re.search(r'<([^<>]+)>;\s*rel="next"', reply.headers.get("link", ""))
        if following is None:
            return found
        url = following[1]
        if origin(url) != origin(client.api):
            raise GitHubError(reply.status, f"The next page of {plain(path)} is on another host; it is not followed.")
        reply = _request(client, "GET", url, None, "application/vnd.github+json", JSON_CAP)
    raise GitHubError(0, f"GET {plain(path)} has more than {PAGES} pages; more are not read.")


def send(client: Client, method: str, path: str, model: type[Model], data: Mapping[str, Any]) -> Model:
    """Write one object, and read what came of it."""
    return _parsed(path, model, _json(path, call(client, method, path, data=data).body))


def download(client: Client, path: str, cap: int) -> bytes:
    """A file behind the API's redirect; the second host gets no token."""
    reply = call(client, "GET", path, cap=cap)
    if reply.status == 200:
        return reply.body
    target = urllib.parse.urljoin(client.api, reply.headers.get("location", ""))
    if (
        reply.status not in (302, 307)
        or urllib.parse.urlsplit(target).scheme != urllib.parse.urlsplit(client.api).scheme
    ):
        raise GitHubError(reply.status, f"GitHub's answer to GET {plain(path)} leads nowhere.")
    return _request(Client(client.api, "", client.wait), "GET", target, None, "*/*", cap).body


def file_at(client: Client, repository: str, path: str, ref: str, cap: int) -> bytes | None:
    """A file at a commit or branch; None where it is not there."""
    where = f"/repos/{repository}/contents/{urllib.parse.quote(path)}"
    try:
        return call(client, "GET", where, query={"ref": ref}, accept="application/vnd.github.raw+json", cap=cap).body
    except GitHubError as error:
        if error.status == 404:
            return None
        raise


def _request(client: Client, method: str, url: str, data: Mapping[str, Any] | None, accept: str, cap: int) -> Reply:
    waited = 0.0
    for attempt in range(1, TRIES + 1):
        reply, lost = _once(client, method, url, data, accept, cap)
        if reply is not None and reply.status < 400:
            return reply
        pause = 2.0 ** (attempt - 1) if reply is None or reply.status >= 500 else _limit(reply)
        if pause is None or attempt == TRIES or waited + pause > PATIENCE:
            break
        waited += pause
        client.wait(pause)
    about = f"{method} {plain(urllib.parse.urlsplit(url).path)}"
    if reply is None:
        raise GitHubError(0, f"{about} got no answer: {plain(lost)}.")
    raise GitHubError(reply.status, f"GitHub answered {reply.status} to {about}: {_message(client, reply.body)}.")


def _once(
    client: Client, method: str, url: str, data: Mapping[str, Any] | None, accept: str, cap: int
) -> tuple[Reply | None, str]:
    """One try: an answer, or why there was none."""
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, data=body, method=method, headers={"Accept": accept})
    request.add_header("User-Agent", "model-review")
    request.add_header("X-GitHub-Api-Version", "2022-11-28")
    if body is not None:
        request.add_header("Content-Type", "application/json")
    if client.token:
        request.add_unredirected_header("Authorization", f"Bearer {client.token}")
    reply, lost = exchange(OPENER, request, cap)
    if reply is not None and reply.status < 400 and len(reply.body) > cap:
        raise ReviewError(f"{plain(urllib.parse.urlsplit(url).path)} is larger than {cap:,} bytes; more is not read.")
    return reply, lost


def _limit(reply: Reply) -> float | None:
    """How long a rate limit asks to wait; None where the answer is no rate limit."""
    if reply.status not in (403, 429):
        return None
    after, reset = reply.headers.get("retry-after", ""), reply.headers.get("x-ratelimit-reset", "")
    if after.isdigit():
        return float(after)
    if reply.headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        return max(float(reset) - time.time(), 0.0) + 1.0
    return 60.0 if reply.status == 429 or b"secondary rate limit" in reply.body else None


def _message(client: Client, body: bytes) -> str:
    """GitHub's own words, shortened."""
    try:
        data = json.loads(body)
        said = str(data["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        said = body[:200].decode("utf-8", "replace")
    return plain(said.replace(client.token, "***") if client.token else said).rstrip(".") or "no reason given"


def _json(path: str, body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise GitHubError(0, f"GitHub's answer to {plain(path)} is not valid JSON.") from None


def _parsed(path: str, model: type[Model], data: Any) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise GitHubError(0, f"GitHub's answer to {plain(path)} is not understood: {first_problem(error)}.") from None
