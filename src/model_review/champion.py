"""Main's side of a review: its code, in a worktree at its commit and in its own environment, on the same rows."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from model_review.champion_record import ChampionRecord, Status
from model_review.content_key import content_key
from model_review.errors import ReviewError
from model_review.files import SMALL, read_bytes
from model_review.git import git
from model_review.runs import read_run
from model_review.text import plain

LOG = "champion.log"
SYNC = ("sync", "--no-dev", "--group", "train")
# Where the two sides agree on these, one environment serves both: the libraries and the commands are the same.
ENVIRONMENT_FILES = ("uv.lock", "pyproject.toml", ".python-version")
# Caches, indexes and how to reach them; every other variable of uv would change what is installed, or where.
KEPT = re.compile(
    "UV_(CACHE_DIR|DEFAULT_INDEX|EXTRA_INDEX_URL|FIND_LINKS|KEYRING_PROVIDER|INDEX|INDEX_.*|.*CERT.*|NATIVE_TLS|HTTP_.*)"
)
# A step's own files: what main's code prints must not become this step's outputs.
STEP_FILES = ("GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE", "GITHUB_STEP_SUMMARY")


@dataclass(frozen=True)
class Places:
    """Where things lie.

    Attributes:
        repository: The checked-out project: the challenger.
        challenger: Its run directory.
        work: A folder of the review's own, outside the project.
        cached: Where a saved run of main would be.
    """

    repository: Path
    challenger: Path
    work: Path
    cached: Path


@dataclass(frozen=True)
class Commands:
    """How main's code is called, in main's folder; None: by uv, as in a generated project.

    Attributes:
        train: Writes the run directory `run`.
        evaluate: Takes `--model`, `--rows` and `--out`.
    """

    train: str
    evaluate: str


class _Failed(Exception):
    """A command of main's code failed; the message is the last line that it printed."""


def score_champion(
    found: ChampionRecord, places: Places, commands: Commands | None = None
) -> tuple[ChampionRecord, Path | None]:
    """Train main's model unless a saved run of it is there, and let its own code score the challenger's rows.

    Returns:
        What became of it, and the run directory that was scored.
    """
    rows, out = places.challenger / "evaluation.parquet", places.work / "champion"
    if not rows.is_file():
        raise ReviewError(f"{plain(rows)} is missing; main's model is scored on the rows that it holds.")
    shutil.rmtree(out, ignore_errors=True)
    log = places.work / LOG
    log.unlink(missing_ok=True)
    short = found.commit[:12]
    with _worktree(places, found.commit) as tree:
        if commands is None and not (tree / "uv.lock").is_file():
            warning = "Main has no uv.lock, so its libraries are resolved anew; run `uv sync` and commit uv.lock."
            found = found.model_copy(update={"warnings": [*found.warnings, warning]})
        try:
            environment = _install(tree, places) if commands is None else _clean(os.environ)
        except _Failed as error:
            return _ended(found, "base-does-not-install", f"Main ({short}) does not install: {error}"), None
        if found.key is None and (tree / "uv.lock").is_file():
            key = content_key(places.repository, found.commit, lock=read_bytes(tree / "uv.lock", 16 * SMALL))
            found = found.model_copy(update={"key": key})
        run = places.cached if (places.cached / "model").is_dir() else None
        saved = run is not None
        if run is None:
            shutil.rmtree(tree / "run", ignore_errors=True)  # one that was committed is no training
            try:
                _run(tree, log, environment, _words("train", commands.train if commands else None))
            except _Failed as error:
                return _ended(found, "base-fails-to-train", f"Main ({short}) fails to train: {error}"), None
            run = tree / "run"
        arguments = ("--model", str(run / "model"), "--rows", str(rows), "--out", str(out))
        try:
            _run(tree, log, environment, [*_words("evaluate", commands.evaluate if commands else None), *arguments])
            read_run(out)
        except (_Failed, ReviewError) as error:
            sentence = f"Main's model ({short}) cannot score this pull request's rows: {error}"
            return _ended(found, "cannot-score", sentence), None
    how = "its saved run" if saved else "trained again"
    sentence = f"Main's model ({short}, {how}) was scored by its own code on the same rows."
    return _ended(found.model_copy(update={"from_cache": saved}), "scored", sentence), out


