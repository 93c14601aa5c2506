"""The generated project's image, built for real: what is in it, who may run it, and what it answers."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from containers import BASE, Containers, started
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from loopback import free_port, registry
from mlflow import MlflowClient
from packaging_steps import NAME, STEPS, Packaged, change_model, golden, layers, lock_and_train, package
from repositories import ROOT, commit_all, git

from model_review.cli import main
from model_review.release.registry import Registry

pytestmark = pytest.mark.xdist_group("image")  # one process builds it

INSIDE = """
import importlib.metadata, importlib.util, json, os, shutil, sys
names = sorted(f"{one.name}=={one.version}" for one in importlib.metadata.distributions())
found = [name for name in ("gcc", "cc", "make", "uv", "git") if shutil.which(name)]
caches = [path for path in ("/root/.cache", "/tmp/.cache", "/uv", "/requirements.serve.txt") if os.path.exists(path)]
modules = [name for name in ("mlflow", "pip", "pytest", "matplotlib") if importlib.util.find_spec(name)]
import bentoml
stale = [name for name, module in sys.modules.items() if getattr(module, "__cached__", None)
         and not os.path.exists(module.__cached__)]
print(json.dumps({"names": names, "found": found, "caches": caches, "modules": modules, "stale": stale}))
"""


def test_any_user_may_run_it_on_a_read_only_system_and_it_answers_as_offline_prediction_did(
    packaged: Packaged,
) -> None:
    world = packaged.world
    with started(world, packaged.image, "--user", "54321:54321") as (name, url, _):
        golden(packaged.project, url)
        assert world.must("podman", "exec", name, "id", "-u") == "54321"
        assert world.run("podman", "exec", name, "touch", "/app/x").returncode != 0
        assert world.run("podman", "healthcheck", "run", name).returncode == 0


def test_it_runs_as_nobody_of_this_machine_unless_told_otherwise(packaged: Packaged) -> None:
    settings = json.loads(packaged.world.must("podman", "image", "inspect", packaged.image))[0]
    assert settings["User"] == "10001:10001"
    assert list(settings["Config"]["ExposedPorts"]) == ["3000/tcp"]
    assert "/readyz" in " ".join(settings["Healthcheck"]["Test"])
    assert settings["Id"] == packaged.outputs["id"].removeprefix("sha256:")


def test_it_holds_the_locked_packages_and_nothing_to_build_with(packaged: Packaged) -> None:
    found = json.loads(packaged.world.must("podman", "run", "--rm", packaged.image, "python", "-c", INSIDE))
    assert (found["found"], found["caches"], found["modules"]) == ([], [], [])
    assert found["stale"] == [], "every module has its bytecode: a read-only system cannot write it"
    locked = (packaged.project / "requirements.serve.txt").read_text(encoding="utf-8")
    pins = {pin.lower() for pin in re.findall(r"^([\w.-]+==[^\s;]+)", locked, re.MULTILINE)}
    installed = {name.lower().replace("_", "-") for name in found["names"]}
    assert installed <= pins
    assert {name.partition("==")[0] for name in installed} > {
        "bentoml",
        "numpy",
        "uvloop",
        "httptools",
        "prometheus-client",
    }


def test_its_labels_say_which_commit_model_contract_and_data_it_is_made_of(packaged: Packaged) -> None:
    settings = json.loads(packaged.world.must("podman", "image", "inspect", packaged.image))[0]
    labels = settings["Labels"]
    record = json.loads((packaged.project / "run/run.json").read_text(encoding="utf-8"))
    revision = git(packaged.project, "rev-parse", "HEAD")
    assert packaged.image == f"{NAME}:{revision}"
    assert packaged.outputs["bento"] == f"churn:{revision[:12]}"
    assert labels["org.opencontainers.image.revision"] == revision
    assert labels["org.opencontainers.image.title"] == "churn"
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.source"] == "https://github.com/acme/churn"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", labels["org.opencontainers.image.created"])
    assert labels["io.model-review.model-digest"] == record["model"]["digest"]
    assert labels["io.model-review.contract-digest"] == record["contract_digest"]
    assert labels["io.model-review.data-digest"] == record["data"]["digest"]
    assert labels["io.model-review.mlflow-run"] == record["tracking"]["run_id"]
    assert json.loads(labels["io.model-review.metrics"]) == record["metrics"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", labels["io.model-review.run-digest"])


def test_the_sbom_lists_every_package_that_dpkg_and_pip_find_in_it(packaged: Packaged, tmp_path: Path) -> None:
    world, out = packaged.world, tmp_path / "sbom.json"
    world.must("skopeo", "copy", "--quiet", f"containers-storage:{packaged.image}", f"dir:{tmp_path / 'image'}")
    given = ["--folder", str(tmp_path / "image"), "--requirements", str(packaged.project / "requirements.serve.txt")]
    assert main(["sbom", *given, "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(text) is None
    found = json.loads(text)["components"]
    kind = f"pkg:deb/{platform.freedesktop_os_release()['ID']}/"  # the base is made of this machine's distribution
    listed = {(one["name"], one["version"]) for one in found if one.get("purl", "").startswith(kind)}
    shown = "${Package} ${Version}\n"
    inside = world.must("podman", "run", "--rm", packaged.image, "dpkg-query", "--show", "--showformat", shown)
    assert listed == {tuple(line.split()) for line in inside.splitlines()}
    assert {"libc6", "python3-minimal"} <= {name for name, _ in listed}
    assert "bentoml" in {one["name"] for one in found if one.get("purl", "").startswith("pkg:pypi/")}


def test_it_goes_through_a_registry_and_comes_back_by_digest(packaged: Packaged) -> None:
    world, loopback = packaged.world, "--tls-verify=false"
    with registry(world.folder) as host:
        remote, file = f"{host}/acme/churn", world.folder / "digest"
        world.must(
            "buildah", "push", loopback, "--digestfile", str(file), packaged.image, f"docker://{remote}:production"
        )
        digest = file.read_text(encoding="utf-8").strip()
        shown = "{{.Digest}}"
        assert world.must("skopeo", "inspect", loopback, "--format", shown, f"docker://{remote}:production") == digest
        world.must("podman", "pull", "--quiet", loopback, f"{remote}@{digest}")
        with started(world, f"{remote}@{digest}") as (_, url, _):
            golden(packaged.project, url, 5)


def test_a_new_model_reuses_every_layer_but_the_last(packaged: Packaged, tmp_path: Path) -> None:
    changed = change_model(packaged.project, tmp_path / "project")
    again = package(packaged.world, changed, tmp_path / "runner", steps=STEPS[:2])
    before, after = layers(packaged.world, packaged.image), layers(packaged.world, again.image)
    assert after[:-1] == before[:-1]
    assert after[-1] != before[-1]
    history = json.loads(packaged.world.must("podman", "history", "--format", "json", again.image))
    assert next(entry["size"] for entry in history if entry["size"]) < 5_000_000


def test_a_package_that_is_not_the_locked_one_stops_the_build(packaged: Packaged, tmp_path: Path) -> None:
    world = packaged.world
    context = tmp_path / "bento"
    (context / "src").mkdir(parents=True)
    locked = (packaged.project / "requirements.serve.txt").read_text(encoding="utf-8")
    name, digits = re.findall(
        r"^(click)==.*?((?:--hash=sha256:[0-9a-f]{64}[\s\\]*)+)", locked, re.MULTILINE | re.DOTALL
    )[0]
    forged = locked.replace(digits, re.sub(r"sha256:[0-9a-f]{64}", "sha256:" + "0" * 64, digits))
    (context / "src/requirements.serve.txt").write_text(forged, encoding="utf-8")
    done = build(world, packaged.project, context, "--layers")
    assert done.returncode != 0
    assert f"Hash mismatch for `{name}" in done.stderr


def test_the_readme_s_lines_build_it_too(packaged: Packaged) -> None:
    world = packaged.world
    blocks = re.findall(r"```sh\n(.*?)```", (packaged.project / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (block,) = [text for text in blocks if "--backend buildah" in text]
    pasted, started_by, _ = block.partition("podman run ")
    base = f"--opt build-context={pinned(packaged.project)}=docker-image://{BASE}"
    # Only the base is another: the pinned one is not to be had on every machine.
    lines = pasted.replace("--opt layers", f"--opt layers {base}")
    store = {"BENTOML_HOME": str(packaged.scratch / "model-review/bentoml"), "VIRTUAL_ENV": "", "PYTHONPATH": ""}
    world.must("bash", "-euc", lines, cwd=packaged.project, **store)
    assert layers(world, "localhost/churn:latest")[:-1] == layers(world, packaged.image)[:-1]
    assert started_by


@pytest.mark.prove
def test_the_page_s_lines_release_twice_and_go_back_on_a_laptop(packaged: Packaged, tmp_path: Path) -> None:
    world, project = packaged.world, tmp_path / "churn"
    shutil.copytree(packaged.project, project, ignore=shutil.ignore_patterns(".venv"))  # it names its own folder
    page = (ROOT / "docs/releasing.md").read_text(encoding="utf-8").partition("\n## On a laptop\n")[2]
    release, back = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    begin = "".join(release.splitlines(keepends=True)[:2])  # it is the same shell
    # Only the base is another, and the ports: those of the page may be taken.
    base = f"--opt build-context={pinned(project)}=docker-image://{BASE}"
    release = release.replace("--opt layers", f"--opt layers {base}")
    release = release.replace("127.0.0.1:3000", f"127.0.0.1:{free_port()}")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    store = {"BENTOML_HOME": str(tmp_path / "bentoml"), "VIRTUAL_ENV": "", "PYTHONPATH": "", "PATH": path}
    with registry(tmp_path) as host:
        image = f"{host}/me/churn"
        digests = []
        for trees in (100, 60):
            params = project / "params.yaml"
            params.write_text(re.sub(r"max_iter: \d+", f"max_iter: {trees}", params.read_text(encoding="utf-8")))
            commit_all(project)
            world.must("bash", "-euc", release.replace("127.0.0.1:5000", host), cwd=project, **store)
            digests.append(Registry(image).resolve("production"))
        world.must("bash", "-euc", begin.replace("127.0.0.1:5000", host) + back, cwd=project, **store)
        assert Registry(image).resolve("production") == digests[0]
    lines = [json.loads(line) for line in (project / "promotions.jsonl").read_text().splitlines()]
    assert [line["action"] for line in lines] == ["promote", "promote", "rollback"]
    assert digests[0] != digests[1]
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    aliases = client.get_registered_model("churn").aliases
    assert {name: str(version) for name, version in aliases.items()} == {"champion": "1", "previous": "2"}


def pinned(project: Path) -> str:
    """The base as the recipe names it."""
    (found,) = re.findall(r"^FROM (\S+) AS base$", (project / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.fullmatch(r"python:3\.1[123]-slim@sha256:[0-9a-f]{64}", found)
    return str(found)


def build(world: Containers, project: Path, context: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Build from a bento's folder by the project's recipe, on the tests' base."""
    recipe = project / "Dockerfile"
    known = ["--timestamp", "0", "--build-context", f"{pinned(project)}=docker-image://{BASE}", "--file", str(recipe)]
    return world.run("buildah", "build", *known, *options, str(context))


