"""Real git repositories with pull requests in them, and the actions' own parts run on them."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTIONS = ROOT / ".github/actions"
ENGINE = ACTIONS / "setup/engine.sh"
WHO = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def demand_shellcheck() -> None:
    """Skip where shellcheck is missing; under CI that is a failure."""
    if shutil.which("shellcheck") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("not run here: shellcheck (apt install shellcheck)")


def git(repository: Path, *arguments: str) -> str:
    """Run git; it must work."""
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], env=os.environ | WHO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(repository: Path, **files: str | None) -> str:
    """Commit files by content (None removes one; `__` in a name stands for a slash, `_dot_` for a dot)."""
    for name, content in files.items():
        path = repository / name.replace("__", "/").replace("_dot_", ".")
        if content is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return commit_all(repository)


def commit_all(repository: Path) -> str:
    """Commit what is there."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "change")
    return git(repository, "rev-parse", "HEAD")


def merge(repository: Path, base: str, head: str) -> str:
    """Check out the merge of a pull request, as GitHub offers it: the first parent is main."""
    git(repository, "checkout", "--quiet", "--detach", base)
    git(repository, "merge", "--quiet", "--no-ff", "--message", "merge", head)
    return git(repository, "rev-parse", "HEAD")


def engine(folder: Path, scratch: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Call the launcher as an action's step does."""
    known = {"RUNNER_TEMP": str(scratch), "GITHUB_OUTPUT": str(scratch / "outputs")}
    known["GITHUB_STEP_SUMMARY"] = str(scratch / "summary.md")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "RUNNER_"))}
    return subprocess.run(
        ["bash", str(ENGINE), *arguments],
        cwd=folder,
        env=clean | known | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def outputs(scratch: Path) -> dict[str, str]:
    """What the steps wrote so far, read as the runner reads it."""
    found: dict[str, str] = {}
    lines = iter((scratch / "outputs").read_text(encoding="utf-8").splitlines())
    for line in lines:
        name, equals, value_of_one_line = line.partition("=")
        if equals and "<<" not in name:
            found[name] = value_of_one_line
            continue
        name, _, delimiter = line.partition("<<")
        value = []
        while (part := next(lines)) != delimiter:
            value.append(part)
        found[name] = "\n".join(value)
    return found


def content(folder: Path) -> dict[str, Any]:
    """The content of an action.yml."""
    loaded: dict[str, Any] = yaml.safe_load((folder / "action.yml").read_text(encoding="utf-8"))
    return loaded


def step(folder: Path, name: str, workspace: Path, scratch: Path, **values: str) -> dict[str, str]:
    """Run one step as the runner does: its script under bash -e, its values through the environment; its outputs.

    `values` are inputs by name, outputs of earlier steps by `steps.<id>.outputs.<name>`, and variables in capitals.
    """
    found = next(one for one in content(folder)["runs"]["steps"] if one["name"] == name)
    expressions = {key: value.removeprefix("${{ ").removesuffix(" }}") for key, value in found.get("env", {}).items()}
    given = {key: values[value.removeprefix("inputs.")] for key, value in expressions.items()}
    (scratch / "outputs").write_text("", encoding="utf-8")
    known = {"GITHUB_ACTION_PATH": str(folder), "RUNNER_TEMP": str(scratch), "GITHUB_OUTPUT": str(scratch / "outputs")}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]],
        cwd=workspace,
        env=clean | known | given | {key: value for key, value in values.items() if key.isupper()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return outputs(scratch)