def _ended(found: ChampionRecord, status: Status, sentence: str) -> ChampionRecord:
    return found.model_copy(update={"status": status, "sentence": sentence})


@contextmanager
def _worktree(places: Places, commit: str) -> Iterator[Path]:
    """The project's folder as main has it, in a worktree that is gone afterwards."""
    root = places.work / "main"
    prefix = git(places.repository, "rev-parse", "--show-prefix").strip("\n")
    _remove(places.repository, root)
    root.parent.mkdir(parents=True, exist_ok=True)
    git(places.repository, "worktree", "add", "--quiet", "--detach", str(root), commit)
    try:
        yield root / prefix
    finally:
        _remove(places.repository, root)


def _remove(repository: Path, root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    git(repository, "worktree", "prune")


def _install(tree: Path, places: Places) -> dict[str, str]:
    """The environment variables under which `uv run` finds main's libraries."""
    own = _clean(os.environ)
    shared = places.repository / ".venv"
    if shared.is_dir() and one_environment(tree, places.repository):
        # The sources of main come first on the path, before those that the environment points at.
        return own | {"UV_PROJECT_ENVIRONMENT": str(shared.resolve()), "PYTHONPATH": str(tree / "src")}
    locked = (tree / "uv.lock").is_file()
    _run(tree, places.work / LOG, own, ["uv", *SYNC, *(["--frozen"] if locked else [])])
    return own


def one_environment(tree: Path, challenger: Path) -> bool:
    """Whether the challenger's environment serves main's code as well.

    Both have to keep their code in `src`: main's is put before the folder that the environment points at, and of a
    package beside pyproject.toml the challenger's copy would be found there.
    """

    def content(folder: Path, name: str) -> bytes | None:
        path = folder / name
        return read_bytes(path, 16 * SMALL) if path.is_file() else None

    sides = [[content(folder, name) for name in ENVIRONMENT_FILES] for folder in (tree, challenger)]
    agree = sides[0] == sides[1] and sides[0][0] is not None
    return agree and all((folder / "src").is_dir() for folder in (tree, challenger))


def _clean(given: Mapping[str, str]) -> dict[str, str]:
    """Nothing that points Python, uv or git elsewhere."""
    return {
        name: value
        for name, value in given.items()
        if (not name.startswith("UV_") or KEPT.fullmatch(name))
        and not name.startswith("GIT_")
        and name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", *STEP_FILES)
    }


def _words(verb: str, command: str | None) -> list[str]:
    """The command's words; no shell reads it."""
    try:
        words = ["uv", "run", "--no-sync", verb] if command is None else shlex.split(command)
    except ValueError:
        words = []
    if not words:
        raise ReviewError(f"--{verb} {plain(repr(command))} is no command; give one, with its quotes closed.")
    return words


def _run(tree: Path, log: Path, environment: dict[str, str], command: list[str]) -> None:
    """Run a command in main's folder; what it prints goes to the log, and its last line into the refusal."""
    program = shutil.which(command[0])
    if program is None:
        raise ReviewError(f"{plain(command[0])} is not on the PATH; install it before, as the setup action does uv.")
    done = subprocess.run(
        [program, *command[1:]],
        cwd=tree,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    printed = done.stdout.decode("utf-8", "replace")
    with log.open("a", encoding="utf-8") as stream:
        stream.write(printed)
    if done.returncode:
        said = [line for line in printed.splitlines() if line.strip()]
        last = (
            re.sub(r"(?:/[^/\s]+)+/", "", said[-1]) if said else "it said nothing"
        )  # folders of this machine say nothing
        raise _Failed(f"{plain(last)} (exit code {done.returncode}).")
