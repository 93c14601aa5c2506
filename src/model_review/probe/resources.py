"""Memory of a process and all that it started; an image's size and digest, asked of the tool that holds it."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from model_review.errors import ReviewError
from model_review.probe.record import DIGEST, Image, Memory
from model_review.text import plain

UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
TOOLS = ("docker", "podman")


def tree_memory(pid: int) -> Memory | None:
    """Proportional set size of a process and its descendants; None where it may not be read."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue  # ended meanwhile
    tree, found = [pid], 0
    for one in tree:
        tree += [child for child, parent in parents.items() if parent == one]
    for one in tree:
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            if one == pid:
                return None
            continue
        shared = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        found += int(shared[1]) * 1024 if shared else 0
    return Memory(bytes=found, method="pss") if found else None


def container_memory(name: str) -> Memory:
    """Of a running container: its processes, or what the tool's statistics say where these may not be read."""
    for tool in _tools():
        state = _ask(tool, "inspect", "--type", "container", "--format", "{{.State.Pid}}", name)
        if state is None:
            continue
        memory = tree_memory(int(state)) if state.isdigit() and state != "0" else None
        if memory is not None:
            return memory
        used = _ask(tool, "stats", "--no-stream", "--format", "{{.MemUsage}}", name)
        shown = re.match(r"([\d.]+)\s?([kKMG]?i?B)", used or "")
        if shown and shown[2] in UNITS:
            return Memory(bytes=int(float(shown[1]) * UNITS[shown[2]]), method="container statistics")
    raise ReviewError(f"--container {plain(name)} is not running under docker or podman; name one that is.")


def image(reference: str, digest: str | None) -> Image:
    """Size, and the registry's digest where it is part of the reference or given."""
    named = reference.partition("@")[2] or digest
    if named and not re.match(DIGEST, named):
        raise ReviewError(f"{plain(named)} is no digest; give sha256: and 64 hex digits.")
    if digest and named != digest:
        raise ReviewError("--image names another digest than --digest; give one of them.")
    for tool in _tools():
        described = _ask(tool, "image", "inspect", reference)
        if described is not None:
            return Image(reference=plain(reference), digest=named, bytes=_size(described))
    raise ReviewError(f"--image {plain(reference)} is not held by docker or podman; pull or build it first.")


def _size(described: str) -> int | None:
    try:
        found: Any = json.loads(described)[0]["Size"]
    except (ValueError, LookupError, TypeError):
        return None
    return found if isinstance(found, int) and found >= 0 else None


def _tools() -> list[str]:
    found = [tool for tool in TOOLS if shutil.which(tool)]
    if not found:
        raise ReviewError(
            "Neither docker nor podman is on the PATH; leave --container and --image out, or install one."
        )
    return found


def _ask(tool: str, *arguments: str) -> str | None:
    try:
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
