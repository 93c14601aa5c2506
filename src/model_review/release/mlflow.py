"""MLflow's registry: the version of an image's model, and the aliases `champion` and `previous`.

A server is asked by its REST API. Any other store (SQLite) is opened by the project's own environment, which has it.
"""

import base64
import json
import os
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from model_review.errors import ReviewError
from model_review.http_exchange import exchange
from model_review.release.promotions import Registered
from model_review.text import plain

URI = "MLFLOW_TRACKING_URI"
CAP = 16 * 2**20
LOGIN = re.compile(r"(?<=://)(?!/)\S*@")  # as the address of a server or of a database may hold it
# The same steps as `_Server` does, for a store that only MLflow itself can open.
LOCAL = """
import json, sys
from mlflow import MlflowClient
name, run, image, move = json.loads(sys.argv[1])
client = MlflowClient()
if name not in [one.name for one in client.search_registered_models()]:
    client.create_registered_model(name)
found = [one for one in client.search_model_versions(f"name='{name}'") if one.run_id == run]
if found:
    version = str(max(int(one.version) for one in found))
else:
    model = client.get_run(run).outputs.model_outputs[0].model_id
    made = client.create_model_version(name, f"models:/{model}", run, tags={"image": image}, model_id=model)
    version = str(made.version)
if move:
    champion = client.get_registered_model(name).aliases.get("champion")
    if str(champion) != version:
        if champion is not None:
            client.set_registered_model_alias(name, "previous", champion)
        client.set_registered_model_alias(name, "champion", version)
print("version=" + version)
"""


class MlflowError(ReviewError):
    """MLflow cannot be reached, or says no."""


def registered(name: str, run: str, image: str, project: Path) -> Registered:
    """The version of that run's model, registered where it is not yet. Nothing names it yet."""
    return Registered(name=name, version=_ask(name, run, image, project, move=False))


def move_aliases(version: Registered, run: str, image: str, project: Path) -> None:
    """`champion` names this version, and `previous` the one that it named before; `champion` moves last."""
    _ask(version.name, run, image, project, move=True)


def _public(text: str) -> str:
    """A text without the user and password that an address in it may hold."""
    return plain(LOGIN.sub("", text))


def _ask(name: str, run: str, image: str, project: Path, *, move: bool) -> str:
    uri = os.environ[URI]
    if not uri.startswith(("http://", "https://")):
        return _local(project, json.dumps([name, run, image, move]))
    server = _Server(uri)
    version = server.version(name, run, image)
    if move:
        server.move(name, version)
    return version


def _local(project: Path, arguments: str) -> str:
    python = project / ".venv/bin/python"
    if not python.exists():
        raise MlflowError(
            f"{plain(python)} is not there, and only the project's environment can open {_public(os.environ[URI])}; "
            f"run uv sync, or unset {URI}."
        )
    done = subprocess.run([str(python), "-c", LOCAL, arguments], capture_output=True, text=True, check=False)
    version = done.stdout.strip().rpartition("version=")[2]
    if done.returncode or not version.isdigit():
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise MlflowError(
            f"MLflow failed in the project's environment: {_public(said[-1]) if said else 'it said nothing'}."
        )
    return version


class _Server:
    """A tracking server with a model registry. A login in its address is sent as MLflow's own client does it."""

    def __init__(self, uri: str) -> None:
        try:
            parts = urllib.parse.urlsplit(uri.rstrip("/"))
            self._login = _basic(urllib.parse.unquote(parts.username or ""), urllib.parse.unquote(parts.password or ""))
            self.uri = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        except ValueError:
            raise MlflowError(f"{URI} is no address; give it as https://HOST.") from None
        if LOGIN.search(self.uri):
            raise MlflowError(f"{URI} holds an @ behind its host; in a password, / is written as %2F and @ as %40.")

    def version(self, name: str, run: str, image: str) -> str:
        """The newest version that was made of the run, else a new one."""
        quoted = name.replace("'", "")
        found = self._call("GET", "model-versions/search", {"filter": f"name='{quoted}'", "max_results": "10000"})
        numbers = [int(one["version"]) for one in found.get("model_versions", []) if one.get("run_id") == run]
        if numbers:
            return str(max(numbers))
        if self._model(name) is None:
            self._call("POST", "registered-models/create", {"name": name})
        outputs = self._call("GET", "runs/get", {"run_id": run}).get("run", {}).get("outputs", {})
        models = [one.get("model_id") for one in outputs.get("model_outputs", [])]
        if not models:
            raise MlflowError(f"MLflow's run {plain(run)} holds no model, so none can be registered.")
        wanted = {"name": name, "source": f"models:/{models[0]}", "run_id": run, "model_id": models[0]}
        made = self._call("POST", "model-versions/create", wanted | {"tags": [{"key": "image", "value": image}]})
        return str(made["model_version"]["version"])

    def move(self, name: str, version: str) -> None:
        aliases = (self._model(name) or {}).get("aliases", [])
        champion = next((one["version"] for one in aliases if one["alias"] == "champion"), None)
        if str(champion) == version:
            return
        if champion is not None:
            self._call("POST", "registered-models/alias", {"name": name, "alias": "previous", "version": str(champion)})
        self._call("POST", "registered-models/alias", {"name": name, "alias": "champion", "version": version})

    def _model(self, name: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._call("GET", "registered-models/get", {"name": name})["registered_model"]
        except MlflowError as error:
            if "RESOURCE_DOES_NOT_EXIST" in str(error):
                return None
            raise
        return found

    def _call(self, method: str, path: str, values: dict[str, Any]) -> dict[str, Any]:
        url, data = f"{self.uri}/api/2.0/mlflow/{path}", None
        if method == "GET":
            url += "?" + urllib.parse.urlencode(values)
        else:
            data = json.dumps(values).encode()
        request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": "application/json"})
        if (authorization := self._login or _authorization()) is not None:
            request.add_unredirected_header("Authorization", authorization)
        local = urllib.parse.urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        # Not `http_exchange.opener`: a server may send on, and the authorization stays behind.
        through = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if local else []))
        reply, why = exchange(through, request, CAP)
        if reply is None:
            raise MlflowError(f"MLflow at {plain(self.uri)} gives no answer: {plain(why)}.")
        if reply.status >= 400:
            said = reply.body.decode("utf-8", "replace")
            raise MlflowError(f"MLflow answered {reply.status} to {path}: {plain(said)}.")
        try:
            found = json.loads(reply.body)
        except ValueError:
            raise MlflowError(f"MLflow's answer to {path} is not valid JSON; check {URI}.") from None
        if not isinstance(found, dict):
            raise MlflowError(f"MLflow's answer to {path} is no object; check {URI}.")
        return found


def _authorization() -> str | None:
    """As MLflow's own client reads it."""
    name, secret = os.environ.get("MLFLOW_TRACKING_USERNAME", ""), os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return _basic(name, secret) or (f"Bearer {token}" if token else None)


def _basic(name: str, secret: str) -> str | None:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode() if name and secret else None
