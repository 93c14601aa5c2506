"""A real registry on this machine, tiny images for it, and a proxy before it that misbehaves on purpose."""

import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import socket
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from loopback import listening

REPOSITORY = "acme/shop"
KIND = "application/vnd.docker.distribution.manifest.v2+json"
MODEL, CONTRACT = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def labels(commit: str = "a" * 40, version: str = "0.1.0", **more: str) -> dict[str, str]:
    """The labels of a release."""
    ours = {"model-digest": MODEL, "contract-digest": CONTRACT, "run-digest": "sha256:" + "3" * 64}
    found = {f"io.model-review.{name}": value for name, value in ours.items()}
    found |= {f"org.opencontainers.image.{name}": value for name, value in (("revision", commit), ("version", version))}
    return found | {name.replace("__", ".").replace("_", "-"): value for name, value in more.items()}


def image_folder(
    folder: Path, named: dict[str, str], size: int = 2000, seed: str = "", layers: Sequence[bytes] = ()
) -> tuple[Path, str]:
    """An image as `skopeo copy ... dir:` leaves it, with more layers below its own: a folder, its manifest's digest."""
    folder.mkdir(parents=True)
    content = seed.encode() or os.urandom(size)
    archives = [*layers, layer({"app/model": content})]
    history = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(one).hexdigest()}" for one in archives]}
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": named}, "rootfs": history})
    kinds = "application/vnd.docker."
    manifest = {"schemaVersion": 2, "mediaType": f"{kinds}distribution.manifest.v2+json"}
    manifest |= {
        "config": _blob(folder, config.encode(), f"{kinds}container.image.v1+json"),
        "layers": [
            _blob(folder, gzip.compress(one, mtime=0), f"{kinds}image.rootfs.diff.tar.gzip") for one in archives
        ],
    }
    data = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(data)
    return folder, f"sha256:{hashlib.sha256(data).hexdigest()}"


