"""What stands in front of the service: known routes only, a token, limits on body, time and concurrency, a request id.

It is the outermost part of the service's own, so that what it refuses costs little and reaches nothing else.
"""

import asyncio
import hmac
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from . import metrics
from .request import Refused
from .settings import Settings

HEALTH = {"/healthz", "/livez", "/readyz"}
ROUTES = dict.fromkeys(("/predict", "/feedback"), "POST")
ROUTES |= dict.fromkeys(("/model", "/metrics", "/docs.json", "/schema.json", "/", *HEALTH), "GET")
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
JSON, CLOSE = b"application/json", (b"connection", b"close")

Message = dict[str, Any]
Reply = tuple[int, bytes] | tuple[int, bytes, tuple[bytes, bytes]]
"""Status, body, and perhaps one more header."""


@dataclass
class Call:
    """One POST: its id, its body, and until when it must be answered, in the event loop's time."""

    request_id: str
    deadline: float
    body: bytes = b""


Answer = Callable[[Call], Awaitable[Reply]]
Page = tuple[Callable[[], bytes], bytes]
"""What makes the body, and its media type."""


def safe_json(content: Any) -> bytes:
    """JSON without a character that HTML would read."""
    text: bytes = to_json(content, inf_nan_mode="constants")
    return text.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")


class Limits:
    """The ASGI application around BentoML's: `pages` answer GET, `answers` POST; the rest is BentoML's."""

    def __init__(self, app: Any, settings: Settings, pages: Mapping[str, Page], answers: Mapping[str, Answer]) -> None:
        """Wrap an application."""
        self._app, self._settings, self._pages, self._answers = app, settings, pages, answers
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
                await _send(answer, refusal[0], refusal[1], JSON, *refusal[2:])
            elif route in self._pages:
                made, kind = self._pages[route]
                await _send(answer, 200, made(), kind)
            elif route in self._answers:
                deadline = asyncio.get_running_loop().time() + self._settings.seconds
                reply = await self._post(self._answers[route], Call(request_id.decode(), deadline), receive)
                if reply is not None:
                    await _send(answer, reply[0], reply[1], JSON, *reply[2:])
            else:
                await self._app(scope, receive, answer)
        finally:
            metrics.REQUESTS.labels(route, str(status)).inc()
            metrics.LATENCY.labels(route).observe(time.perf_counter() - started)

    def _refusal(self, method: str, route: str, headers: Mapping[bytes, bytes]) -> Reply | None:
        """An answer that needs no body; None where the request may go on."""
        if route == metrics.OTHER:
            return _words(404, "no such path; /docs.json lists them")
        allowed = ROUTES.get(route, "GET")
        if method not in ((allowed, "HEAD") if allowed == "GET" else (allowed,)):
            return *_words(405, f"use {allowed}"), (b"allow", allowed.encode())
        if self._settings.token and route not in HEALTH:
            given = headers.get(b"authorization", b"")
            if not hmac.compare_digest(given, self._token):
                return *_words(401, "send the header Authorization: Bearer <token>"), (b"www-authenticate", b"Bearer")
        if allowed == "GET":
            return None
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != JSON:
            return _words(415, "send Content-Type: application/json")
        if headers.get(b"content-encoding", b"identity") != b"identity":
            return _words(415, "send the body without a Content-Encoding")
        if int(headers.get(b"content-length", b"0")) > self._settings.body_bytes:
            return self._too_long()
        return BUSY if self._running >= self._settings.concurrency else None

    def _too_long(self) -> Reply:
        return _words(413, f"the body is above {self._settings.body_bytes} bytes; send fewer rows at a time")

    async def _post(self, answer: Answer, call: Call, receive: Any) -> Reply | None:
        self._running += 1
        try:
            try:
                async with asyncio.timeout_at(call.deadline):
                    body = await self._body(receive)
            except TimeoutError:
                return *_words(408, f"the body took more than {self._settings.seconds} seconds"), CLOSE
            if body is None:  # the caller went away
                return None
            if len(body) > self._settings.body_bytes:
                return *self._too_long(), CLOSE
            call.body = body
            return await answered(answer, call)
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


async def answered(answer: Answer, call: Call) -> Reply:
    """The answer to a call, also where it breaks the contract."""
    try:
        return await answer(call)
    except Refused as refused:
        for name in refused.fields:
            metrics.VIOLATIONS.labels(name).inc()
        return 400, safe_json({"error": refused.sentence, "violations": refused.violations})


def _words(status: int, words: str) -> tuple[int, bytes]:
    return status, safe_json({"error": words})


BUSY: Reply = (*_words(503, "too much to do at a time; try again"), (b"retry-after", b"1"))


async def _send(send: Any, status: int, body: bytes, kind: bytes, *headers: tuple[bytes, bytes]) -> None:
    fields = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
