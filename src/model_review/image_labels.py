"""What an image says about itself: OCI labels from the run that its model came from, and from the commit."""

import argparse
import json
import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from model_review.errors import ReviewError
from model_review.files import digest, parse_json, read_bytes, read_text
from model_review.git import commit_of, git
from model_review.run_record import RunRecord, parse_record
from model_review.text import plain


def run_labels(arguments: argparse.Namespace) -> int:
    """`model-review labels`: one `name=value` per line, for a builder's `--label`."""
    for name, value in image_labels(arguments.run, arguments.repo).items():
        print(f"{name}={value}")
    return 0


def image_labels(run: Path, repository: Path) -> dict[str, str]:
    """The labels of the image that serves this run's model; one that is not known is left out."""
    file = run / "run.json"
    data = read_bytes(file)
    record = parse_record(plain(file), parse_json(plain(file), data))
    found = _of_project(repository / "pyproject.toml") | _of_commit(repository) | _of_run(record)
    found["io.model-review.run-digest"] = digest(data)
    return {name: plain(value, 20_000) for name, value in found.items() if value}


def _of_run(record: RunRecord) -> dict[str, str | None]:
    ours = {
        "model-digest": record.model.digest,
        "contract-digest": record.contract_digest,
        "data-digest": record.data.digest,
        "metrics": json.dumps(record.metrics, sort_keys=True, separators=(",", ":")),
        "mlflow-run": record.tracking.run_id if record.tracking else None,
    }
    return {f"io.model-review.{name}": value for name, value in ours.items()}


def _of_project(file: Path) -> dict[str, str | None]:
    try:
        project: Any = tomllib.loads(read_text(file)).get("project", {})
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ReviewError(f"{plain(file)} is not valid TOML: {plain(str(error))}.") from None
    if not isinstance(project, dict) or not isinstance(project.get("name"), str):
        raise ReviewError(f"{plain(file)} names no project; [project] with name and version is needed for the labels.")
    return {
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.version": str(project.get("version", "")),
    }


def _of_commit(repository: Path) -> dict[str, str | None]:
    """Commit and its time: an image built twice from one commit says the same."""
    commit = commit_of(repository, "HEAD")
    if commit is None:
        return {}
    seconds = int(git(repository, "show", "--no-patch", "--format=%ct", commit))
    found: dict[str, str | None] = {
        "org.opencontainers.image.revision": commit,
        "org.opencontainers.image.created": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    server, name = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_REPOSITORY")
    return found | ({"org.opencontainers.image.source": f"{server}/{name}"} if server and name else {})
