"""HTTP to a registry: retried where that may help, with the token that it asks for, unencrypted on loopback alone."""

import base64
import http.client
import json
import os
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model_review.errors import ReviewError
from model_review.http_exchange import TIMEOUT, Reply, exchange, opener, origin
from model_review.text import plain

USERNAME, PASSWORD = "MODEL_REVIEW_REGISTRY_USERNAME", "MODEL_REVIEW_REGISTRY_PASSWORD"  # pragma: allowlist secret
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
TRIES, HOPS = 4, 4
CAP = 8 * 2**20


class RegistryError(ReviewError):
    """The registry said no. `status` is its answer, 0 where there was none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Transport:
    """One registry, spoken to for one repository in it."""

    host: str
    repository: str
    _authorization: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Plain HTTP is for this machine alone."""
        local = self.host.rpartition(":")[0] in LOOPBACK or self.host in LOOPBACK
        self.origin = f"{'http' if local else 'https'}://{self.host}"
        self._opener = opener(*([urllib.request.ProxyHandler({})] if local else []))

    def call(
        self,
        method: str,
        path: str,
        *,
        data: bytes | Path | None = None,
        headers: Mapping[str, str] | None = None,
        allowed: tuple[int, ...] = (200, 201, 202),
    ) -> Reply:
        """One request below /v2/REPOSITORY (or to a location that the registry gave)."""
        url = path if path.startswith(("http://", "https://")) else f"{self.origin}/v2/{self.repository}{path}"
        about = f"{method} {plain(urllib.parse.urlsplit(url).path)}"
        reply, lost = None, ""
        for attempt in range(1, TRIES + 1):
            reply, lost = self._once(method, url, data, dict(headers or {}))
            if reply is not None and reply.status == 401 and self._authorize(reply):
                reply, lost = self._once(method, url, data, dict(headers or {}))
            if reply is not None and reply.status < 500 and reply.status != 429:
                break
            if attempt < TRIES:
                time.sleep(2.0 ** (attempt - 1))
        if reply is None:
            raise RegistryError(0, f"The registry {self.host} gave no answer to {about}: {plain(lost)}.")
        if reply.status in allowed:
            return reply
        if reply.status in (401, 403):
            raise RegistryError(
                reply.status,
                f"The registry {self.host} refuses {about} ({reply.status}{_said(reply)}); "
                f"set {USERNAME} and {PASSWORD} to an account that may.",
            )
        raise RegistryError(reply.status, f"The registry {self.host} answered {reply.status} to {about}{_said(reply)}.")

    def _once(
        self, method: str, url: str, data: bytes | Path | None, headers: dict[str, str]
    ) -> tuple[Reply | None, str]:
        """One try, redirects of a download followed: an answer, or why there was none."""
        for _ in range(HOPS):
            reply, lost = self._send(method, url, data, headers)
            if reply is None or method not in ("GET", "HEAD") or reply.status not in (301, 302, 303, 307, 308):
                return reply, lost
            url = urllib.parse.urljoin(url, reply.headers.get("location", ""))
            if _scheme(url) != _scheme(self.origin):
                return None, "it leads to an address that is not encrypted"
        return None, "it leads from one address to the next"

    def _send(
        self, method: str, url: str, data: bytes | Path | None, headers: dict[str, str]
    ) -> tuple[Reply | None, str]:
        size = None if data is None else data.stat().st_size if isinstance(data, Path) else len(data)
        stream = data.open("rb") if isinstance(data, Path) else None
        try:
            request = urllib.request.Request(url, data=stream or data, method=method, headers=headers)  # type: ignore[arg-type]  # a Path became a stream
            if size is not None:
                request.add_header("Content-Length", str(size))
            if self._authorization and origin(url) == self.origin:
                request.add_unredirected_header("Authorization", self._authorization)
            return exchange(self._opener, request, CAP)
        except ValueError as error:  # no address at all
            return None, str(error)
        finally:
            if stream is not None:
                stream.close()

    def _authorize(self, refused: Reply) -> bool:
        """Get what the registry asks for; False where nothing new can be offered."""
        challenge = refused.headers.get("www-authenticate", "")
        name, secret = os.environ.get(USERNAME, ""), os.environ.get(PASSWORD, "")
        basic = f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}" if secret else None
        if challenge.lower().startswith("basic"):
            offered = basic
        else:
            offered = self._token(challenge, basic) if challenge.lower().startswith("bearer") else None
        changed = offered is not None and offered != self._authorization
        self._authorization = offered or self._authorization
        return changed

    def _token(self, challenge: str, basic: str | None) -> str | None:
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        realm = asked.get("realm", "")
        if _scheme(realm) != _scheme(self.origin):
            raise RegistryError(
                0, f"The registry {self.host} sends for a token to {plain(realm)}, unencrypted; refused."
            )
        # Pull and push at once, so that one token serves all steps; a registry grants what the account may do of it.
        wanted = f"repository:{self.repository}:pull,push"
        scope = wanted if basic else asked.get("scope") or f"repository:{self.repository}:pull"
        query = urllib.parse.urlencode({"service": asked.get("service", self.host), "scope": scope})
        request = urllib.request.Request(f"{realm}?{query}", headers={"Authorization": basic} if basic else {})
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                found = json.loads(answer.read(CAP))
            token = found.get("token") or found.get("access_token")
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return None
        return f"Bearer {token}" if isinstance(token, str) and token.isprintable() else None


def _said(reply: Reply) -> str:
    """The registry's own words, shortened."""
    try:
        said = str(json.loads(reply.body)["errors"][0]["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return f": {plain(said).rstrip('.')}"


def _scheme(url: str) -> str:
    return urllib.parse.urlsplit(url).scheme