def layer(files: dict[str, bytes]) -> bytes:
    """A layer's archive, before it is packed."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name, content in files.items():
            archive.addfile(_member(name, len(content)), io.BytesIO(content))
    return plain.getvalue()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def _blob(folder: Path, data: bytes, kind: str) -> dict[str, Any]:
    digest = hashlib.sha256(data).hexdigest()
    (folder / digest).write_bytes(data)
    return {"mediaType": kind, "size": len(data), "digest": f"sha256:{digest}"}


def write_probe(path: Path, digest: str | None, passed: bool = True, **subject: str) -> Path:
    """A probe of that image."""
    known = {"commit": None, "model_digest": MODEL, "contract_digest": CONTRACT, "data_digest": None, "columns": []}
    failures = [] if passed else ["The service was not ready within 60 s: no answer in time."]
    probe: dict[str, Any] = {"schema": "model-review/probe@1", "engine": "0", "time": "2026-01-01T00:00:00Z"}
    probe |= {"passed": passed, "failures": failures, "subject": known | subject, "checks": [], "violations": []}
    probe |= {"image": None if digest is None else {"reference": None, "digest": digest, "bytes": 1}, "load": []}
    probe |= dict.fromkeys(("ready_seconds", "cold_start_seconds", "golden", "canary", "memory"))
    path.write_text(json.dumps(probe), encoding="utf-8")
    return path


@dataclass
class Proxy:
    """Forwards to a registry, but for what `harm` answers itself.

    Attributes:
        target: The registry.
        harm: Method and path to a status, content, an address to be sent to, "cut" (the connection ends half way),
            "lost" (the registry's answer never arrives), "slow", or None (forward).
        account: User and password that a token is given for; None asks for none.
        tokens: How many tokens were given out.
    """

    target: str
    harm: Callable[[str, str], int | str | bytes | None] = lambda method, path: None
    account: tuple[str, str] | None = None
    tokens: int = 0
    seen: list[str] = field(default_factory=list)
    host: str = ""


@contextmanager
def proxied(proxy: Proxy) -> Iterator[Proxy]:
    """Serve it; `proxy.host` is its host and port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def _forward(self) -> None:
            proxy.seen.append(f"{self.command} {self.path} {self.headers.get('Authorization', 'no token')}")
            if self.path.startswith("/token"):
                return self._give_token()
            harm = proxy.harm(self.command, self.path)
            length = int(self.headers.get("Content-Length") or 0)
            if proxy.account and self.headers.get("Authorization") != "Bearer good":
                self.rfile.read(length)
                realm = f'Bearer realm="http://{proxy.host}/token",service="shop",scope="repository:{REPOSITORY}:pull"'
                return self._say(401, b"{}", {"WWW-Authenticate": realm})
            if harm == "cut":
                self.rfile.read(length // 2)
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return None
            body = self.rfile.read(length)
            if harm == "slow":
                threading.Event().wait(1.0)  # tests take `time.sleep` away, between a client's tries
            elif isinstance(harm, bytes):
                return self._say(200, harm, {"Content-Type": KIND})
            elif isinstance(harm, str) and harm != "lost":
                return self._say(307, b"", {"Location": harm})
            elif isinstance(harm, int):
                said = {"errors": [{"code": "DENIED", "message": "not this time"}]}
                return self._say(harm, json.dumps(said).encode(), {})
            to = http.client.HTTPConnection(proxy.target, timeout=20)
            known = {name: value for name, value in self.headers.items() if name.lower() != "authorization"}
            to.request(self.command, self.path, body or None, known)
            answer = to.getresponse()
            data = answer.read()
            kept = ("content-type", "location", "docker-content-digest", "link")
            headers = {name: value for name, value in answer.getheaders() if name.lower() in kept}
            to.close()
            if harm == "lost":
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return None
            return self._say(answer.status, data, headers)

        do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _forward

        def _give_token(self) -> None:
            assert proxy.account is not None
            wanted = "Basic " + base64.b64encode(":".join(proxy.account).encode()).decode()
            if self.headers.get("Authorization") != wanted:
                return self._say(401, b"{}", {})
            proxy.tokens += 1
            return self._say(200, b'{"token": "good"}', {})

        def _say(self, status: int, data: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

    with listening(Handler) as host:
        proxy.host = host
        yield proxy


@dataclass
class FakeMlflow:
    """The few calls of MLflow's REST API that a promotion makes, and what they left behind."""

    versions: list[dict[str, Any]] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    exists: bool = False
    url: str = ""
    seen: set[str] = field(default_factory=set)  # how its clients said who they are

    def answer(self, method: str, path: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and content."""
        if path.endswith("model-versions/search"):
            return 200, {"model_versions": self.versions} if self.versions else {}
        if path.endswith("registered-models/get"):
            aliases = [{"alias": name, "version": version} for name, version in self.aliases.items()]
            missing = (404, {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such model"})
            return (200, {"registered_model": {"name": "shop", "aliases": aliases}}) if self.exists else missing
        if path.endswith("registered-models/create"):
            self.exists = True
            return 200, {}
        if path.endswith("runs/get"):
            return 200, {"run": {"outputs": {"model_outputs": [{"model_id": f"m-{given['run_id']}"}]}}}
        if path.endswith("model-versions/create"):
            version = {"version": str(len(self.versions) + 1), "run_id": given["run_id"], "source": given["source"]}
            self.versions.append(version)
            return 200, {"model_version": version}
        if path.endswith("registered-models/alias") and method == "POST":
            self.aliases[given["alias"]] = given["version"]
            return 200, {}
        return 404, {}


@contextmanager
def mlflow_server(fake: FakeMlflow) -> Iterator[FakeMlflow]:
    """Serve it; `fake.url` is its address."""
    from urllib.parse import parse_qsl, urlsplit

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

        def _any(self) -> None:
            parts = urlsplit(self.path)
            fake.seen.add(self.headers.get("Authorization", "nothing"))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            given = json.loads(body) if body else dict(parse_qsl(parts.query))
            status, content = fake.answer(self.command, parts.path, given)
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _any

    with listening(Handler) as host:
        fake.url = f"http://{host}"
        yield fake
