"""What stands in for skopeo, podman and docker, and for the service in the tiny images."""

import os
import re
import shutil
import signal
import sys
import urllib.request
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "workflows")]


def skopeo(arguments: list[str]) -> int:
    """`copy ... containers-storage:IMAGE dir:FOLDER` writes a tiny image with the labels that the package noted."""
    from registries import image_folder

    store = Path(os.environ["STORE"])
    named = dict(line.split("=", 1) for line in (store / "labels").read_text().splitlines())
    folder = Path(arguments[-1].removeprefix("dir:"))
    # Where builds are numbered, no two are alike, as those of most builders.
    image_folder(folder, named, seed=named["io.model-review.run-digest"] + os.environ.get("STUB_BUILD", ""))
    shutil.copytree(Path("run"), store / "images" / named["org.opencontainers.image.revision"], dirs_exist_ok=True)
    return 0


def podman(arguments: list[str]) -> int:
    """`pull`, `run` and `image inspect` of an image that the registry holds by digest."""
    if arguments[0] in ("rm", "login", "logout"):
        return 0
    if arguments[0] in ("inspect", "stats"):
        print("0" if arguments[0] == "inspect" else "12.5MB / 1GB")
        return 0
    reference = arguments[-1]
    host, _, rest = reference.partition("/")
    name, _, digest = rest.partition("@")
    headers = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.open(urllib.request.Request(f"http://{host}/v2/{name}/manifests/{digest}", headers=headers)).close()
    if arguments[:2] == ["image", "inspect"]:
        print('[{"Size": 123456}]')
    if arguments[0] == "run":
        from model_review.release.registry import Registry

        held = Registry(f"{host}/{name}")
        manifest = held.manifest(digest)
        assert manifest is not None
        commit = held.labels(manifest)["org.opencontainers.image.revision"]
        port = re.search(r"127\.0\.0\.1:(\d+):3000", " ".join(arguments))
        assert port is not None
        return serve([port[1], str(Path(os.environ["STORE"]) / "images" / commit), "staging"])
    return 0


def serve(arguments: list[str]) -> int:
    """The service of a run: `PORT RUN [staging]`. STUB_FAULT says where something is wrong with it, and what."""
    import json

    from probed import Service, serve

    run = Path(arguments[1])
    service = Service(noise=float((run / "noise").read_text()))
    service.model = json.loads((run / "run.json").read_text())["model"]["digest"]
    where, _, fault = os.environ.get("STUB_FAULT", "").partition(": ")
    if where == (arguments[2] if len(arguments) > 2 else "model"):
        if fault == "ends":
            return 3
        service.ready = 503 if fault == "never ready" else 200
        service.shift = 0.01 if fault == "answers differ" else 0.0
        service.lenient = fault == "takes anything"
    with serve(service, int(arguments[0])):
        signal.pause()
    return 0


if __name__ == "__main__":
    tool = sys.argv[1]
    if tool == "docker":
        sys.exit(1)  # no engine answers here
    sys.exit({"skopeo": skopeo, "podman": podman, "serve": serve}[tool](sys.argv[2:]))
