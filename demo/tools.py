"""What builds and runs containers on this machine, and the image to build on; else what is missing for it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from console import FOLDER, took
from containers import BASE, HARDENED, Containers, base_archive, containers, make_base

PULL_SECONDS = 300
VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


@dataclass(frozen=True)
class Tools:
    """The programs of this machine.

    Attributes:
        builder: Docker or buildah.
        runner: Docker or podman.
        environment: Where the programs keep their images.
        base: An image to build on in place of the recipe's; empty for the recipe's own.
    """

    builder: str
    runner: str
    environment: Mapping[str, str]
    base: str = ""

    def run(self, *command: str, seconds: float = PULL_SECONDS) -> subprocess.CompletedProcess[str]:
        """Run one of the programs, whatever it ends with; one that does not end is stopped."""
        try:
            return subprocess.run(
                command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 1, "", f"no end within {seconds:g} s")


@contextmanager
def available(project: Path) -> Iterator[Tools | str]:
    """The programs until the end of the block, or why no container of this project can be made, in one sentence."""
    recipe = (project / "Dockerfile").read_text(encoding="utf-8")
    base = next(line.split()[1] for line in recipe.splitlines() if line.startswith("FROM "))
    docker = Tools("docker", "docker", os.environ)
    engine = shutil.which("docker") is not None and docker.run("docker", "version", seconds=30).returncode == 0
    # The actions' scripts read JSON with jq, which GitHub's runners have.
    needed = ("jq",) if engine else ("buildah", "podman", "skopeo", "jq")
    absent = [name for name in needed if shutil.which(name) is None]
    if absent:
        lacking = f"{' and '.join(absent)} {'is' if len(absent) == 1 else 'are'} not installed"
        yield f"{lacking} (apt install {' '.join(absent)}){'' if engine else ', and no Docker engine answers'}"
    elif engine:
        yield _with_base(docker, base)
    elif os.geteuid():
        yield _with_base(Tools("buildah", "podman", os.environ), base)
    else:  # as root, in a storage of the demo's own
        with containers(FOLDER / "containers") as world:
            found = _with_base(Tools("buildah", "podman", world.environment), base)
            yield found if isinstance(found, Tools) else _with_own_base(world, project, found)


def _with_base(tools: Tools, base: str) -> Tools | str:
    """The image that the recipe builds on has to be here, or to come from its registry, and to start."""
    started = time.monotonic()
    if tools.run(tools.runner, "image", "inspect", base).returncode:
        pulled = tools.run(tools.runner, "pull", "--quiet", base)
        if pulled.returncode:
            return f"{tools.runner} cannot pull {base.partition('@')[0]} ({_last(pulled.stderr)})"
        took(f"pull the base image ({tools.runner})", started)
    return _that_start(tools, base)


def _with_own_base(world: Containers, project: Path, why: str) -> Tools | str:
    """A base image that debootstrap makes of this Debian, once, for a machine that reaches no registry."""
    tools = Tools("buildah", "podman", world.environment, BASE)
    if tools.run("podman", "image", "inspect", BASE).returncode:
        if shutil.which("debootstrap") is None:
            return f"{why}; nor is debootstrap there to make a base image (apt install debootstrap)"
        started = time.monotonic()
        try:
            base_archive()
            make_base(world)
        except (OSError, subprocess.CalledProcessError, AssertionError, KeyError) as error:
            return f"{why}; nor could debootstrap make a base image ({_last(str(error))})"
        took("make a base image (debootstrap)", started)
    found = tools.run("podman", "run", "--rm", BASE, "python3", "-c", VERSION).stdout.strip()
    wanted = (project / ".python-version").read_text(encoding="utf-8").strip()
    if found and found != wanted:
        return f"{why}; debootstrap's base image has Python {found}, and the project wants {wanted}"
    return _that_start(tools, BASE)


def _that_start(tools: Tools, base: str) -> Tools | str:
    """Containers have to start here, as production starts them."""
    published = ("--publish", "127.0.0.1::3000")
    done = tools.run(tools.runner, "run", "--rm", *HARDENED, *published, base, "python3", "-c", "")
    return f"{tools.runner} starts no container here ({_last(done.stderr)})" if done.returncode else tools


def _last(printed: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "without a word"
