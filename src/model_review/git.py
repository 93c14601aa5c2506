"""git, asked for facts about commits. Nothing is fetched, and no hook of the repository runs."""

import os
import subprocess
from pathlib import Path

from model_review.errors import ReviewError
from model_review.text import plain


def git(repository: Path, *arguments: str) -> str:
    """What git prints; a refusal says which command failed and why."""
    return _must(repository, *arguments).decode("utf-8", "surrogateescape")


def commit_of(repository: Path, revision: str) -> str | None:
    """The full commit that a revision names, where this clone holds it."""
    return _parsed(repository, f"{revision}^{{commit}}")


def blob(repository: Path, commit: str, name: str) -> bytes | None:
    """A file as that commit holds it; None where it holds none. `name` is relative to `repository`."""
    found = _parsed(repository, f"{commit}:./{name}")
    return None if found is None else _must(repository, "cat-file", "blob", found)


def _parsed(repository: Path, name: str) -> str | None:
    git(repository, "rev-parse", "--git-dir")  # where this is no repository, it says so
    done = _run(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", name)
    return done.stdout.decode().strip() if done.returncode == 0 else None


def _must(repository: Path, *arguments: str) -> bytes:
    done = _run(repository, *arguments)
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        why = next((line for line in lines if line.startswith("fatal: ")), lines[-1])  # a hint may follow it
        raise ReviewError(f"git {plain(' '.join(arguments[:2]))} failed in {plain(repository)}: {plain(why)}.")
    return done.stdout


def _run(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # Variables such as GIT_DIR would point git at another repository than the one that was named.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", f"core.hooksPath={os.devnull}", "--no-replace-objects", *arguments]
    try:
        return subprocess.run(command, cwd=repository, env=environment, capture_output=True, check=False)
    except OSError as error:
        raise ReviewError(f"git cannot be run in {plain(repository)}: {error.strerror}.") from None
