"""The verbs of the reusable actions that need git alone; they start quickly. Each prints one line."""

import argparse
import sys
from pathlib import Path

from model_review.base import base_commit, event_file, find_base, find_deployed
from model_review.champion_record import RECORD
from model_review.content_key import content_key
from model_review.errors import ReviewError
from model_review.git import commit_of
from model_review.step_files import write_outputs
from model_review.text import plain


def run_key(arguments: argparse.Namespace) -> int:
    """`model-review key`."""
    repository: Path = arguments.repo
    revision = base_commit(repository, event_file()) if arguments.commit == "base" else arguments.commit
    commit = commit_of(repository, revision)
    if commit is None:
        raise ReviewError(f"{plain(revision)} is no commit of {plain(repository)}; name one that this clone holds.")
    key = content_key(repository, commit)
    write_outputs({"key": key})
    print(key)
    return 0


def run_base(arguments: argparse.Namespace) -> int:
    """`model-review base`."""
    rules = arguments.out / "base"
    if arguments.deployed is not None:
        record = find_deployed(arguments.repo, rules, arguments.deployed)
    else:
        record = find_base(arguments.repo, rules, event=event_file(), forced=arguments.retrain)
    record.write(arguments.out / RECORD)
    write_outputs(
        {
            "status": record.status,
            "sentence": record.sentence,
            "train": "false" if record.status == "nothing-relevant-changed" else "true",
            "base-commit": record.commit,
            "base-key": record.key or "",
            "key": record.challenger_key,
        }
    )
    for warning in record.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(record.sentence)
    return 0
