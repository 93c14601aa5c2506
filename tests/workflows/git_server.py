"""A bare repository behind the fake GitHub: its files by commit, and git's own protocol through `git http-backend`."""

import base64
import os
import subprocess
from pathlib import Path


def file_at(repository: Path, ref: str, path: str) -> bytes | None:
    """A file's content at a commit or branch; None where there is no such file."""
    done = subprocess.run(
        ["git", "-C", str(repository), "cat-file", "blob", f"{ref}:{path}"], capture_output=True, check=False
    )
    return done.stdout if done.returncode == 0 else None


def token_of(credentials: str) -> str:
    """The token in a header `basic base64(x-access-token:TOKEN)`, as the checkout action and append.sh send it."""
    kind, _, value = credentials.partition(" ")
    if kind.lower() != "basic":
        return ""
    user, _, token = base64.b64decode(value).decode().partition(":")
    return token if user == "x-access-token" else ""


def writes(path: str, query: str) -> bool:
    """Whether a request of git is part of a push."""
    return path.endswith("/git-receive-pack") or "service=git-receive-pack" in query


def answer(
    repository: Path, method: str, path: str, query: str, headers: dict[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """One request of git's smart protocol; `path` begins behind the repository's name."""
    known = {
        "GIT_PROJECT_ROOT": str(repository),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.receivepack",
        "GIT_CONFIG_VALUE_0": "true",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": method,
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
        "REMOTE_USER": "somebody",
        "REMOTE_ADDR": "127.0.0.1",
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(["git", "http-backend"], input=body, env=known, capture_output=True, check=True)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    found = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
    return int(found.pop("Status", "200").split()[0]), found, content
