"""Real builders, a real registry and real containers, in folders and storages of their own."""

import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from loopback import DIRECT, free_port

# What each program comes with on Debian and Ubuntu.
PACKAGES = {
    "buildah": "buildah",
    "podman": "podman",
    "runc": "runc",
    "iptables": "iptables",  # podman publishes ports with it
    "skopeo": "skopeo",
    "docker-registry": "docker-registry",
    "debootstrap": "debootstrap",
}
BASE = "localhost/model-review-base:1"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PRUNED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists", "var/log")


def missing() -> str:
    """What this machine lacks for these tests; empty where it lacks nothing."""
    packages = [package for program, package in PACKAGES.items() if shutil.which(program) is None]
    if packages:
        return f"apt install {' '.join(packages)}"
    return "" if os.geteuid() == 0 else "root is needed to make a base image and to run containers"


def demand_tools() -> None:
    """Skip with what is missing; under CI that is a failure."""
    if lacking := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"not run here: images ({lacking})")


@dataclass(frozen=True)
class Containers:
    """A storage for images and containers, and the environment in which the programs use it."""

    folder: Path
    environment: dict[str, str]

    def run(self, *command: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program on this storage, whatever it ends with."""
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, *command: str, cwd: Path | None = None, **variables: str) -> str:
        """Run a program that must work; what it prints."""
        done = self.run(*command, cwd=cwd, **variables)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout.strip()


@contextmanager
def containers(kept: Path | None = None) -> Iterator[Containers]:
    """A storage until the end of the block; its images stay in `kept` where that is given."""
    # Short, since sockets lie in it, and never below a hidden folder, which BentoML refuses.
    folder = Path(tempfile.mkdtemp(prefix="containers-", dir="/tmp"))
    graph = (kept or folder) / "graph"
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{graph}"\nrunroot = "{folder}/run"\n', encoding="utf-8"
    )
    # What podman knows of containers lies where `podman --root` looks for it: so does the process that puts an ended
    # container away, without which each end is waited for 20 s. It names this storage's folder, so none is taken over.
    shutil.rmtree(graph / "libpod", ignore_errors=True)
    # runc with limits of its own: crun refuses mixed cgroups, and raising a limit is not allowed everywhere. Locks in
    # files, so that another storage of this machine is not touched.
    (folder / "containers.conf").write_text(
        f'[engine]\nruntime = "runc"\nlock_type = "file"\ntmp_dir = "{folder}/tmp"\ncgroup_manager = "cgroupfs"\n'
        f'events_logger = "file"\nstatic_dir = "{graph}/libpod"\nvolume_path = "{folder}/volumes"\n'
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n',
        encoding="utf-8",
    )
    known = {name: value for name, value in os.environ.items() if name != "STORAGE_DRIVER"}
    known |= {
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "BUILDAH_ISOLATION": "chroot",
    }
    world = Containers(folder, known)
    try:
        yield world
    finally:
        world.run("podman", "rm", "--all", "--force")
        world.run("podman", "unmount", "--all")
        world.run("buildah", "rm", "--all")
        subprocess.run(["umount", "--quiet", str(graph / "overlay")], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def base_archive() -> Path:
    """A minimal system with this distribution's Python, made once with debootstrap and kept in the user's cache.

    Like the official Python images it holds no bytecode and no documents, so that sizes and start times are comparable.
    """
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "model-review"
    archive = cache / f"base-{suite}-1.tar"
    if archive.is_file():
        return archive
    listed = ["apt-get", "indextargets", "--format", "$(SITE) $(CODENAME) $(COMPONENT)", "Created-By: Packages"]
    sources = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()
    # Where apt names no address, debootstrap's own default serves.
    mirror = sorted(
        {line.split()[0] for line in sources if line.startswith("http") and line.split()[1:] == [suite, "main"]}
    )
    with tempfile.TemporaryDirectory(prefix="base-", dir="/tmp") as place:
        root = Path(place) / "root"
        options = ["--variant=minbase", "--include=ca-certificates,python3,python3-venv"]
        if platform.freedesktop_os_release()["ID"] == "ubuntu":  # has the venv module elsewhere
            options.append("--components=main,universe")
        made = subprocess.run(["debootstrap", *options, suite, str(root), *mirror[:1]], capture_output=True, text=True)
        assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
        for name in PRUNED:
            for file in (root / name).rglob("*"):
                if not file.is_dir():
                    file.unlink()
        for file in (root / "usr/lib").glob("python3*/**/*.pyc"):
            file.unlink()
        cache.mkdir(parents=True, exist_ok=True)
        beside = cache / f"{archive.name}.{os.getpid()}"
        pack = ["tar", "--create", "--file", str(beside), "--directory", str(root), "--exclude=./dev/*"]
        subprocess.run([*pack, "--exclude=./proc/*", "--exclude=./sys/*", "."], check=True)
        beside.rename(archive)
    return archive


def make_base(world: Containers) -> str:
    """Commit the base image; the minor version of its Python.

    It trusts whom this machine trusts and takes packages from where this machine takes them.
    """
    container = world.must("buildah", "from", "scratch")
    world.must("buildah", "add", "--quiet", container, str(base_archive()), "/")
    if CERTIFICATES.is_file():
        world.must("buildah", "copy", "--quiet", container, str(CERTIFICATES), str(CERTIFICATES))
        world.must("buildah", "config", "--env", f"SSL_CERT_FILE={CERTIFICATES}", container)
    if index := os.environ.get("UV_DEFAULT_INDEX"):
        for name, text in {
            "pip.conf": f"[global]\nindex-url = {index}\n",
            "uv.toml": f'index-url = "{index}"\n',
        }.items():
            (world.folder / name).write_text(text, encoding="utf-8")
        world.must("buildah", "copy", "--quiet", container, str(world.folder / "pip.conf"), "/etc/pip.conf")
        world.must("buildah", "copy", "--quiet", container, str(world.folder / "uv.toml"), "/etc/uv/uv.toml")
    show = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = world.must("buildah", "run", container, "python3", "-c", show)
    world.must("buildah", "commit", "--quiet", "--rm", container, BASE)
    return version


def wait_for(url: str, seconds: float) -> float:
    """Ask until the answer is good; how long it took."""
    start = time.monotonic()
    while True:
        try:
            DIRECT.open(url, timeout=2).close()
            return time.monotonic() - start
        except OSError:
            assert time.monotonic() - start < seconds, f"{url} does not answer"
            time.sleep(0.02)


HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")


@contextmanager
def started(
    world: Containers, image: str, *options: str, hardened: Sequence[str] = HARDENED
) -> Iterator[tuple[str, str, float]]:
    """A container as production runs it, until the end of the block: its name, its URL, seconds until it was ready."""
    port = free_port()
    start = time.monotonic()
    published = ("--publish", f"127.0.0.1:{port}:3000")
    name = world.must("podman", "run", "--detach", *hardened, *published, *options, image)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", 180)  # on a machine that is busy with other things
        yield name, f"http://127.0.0.1:{port}", time.monotonic() - start
    except AssertionError:
        log = world.run("podman", "logs", "--tail", "30", name)
        print(log.stdout, log.stderr)
        raise
    finally:
        world.run("podman", "rm", "--force", name)
