"""Posting with CML: one call, in an environment of its own, with its error output kept out of the log."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from model_review.text import plain

TITLE = "model-review"
VERSION = "0.20.6"  # the one whose flags and faults are known
DIGEST = "CML_FILE_SHA256"  # the variable that may name its file's digest
SECONDS = 240  # CML waits for rate limits by itself
# What CML and its Node need of the surroundings; everything else, all CML_* variables first of all, stays outside.
KEPT = ("PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "NODE_EXTRA_CA_CERTS")


def post(token: str, repository_url: str, pull: int, head: str, body: str, verb: str) -> str:
    """Run `cml comment update` (or `create`). Empty: posted. Else one sentence that says why not."""
    binary = shutil.which("cml")
    if binary is None:
        return "CML is not installed; REST posted."
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        refusal = _not_the_one(binary, folder)
        if refusal:
            return f"{refusal}; REST posted."
        report, errors = folder / "report.md", folder / "cml.err"
        # CML adds a blank line and its marker.
        report.write_text(body.rstrip() + "\n", encoding="utf-8", newline="\n")
        arguments = ["--no-publish", "--driver", "github", "--repo", repository_url, "--target", f"pr/{pull}"]
        with errors.open("wb") as stream:
            try:
                done = subprocess.run(
                    [binary, "comment", verb, *arguments, "--watermark-title", TITLE, str(report)],
                    env=_environment(token, head, folder),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=stream,
                    timeout=SECONDS,
                )
            except subprocess.TimeoutExpired:
                return f"CML did not end within {SECONDS} seconds; REST posted."
            except OSError as error:
                return f"CML could not be started ({error.strerror}); REST posted."
        if done.returncode == 0 and any(line.startswith(b"https://") for line in done.stdout.splitlines()):
            return ""
        return f"CML failed ({_message(errors, token)}); REST posted."


def _not_the_one(binary: str, folder: Path) -> str:
    """Why this binary gets no token; asked before it is given one. Empty: nothing speaks against it."""
    wanted = os.environ.get(DIGEST, "")
    if wanted:
        with Path(binary).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != wanted:
            return f"CML's file has the SHA-256 {found} and not the one that was asked for"
    try:
        done = subprocess.run(
            [binary, "--version"],
            env={**_kept(), "CI": "true", "HOME": str(folder), "ITERATIVE_DO_NOT_TRACK": "1"},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
        )
    except (subprocess.TimeoutExpired, OSError):
        return "CML does not tell its version"
    named = re.match(r"v?(\d+\.\d+\.\d+)", done.stdout.decode("utf-8", "replace").strip())
    return "" if named is None or named[1] == VERSION else f"CML is version {named[1]}, not {VERSION}"


def _kept() -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def _environment(token: str, head: str, folder: Path) -> dict[str, str]:
    return {
        **_kept(),
        "CI": "true",  # else it writes files about its user
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),  # it turns git's ownership check off in there
        "GITHUB_SHA": head,  # the commit in the marker
        "HOME": str(folder),
        "ITERATIVE_DO_NOT_TRACK": "1",
        "REPO_TOKEN": token,
    }


def _message(errors: Path, token: str) -> str:
    """The reason alone: the raw line holds the whole report, and a proxy's password where there is one."""
    with errors.open("rb") as stream:
        lines = stream.read(2**20).decode("utf-8", "replace").splitlines()
    for line in reversed(lines):
        try:
            return plain(str(json.loads(line)["message"]).replace(token, "***"), 300)
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return "it gave no reason"
