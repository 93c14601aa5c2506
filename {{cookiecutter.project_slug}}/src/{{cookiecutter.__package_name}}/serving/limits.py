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
GONE = 499  # counted, where nobody is left to be answered
BODIES, BYTES = 4, 40_000_000  # of all requests together: so many of the largest bodies, or so many bytes of small ones

Message = dict[str, Any]
Reply = tuple[int, bytes, *tuple[tuple[bytes, bytes], ...]]  # status, body, and perhaps more headers


@dataclass
class Call:
    """One POST: its id, until when by `time.perf_counter` it must be answered, its body, how much of that has come."""

    request_id: str
    deadline: float
    body: bytes = b""
    size: int = 0


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
        self._most_held = max(BODIES * settings.body_bytes, BYTES)
        self._running = self._held = 0
        self._too_long = _words(413, f"the body is above {settings.body_bytes} bytes; send fewer rows at a time")

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Answer what can be answered here, and pass on the rest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, path, headers = time.perf_counter(), scope["path"], dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16).encode()
        route = path if path in ROUTES else "/static_content" if path.startswith("/static_content/") else metrics.OTHER
        extra = [(b"x-request-id", request_id), (b"x-content-type-options", b"nosniff")]
        status, kind = 500, JSON

        async def passed_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = message | {"headers": [*message.get("headers", []), *extra]}
            await send(message)

        try:
            reply = self._refusal(scope["method"], route, headers)
            if reply is None and route in self._answers:
                call = Call(request_id.decode(), started + self._settings.seconds)
                reply = await self._post(self._answers[route], call, receive)
                status = GONE
            elif reply is None and route in self._pages:
                make, kind = self._pages[route]
                reply = 200, make()
            elif reply is None:
                await self._app(scope, receive, passed_on)
            if reply is not None:
                status, body, *more = reply
                fields = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *more, *extra]
                await send({"type": "http.response.start", "status": status, "headers": fields})
                await send({"type": "http.response.body", "body": body})
        finally:
            metrics.requests(route, status).inc()
            metrics.latency(route).observe(time.perf_counter() - started)

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
            return self._too_long
        return BUSY if self._running >= self._settings.concurrency else None

    async def _post(self, answer: Answer, call: Call, receive: Any) -> Reply | None:
        self._running += 1
        try:
            # A call whose body is there would never wait: all that arrived with it are counted before it is worked on.
            await asyncio.sleep(0)
            try:
                async with asyncio.timeout(self._settings.seconds):
                    body = await self._body(call, receive)
            except TimeoutError:
                return *_words(408, f"the body took more than {self._settings.seconds} seconds"), CLOSE
            if not isinstance(body, bytes):
                return body
            call.body = body
            return BUSY if time.perf_counter() > call.deadline else await answered(answer, call)
        finally:
            self._running -= 1
            self._held -= call.size

    async def _body(self, call: Call, receive: Any) -> bytes | Reply | None:
        """The body, or why it is not read to its end; None where the caller went away."""
        parts, more = [], True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            call.size += len(parts[-1])
            self._held += len(parts[-1])
            if call.size > self._settings.body_bytes:
                return *self._too_long, CLOSE
            if self._held > self._most_held:
                return *BUSY, CLOSE
            more = message.get("more_body", False)
        return b"".join(parts)


async def answered(answer: Answer, call: Call) -> Reply:
    """The answer to a call, also where it breaks the contract."""
    try:
        return await answer(call)
    except TimeoutError:
        return BUSY
    except Refused as refused:
        for name, count in refused.fields.items():
            metrics.VIOLATIONS.labels(name).inc(count)
        return 400, safe_json({"error": refused.sentence, "violations": refused.violations})


def _words(status: int, words: str) -> tuple[int, bytes]:
    return status, safe_json({"error": words})


BUSY: Reply = (*_words(503, "too much to do at a time; try again"), (b"retry-after", b"1"))