@pytest.mark.prove
def test_one_bento_gives_one_image_and_two_bentos_of_a_commit_differ_in_their_date_alone(
    packaged: Packaged, tmp_path: Path
) -> None:
    world = packaged.world
    store = packaged.scratch / "model-review/bentoml/bentos/churn"
    first = store / git(packaged.project, "rev-parse", "--short=12", "HEAD")
    again = package(world, packaged.project, tmp_path / "runner", steps=STEPS[:1])
    second = tmp_path / "runner/model-review/bentoml/bentos" / again.outputs["bento"].replace(":", "/")
    for name, context in {"a": first, "b": first, "c": second}.items():
        done = build(world, packaged.project, context, "--no-cache", "--tag", f"localhost/twice:{name}")
        assert done.returncode == 0, done.stderr[-3000:]
    one, same, other = (files(world, f"localhost/twice:{name}") for name in "abc")
    assert differing(one, same) == set()
    assert layers(world, "localhost/twice:a") == layers(world, "localhost/twice:b")
    assert differing(one, other) == {"app/bento/bento.yaml"}


@pytest.mark.prove
def test_a_model_that_onnx_cannot_reproduce_gets_an_image_with_scikit_learn(packaged: Packaged, tmp_path: Path) -> None:
    project = Path(shutil.copytree(packaged.project, tmp_path / "project", ignore=shutil.ignore_patterns(".venv")))
    export = project / "src/churn/export.py"
    text = export.read_text(encoding="utf-8")
    assert "TOLERANCE = 1e-6" in text
    export.write_text(text.replace("TOLERANCE = 1e-6", "TOLERANCE = -1.0"), encoding="utf-8")
    lock_and_train(project)
    made = package(packaged.world, project, tmp_path / "runner")  # the probe holds its answers against offline ones
    assert json.loads((project / "run/run.json").read_text(encoding="utf-8"))["model"]["format"] == "skops"
    found = json.loads(packaged.world.must("podman", "run", "--rm", made.image, "python", "-c", INSIDE))
    assert {"scikit-learn", "pandas", "skops"} <= {name.partition("==")[0].lower() for name in found["names"]}
    assert (found["found"], found["caches"], found["modules"]) == ([], [], [])


def files(world: Containers, image: str) -> dict[str, str]:
    """Every file of an image: its path to a digest of its content and mode."""
    place = Path(world.must("podman", "image", "mount", image))
    found = {
        path.relative_to(place).as_posix(): f"{path.lstat().st_mode:o} {digest_of(path)}"
        for path in sorted(place.rglob("*"))
        if path.is_symlink() or path.is_file()
    }
    world.must("podman", "image", "unmount", image)
    return found


def digest_of(path: Path) -> str:
    """What a file holds, or where a link leads."""
    return str(path.readlink()) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()


def differing(one: dict[str, str], other: dict[str, str]) -> set[str]:
    """Paths that are not the same in both."""
    return {path for path in one.keys() | other.keys() if one.get(path) != other.get(path)}
