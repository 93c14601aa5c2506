"""The content key of a commit: the hash of what determines a run, read from git's own tree hashes."""

import hashlib
import json
import os
import platform
from pathlib import Path, PurePosixPath

import yaml

from model_review.git import blob, git

SCHEMA = "model-review/key@1"
CONTENT = ("src", "data", "params.yaml", "uv.lock", "contract.yaml", "pyproject.toml", ".python-version")


def content_key(repository: Path, commit: str, *, lock: bytes | None = None) -> str:
    """64 hex digits that change exactly when code, data, params, lock, contract, Python or the runner's system do.

    Args:
        repository: The project's folder, inside a git repository.
        commit: The commit.
        lock: The lock that stands in where the commit has no uv.lock.
    """
    names = [*CONTENT, *_table(repository, commit)]
    # `-z`: names as they are, never quoted. A folder's line is the hash of all below it.
    listed = git(repository, "ls-tree", "-z", "--full-tree", f"{commit}:{_prefix(repository)}", "--", *names)
    found = dict(_entry(line) for line in listed.split("\0") if line)
    parts: dict[str, str | None] = {name: found.get(name) for name in names}
    if parts["uv.lock"] is None and lock is not None:
        parts["uv.lock"] = "resolved " + hashlib.sha256(lock).hexdigest()
    described = {"schema": SCHEMA, "content": parts, "python": _python(repository, commit), "system": _system()}
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _prefix(repository: Path) -> str:
    return git(repository, "rev-parse", "--show-prefix").strip("\n")


def _entry(line: str) -> tuple[str, str]:
    described, _, name = line.partition("\t")
    return name, described


def _table(repository: Path, commit: str) -> list[str]:
    """The contract's table, where it lies outside the folders that are looked at anyway."""
    text = blob(repository, commit, "contract.yaml")
    try:
        path = yaml.load(text or b"", Loader=yaml.CSafeLoader)["servers"][0]["path"]
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, LookupError):
        return []  # training says what is wrong with the contract
    if not isinstance(path, str) or "\0" in path:
        return []
    parts = PurePosixPath(path).parts
    inside = parts and not path.startswith("/") and ".." not in parts and parts[0] not in CONTENT
    return [str(PurePosixPath(*parts))] if inside else []


def _python(repository: Path, commit: str) -> str | None:
    """The version that uv is asked for; without the file, pyproject.toml decides, which is hashed as well."""
    text = blob(repository, commit, ".python-version")
    return None if text is None else text.decode("utf-8", "replace").strip()


def _system() -> str:
    """GitHub's names where a runner gives them."""
    system = os.environ.get("RUNNER_OS") or platform.system()
    return f"{system} {os.environ.get('RUNNER_ARCH') or platform.machine()}"
