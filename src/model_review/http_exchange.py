"""One HTTP request, as the clients of GitHub, of registries and of MLflow make it: never read without bound."""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT = 60.0


@dataclass(frozen=True)
class Reply:
    """Status, headers (lower case) and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by hand: the host that a download leads to must not see the token."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


def opener(*handlers: urllib.request.BaseHandler) -> urllib.request.OpenerDirector:
    """An opener that follows no redirect."""
    return urllib.request.build_opener(_NoRedirect(), *handlers)


def exchange(
    through: urllib.request.OpenerDirector, request: urllib.request.Request, cap: int
) -> tuple[Reply | None, str]:
    """An answer with at most `cap` + 1 bytes of its body, or why there was none."""
    try:
        with through.open(request, timeout=TIMEOUT) as answer:
            return Reply(answer.status, _lower(answer.headers), answer.read(cap + 1)), ""
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, _lower(error.headers), _rest(error, cap)), ""
    except urllib.error.URLError as error:
        return None, str(error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, str(error) or type(error).__name__


def origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _rest(error: urllib.error.HTTPError, cap: int) -> bytes:
    try:
        return error.read(cap)
    except (OSError, http.client.HTTPException):
        return b""


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
