"""The content key of a commit: the hash of what determines a run, read from git's own tree hashes."""

import hashlib
import json
import os
import platform
from pathlib import Path, PurePosixPath

import yaml

from model_review.git import blob, git
from model_review.kinds import OF_FILE, Kind
from model_review.yaml_faults import FAULTS

SCHEMA = "model-review/key@1"
# What is known not to determine a run. Everything else counts, so that no change hides where nobody looks.
APART = {
    ".dockerignore",
    ".editorconfig",
    ".github",
    ".gitignore",
    ".pre-commit-config.yaml",
    "Dockerfile",
    "LICENSE",
    "bentofile.yaml",
    "deploy",
    "docs",
    "model-card.yaml",
    "model-review.toml",
    "tests",
}


def content_key(repository: Path, commit: str, *, lock: bytes | None = None) -> str:
    """64 hex digits that change exactly when code, data, params, lock, contract, Python or the runner's system do.

    Args:
        repository: The project's folder, inside a git repository.
        commit: The commit.
        lock: The lock that stands in where the commit has no uv.lock.
    """
    parts = _parts(repository, commit)
    if lock is not None:
        parts.setdefault("uv.lock", "resolved " + hashlib.sha256(lock).hexdigest())
    described = {"schema": SCHEMA, "content": parts, "python": _python(repository, commit), "system": _system()}
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def changed_kinds(repository: Path, before: str, after: str) -> list[Kind]:
    """Of what determines a run: the kinds that are not the same in both commits."""
    old, new = _parts(repository, before), _parts(repository, after)
    names = {PurePosixPath(name).parts[0] for name in {*old, *new} if old.get(name) != new.get(name)}
    tables = {table.parts[0] for commit in (before, after) if (table := _table_path(repository, commit)) is not None}
    kinds: set[Kind] = {"data" if name in tables else OF_FILE.get(name, "code") for name in names - {"pyproject.toml"}}
    if "pyproject.toml" in names:  # what it requires, where the lock follows
        kinds.add("dependencies" if "uv.lock" in names else "code")
    return sorted(kinds)


def _parts(repository: Path, commit: str) -> dict[str, str]:
    """Name to hash of all that determines a run."""
    listed = _listed(repository, commit)
    return {name: one for name, one in listed.items() if not _apart(name)} | _table(repository, commit)


def _apart(name: str) -> bool:
    return name in APART or name.endswith(".md")


def _listed(repository: Path, commit: str, *names: str) -> dict[str, str]:
    """Name to hash, of the project's own folder or of the names; a folder's hash is that of all below it."""
    prefix = git(repository, "rev-parse", "--show-prefix").strip("\n")
    # `-z`: names as they are, never quoted.
    lines = git(repository, "ls-tree", "-z", "--full-tree", f"{commit}:{prefix}", "--", *names)
    return dict(_entry(line) for line in lines.split("\0") if line)


def _entry(line: str) -> tuple[str, str]:
    described, _, name = line.partition("\t")
    return name, described


def _table(repository: Path, commit: str) -> dict[str, str]:
    """The contract's table, where it lies in a folder that is not looked at."""
    path = _table_path(repository, commit)
    return _listed(repository, commit, str(path)) if path is not None and _apart(path.parts[0]) else {}


def _table_path(repository: Path, commit: str) -> PurePosixPath | None:
    """Where the contract says that the table lies, inside the project."""
    text = blob(repository, commit, "contract.yaml")
    try:
        path = yaml.load(text or b"", Loader=yaml.CSafeLoader)["servers"][0]["path"]
    except FAULTS:
        return None  # training says what is wrong with the contract
    if not isinstance(path, str) or "\0" in path:
        return None
    found = PurePosixPath(path)
    return found if found.parts and not found.is_absolute() and ".." not in found.parts else None


def _python(repository: Path, commit: str) -> str | None:
    """The version that uv is asked for; without the file, pyproject.toml decides, which is hashed as well."""
    text = blob(repository, commit, ".python-version")
    return None if text is None else text.decode("utf-8", "replace").strip()


def _system() -> str:
    """GitHub's names where a runner gives them."""
    system = os.environ.get("RUNNER_OS") or platform.system()
    return f"{system} {os.environ.get('RUNNER_ARCH') or platform.machine()}"
