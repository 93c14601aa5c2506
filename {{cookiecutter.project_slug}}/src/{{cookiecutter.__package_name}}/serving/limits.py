"""What stands in front of the service: known routes only, a token, limits on body, time and concurrency, a request id.

It is the outermost part of the service's own, so that what it refuses costs little and reaches nothing else.
"""

import asyncio
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from . import metrics
from .settings import Settings

HEALTH = {"/healthz", "/livez", "/readyz"}
ROUTES = dict.fromkeys(("/predict", "/feedback"), "POST")
ROUTES |= dict.fromkeys(("/model", "/metrics", "/docs.json", "/schema.json", "/", *HEALTH), "GET")
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
JSON = b"application/json"

Message = dict[str, Any]


@dataclass
class Call:
    """One POST: its id, its body, and until when it must be answered, in the event loop's time."""

    request_id: str
    deadline: float
    body: bytes = b""


def safe_json(content: Any) -> bytes:
    """JSON without a character that HTML would read."""
    text: bytes = to_json(content, inf_nan_mode="constants")
    return text.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


class Limits:
    """The ASGI application around BentoML's; `pages` are the answers to GET that BentoML does not give."""

    def __init__(self, app: Any, settings: Settings, pages: Mapping[str, Callable[[], tuple[bytes, bytes]]]) -> None:
        """Wrap an application."""
        self._app, self._settings, self._pages = app, settings, pages
        self._token = f"Bearer {settings.token}".encode()
        self._running = 0

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Answer what can be answered here, and pass on the rest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, path, headers = time.perf_counter(), scope["path"], dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16).encode()
        route = path if path in ROUTES else "/static_content" if path.startswith("/static_content/") else metrics.OTHER
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                extra = [(b"x-request-id", request_id), (b"x-content-type-options", b"nosniff")]
                message = message | {"headers": [*message.get("headers", []), *extra]}
            await send(message)

        try:
            refusal = self._refusal(scope["method"], route, headers)
            if refusal:
                await _send(answer, *refusal)
            elif route in self._pages:
                await _send(answer, 200, *self._pages[route]())
            elif ROUTES.get(route) == "POST":
                deadline = asyncio.get_running_loop().time() + self._settings.seconds
                scope["call"] = Call(request_id.decode(), deadline)
                await self._post(scope, receive, answer, headers)
            else:
                await self._app(scope, receive, answer)
        finally:
            metrics.REQUESTS.labels(route, str(status)).inc()
            metrics.LATENCY.labels(route).observe(time.perf_counter() - started)

    def _refusal(self, method: str, route: str, headers: Mapping[bytes, bytes]) -> tuple[Any, ...] | None:
        """Status, body, type and headers of an answer that needs no body; None where the request may go on."""
        if route == metrics.OTHER:
            return _error(404, "no such path; /docs.json lists them")
        allowed = ROUTES.get(route, "GET")
        if method not in ((allowed, "HEAD") if allowed == "GET" else (allowed,)):
            return *_error(405, f"use {allowed}"), (b"allow", allowed.encode())
        if self._settings.token and route not in HEALTH:
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, self._token):
                return *_error(401, "send the header Authorization: Bearer <token>"), (b"www-authenticate", b"Bearer")
        if allowed == "GET":
            return None
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != JSON:
            return _error(415, "send Content-Type: application/json")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            return _error(415, "send the body without a Content-Encoding")
        if int(headers.get(b"content-length", b"0")) > self._settings.body_bytes:
            return _error(413, f"the body is above {self._settings.body_bytes} bytes; send fewer rows at a time")
        if self._running >= self._settings.concurrency:
            return *_error(503, "too many requests at a time; try again"), (b"retry-after", b"1")
        return None

    async def _post(self, scope: Message, receive: Any, send: Any, headers: Mapping[bytes, bytes]) -> None:
        self._running += 1
        try:
            try:
                async with asyncio.timeout_at(scope["call"].deadline):
                    body = await self._body(receive)
            except TimeoutError:
                close = (b"connection", b"close")
                await _send(send, *_error(408, f"the body took more than {self._settings.seconds} seconds"), close)
                return
            if body is None:  # the caller went away
                return
            if len(body) > self._settings.body_bytes:
                words = f"the body is above {self._settings.body_bytes} bytes; send fewer rows at a time"
                await _send(send, *_error(413, words), (b"connection", b"close"))
                return
            scope["call"].body = body
            await self._app(scope, receive, send)
        finally:
            self._running -= 1

    async def _body(self, receive: Any) -> bytes | None:
        """The body, at most one message above the limit; None where the caller went away."""
        parts, size = [], 0
        while size <= self._settings.body_bytes:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if not message.get("more_body", False):
                break
        return b"".join(parts)


def _error(status: int, words: str) -> tuple[int, bytes, bytes]:
    return status, safe_json({"error": words}), JSON


async def _send(send: Any, status: int, body: bytes, kind: bytes, *headers: tuple[bytes, bytes]) -> None:
    fields = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
