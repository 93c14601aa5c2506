"""HTTP to one service: a connection that is kept, an answer that is never read without bound."""

import http.client
import json
import os
import re
import time
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from model_review.errors import ReviewError
from model_review.text import plain

TOKEN = "MODEL_REVIEW_SERVICE_TOKEN"
BODY_CAP = 16 * 2**20
LOST = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Address:
    """Where the service is, and the bearer token that it asks for; empty where it asks for none."""

    secure: bool
    host: str
    port: int | None
    prefix: str
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Answer:
    """Status, body and how long it took; the body may hold what was sent, so it is never printed."""

    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class NoAnswer(Exception):
    """The connection was refused, lost, or too slow; the message says which."""


def parse_address(url: str) -> Address:
    """Check `--url`."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urllib.parse.urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ReviewError(f"--url {plain(url)} is not an address; give one such as http://127.0.0.1:3000.")
    return Address(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"), _token())


def _token() -> str:
    """From the environment, and out of it: what the probe starts does not see it, and no list of processes shows it."""
    token = os.environ.pop(TOKEN, "")
    if re.fullmatch(r"[!-~]*", token) is None:
        raise ReviewError(f"{TOKEN} holds spaces or signs that no header can hold; set it to the token alone.")
    return token


class Connection:
    """One kept connection. No proxy stands between: what is measured is the service."""

    def __init__(self, address: Address, timeout: float) -> None:
        """Open nothing yet; every request within `timeout` seconds for each of its parts."""
        kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
        self._prefix = address.prefix
        self._known = {"Authorization": f"Bearer {address.token}"} if address.token else {}
        self._http = kind(address.host, address.port, timeout=timeout)

    def ask(self, path: str, body: bytes | None = None) -> Answer:
        """GET, or POST where there is a body."""
        headers = self._known | ({} if body is None else {"Content-Type": "application/json"})
        begin = time.perf_counter()
        try:
            self._http.request("GET" if body is None else "POST", self._prefix + path, body, headers)
            with self._http.getresponse() as response:
                content = response.read(BODY_CAP + 1)
                answer = Answer(response.status, content, time.perf_counter() - begin)
        except LOST as error:
            self.close()
            raise NoAnswer(_why(error)) from None
        if len(content) > BODY_CAP:
            self.close()
            raise NoAnswer(f"the answer is larger than {BODY_CAP:,} bytes")
        return answer

    def close(self) -> None:
        """Close; the next request opens a new connection."""
        self._http.close()


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "the connection was lost"


def post(rows: object) -> bytes:
    """The body of a prediction request."""
    return json.dumps({"rows": rows}, ensure_ascii=False).encode()
