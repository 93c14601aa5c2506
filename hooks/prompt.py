"""What cookiecutter.json asks of Python while the questions are answered.

Cookiecutter loads this as a Jinja extension. A hook runs in the output folder from a temporary file, so this is the
only moment at which the caller's folder and the template's own place are known.
"""

import logging
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from jinja2 import Environment
from jinja2.ext import Extension

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)


def git(*arguments: str) -> str:
    """Return what a git command prints in the template's folder, or nothing where it fails or git is absent."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def git_author() -> str:
    """Return the user's name as git knows it."""
    return git("config", "user.name") or "Your name"


def python_version() -> str:
    """Return the running Python's version, within those that the generated project supports."""
    major, minor = min(max(sys.version_info[:2], OLDEST), NEWEST)
    return f"{major}.{minor}"


def actions_repository(github_owner: str) -> str:
    """Return owner/name of the template's GitHub `origin`; without one, a fork under the user's name."""
    match = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", git("remote", "get-url", "origin"))
    return match[1] if match else f"{github_owner}/model-review"


def refuse(sentence: str) -> NoReturn:
    """End cookiecutter with a sentence."""
    print(f"model-review: {sentence}", file=sys.stderr)
    sys.exit(2)


def accept(answers: Mapping[str, str]) -> str:
    """Refuse wrong answers now: cookiecutter makes a folder (or several, for `a/b`) before its first hook runs."""
    if sys.version_info < OLDEST:
        refuse(f"cookiecutter runs on Python {sys.version.split()[0]}: use `uvx --python 3.11 cookiecutter ...`.")
    sys.path.insert(0, str(ROOT / "hooks"))
    from answers import Refusal, read_answers
    from fetch import locate

    try:
        accepted = read_answers(answers)
        if accepted.dataset:
            locate(accepted.dataset, accepted.caller_folder)
    except Refusal as refusal:
        refuse(str(refusal))
    finally:
        sys.path.remove(str(ROOT / "hooks"))
    return "yes"


def is_news(record: logging.LogRecord) -> bool:
    """Drop cookiecutter's traceback of its own `hook failed`: the hook has said in one sentence what is wrong."""
    return not record.getMessage().startswith("Stopping generation because")


class PromptExtension(Extension):
    """Gives the functions of this module to the expressions in cookiecutter.json."""

    def __init__(self, environment: Environment) -> None:
        """Register the functions."""
        super().__init__(environment)
        logging.getLogger("cookiecutter.hooks").addFilter(is_news)
        environment.globals.update(
            accept=accept,
            actions_repository=actions_repository,
            caller_folder=lambda: str(Path.cwd()),
            git_author=git_author,
            python_version=python_version,
            template_root=lambda: str(ROOT),
        )
