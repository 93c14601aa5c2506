"""What the actions do where a Docker engine answers: build, probe, write into files, push, pull, probe again."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from containers import BASE
from loopback import registry
from packaging_steps import STEPS, Packaged, earlier
from repositories import ACTIONS, commit_all, engine, outputs, step
from test_image import pinned

pytestmark = [pytest.mark.prove, pytest.mark.xdist_group("image")]


def answers(variables: dict[str, str]) -> bool:
    """Whether an engine does."""
    if shutil.which("docker", path=variables["PATH"]) is None:
        return False
    return subprocess.run(["docker", "version"], env=variables, capture_output=True, check=False).returncode == 0


@contextmanager
def docker() -> Iterator[dict[str, str]]:
    """The environment in which an engine answers: the machine's, else one of Debian's that is started for this test."""
    known = dict(os.environ)
    if answers(known):
        yield known
        return
    if shutil.which("dockerd") is None or os.geteuid() != 0:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "no Docker engine answers (apt install docker.io, as root)"
        )
    folder = Path(tempfile.mkdtemp(prefix="docker-", dir="/tmp"))
    known["DOCKER_HOST"] = f"unix://{folder}/docker.sock"
    (folder / "client").mkdir()  # Debian's too: another that comes first in PATH may have no builder
    (folder / "client/docker").symlink_to("/usr/bin/docker")
    known["PATH"] = f"{folder}/client:{known['PATH']}"
    places = [f"--{name}={folder}/{name}" for name in ("data-root", "exec-root", "pidfile")]
    # No rule of this machine's firewall is changed: ports are published by docker's own proxy.
    quiet = ["--iptables=false", "--ip-masq=false", "--ip-forward=false", "--storage-driver=overlay2"]
    before = interfaces()
    with (folder / "log").open("wb") as log:
        command = ["dockerd", f"--host={known['DOCKER_HOST']}", *places, *quiet]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=known)
    try:
        for _ in range(600):
            if answers(known):
                break
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            time.sleep(0.1)
        yield known
    finally:
        process.terminate()
        process.wait(60)
        for name in interfaces() - before:
            if name == "docker0":
                subprocess.run(["ip", "link", "delete", name], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def interfaces() -> set[str]:
    return {one.name for one in Path("/sys/class/net").iterdir()}


def must(variables: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout.strip()


def test_docker_builds_probes_and_hands_on_an_image_that_it_pulls_by_digest_and_probes_again(
    packaged: Packaged, tmp_path: Path
) -> None:
    project = Path(shutil.copytree(packaged.project, tmp_path / "project", symlinks=True))
    recipe = project / "Dockerfile"
    text = recipe.read_text(encoding="utf-8")
    recipe.write_text(text.replace(f"FROM {pinned(project)} ", f"FROM {BASE} "), encoding="utf-8")
    commit_all(project)
    archive = tmp_path / "base.tar"
    packaged.world.must("buildah", "push", "--quiet", BASE, f"docker-archive:{archive}:{BASE}")
    with docker() as known, registry(tmp_path) as host:
        must(known, "docker", "load", "--quiet", "--input", str(archive))
        # The engine that this test starts has no rules by which a build reaches the index of packages.
        real, tools = shutil.which("docker", path=known["PATH"]), tmp_path / "tools"
        tools.mkdir()
        (tools / "docker").write_text(
            f'#!/bin/sh\n[ "$1" != build ] || {{ shift; set -- build --network host "$@"; }}\nexec {real} "$@"\n'
        )
        (tools / "docker").chmod(0o755)
        known |= {"PATH": f"{tools}:{known['PATH']}"}
        known |= {name: packaged.world.environment[name] for name in ("CONTAINERS_STORAGE_CONF", "CONTAINERS_CONF")}
        runner = tmp_path / "runner"
        runner.mkdir()
        found: dict[str, str] = {}
        image = f"{host}/acme/churn"
        for name in STEPS:
            given = {"image": image, "builder": "", "base-image": ""} | earlier(found)
            found |= step(ACTIONS / "package", name, project, runner, **known, **given)
        assert found["builder"] == "docker"
        assert json.loads((runner / "model-review/probe.json").read_text())["passed"] is True

        work = runner / "model-review"
        policy = ["--policy", "model-review.toml", "--challenger-probe", str(work / "probe.json")]
        compared = engine(
            project,
            runner,
            "compare",
            "--champion",
            "none",
            "--challenger",
            "run",
            *policy,
            "--out",
            str(work / "review"),
        )
        assert compared.returncode == 0, compared.stderr
        given = {"image": found["image"], "builder": found["builder"]}
        found |= step(ACTIONS / "bundle", "Write the image and the documents", project, runner, **known, **given)
        labels = json.loads(must(known, "docker", "image", "inspect", found["image"]))[0]["Config"]["Labels"]
        listed = json.loads((work / "release/sbom.cdx.json").read_text())["components"]
        assert {"libc6", "bentoml"} <= {one["name"] for one in listed}

        pushed = engine(project, runner, "push", "--folder", str(work / "image"), "--image", image)
        assert pushed.returncode == 0, pushed.stderr
        assert outputs(runner)["digest"] == found["digest"]
        assert labels["org.opencontainers.image.revision"] == outputs(runner)["commit"]
        must(known, "docker", "image", "rm", "--force", found["image"])
        shutil.copytree(work / "release", work / "stage")
        expression = "${{ steps.find.outputs.image || inputs.image }}@${{ steps.find.outputs.digest || inputs.digest }}"
        given = {expression.removeprefix("${{ ").removesuffix(" }}"): f"{image}@{found['digest']}"}
        given |= {"registry-username": "", "registry-password": ""}
        step(ACTIONS / "stage", "Pull, start and probe", project, runner, **known, **given)
        probe = json.loads((work / "staged/probe.json").read_text())
        assert (probe["passed"], probe["image"]["digest"]) == (True, found["digest"])
        assert must(known, "docker", "ps", "--all", "--quiet", "--filter", "name=model-review-") == "", (
            "a probe left its container behind"
        )
