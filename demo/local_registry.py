"""A registry on this machine: Debian's docker-registry where it is installed, else a small one that keeps files.

The small one takes what `model-review push` sends and gives what Docker and podman pull: manifests, tags, whole blobs.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import loopback

REQUEST = re.compile(r"/v2/(?P<name>[a-z0-9/._-]+)/(?P<kind>manifests|blobs)/(?P<reference>[\w:.-]+(/[\w]*)?)")


@contextmanager
def registry(folder: Path) -> Iterator[tuple[str, str]]:
    """An empty one until the end of the block, with its files in the folder: its host and port, and what it is."""
    shutil.rmtree(folder / "registry", ignore_errors=True)
    if shutil.which("docker-registry"):
        with loopback.registry(folder) as host:
            yield host, "docker-registry"
        return
    (folder / "registry").mkdir(parents=True)
    with loopback.listening(_handler(folder / "registry")) as host:
        yield host, "the demo's own small one"


def _handler(folder: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            """A manifest by tag or digest, a blob by digest."""
            found = self._named()
            if found is None:
                self._say(200 if self.path == "/v2/" else 404)
            elif not found.is_file():
                self._say(404)
            else:
                data, kind = found.read_bytes(), found.with_name(f"{found.name}.kind")
                digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
                about = kind.read_text(encoding="utf-8") if kind.is_file() else "application/octet-stream"
                self._say(200, {"Content-Type": about, "Docker-Content-Digest": digest}, data)

        do_HEAD = do_GET

        def do_POST(self) -> None:
            """An upload begins; it comes in one piece."""
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._say(202, {"Location": f"{urlsplit(self.path).path}1"})

        def do_PUT(self) -> None:
            """What is stored is what its digest says."""
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            named, claimed = self._named(), parse_qs(urlsplit(self.path).query).get("digest", [digest])[0]
            if named is None or claimed != digest or (named.name.startswith("sha256:") and named.name != digest):
                return self._say(400)
            if named.parent.name == "manifests":
                kind = self.headers.get("Content-Type", "")
                for file in (named, named.with_name(digest)):
                    self._keep(file.with_name(f"{file.name}.kind"), kind.encode())
                    self._keep(file, data)
            else:
                self._keep(named.parents[1] / digest, data)
            return self._say(201, {"Docker-Content-Digest": digest})

        def _named(self) -> Path | None:
            found = REQUEST.fullmatch(urlsplit(self.path).path)
            if found is None or ".." in self.path:
                return None
            return folder / found["name"] / found["kind"] / found["reference"]

        def _keep(self, file: Path, data: bytes) -> None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)

        def _say(self, status: int, headers: Mapping[str, str] | None = None, data: bytes = b"") -> None:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    return Handler
