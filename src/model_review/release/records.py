"""What GitHub keeps of releases, read through its API: the promotion log, probes, contracts, and what was claimed."""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field

from model_review.comparison_reader import parse_comparison
from model_review.errors import ReviewError
from model_review.files import parse_json, write_text
from model_review.forge.artifact import read_member
from model_review.forge.github import Answer, Client, GitHubError, connect, download, file_at, get_all
from model_review.release.promotions import CAP

BRANCH, LOG, PROBE, CONTRACT = "model-review", "promotions.jsonl", "probe.json", "contract.yaml"
SMALL = 4 * 2**20
ARTIFACT = "model-review-comparison"
NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


class _Head(Answer):
    sha: Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]


class _Pull(Answer):
    number: int
    merged_at: str | None
    head: _Head


class _Run(Answer):
    id: int
    event: str
    status: str | None


class _Artifact(Answer):
    id: int
    name: str
    expired: bool
    size_in_bytes: int


def connected() -> tuple[Client, str] | None:
    """GitHub and the repository, where a workflow's step gives both; the token leaves the environment."""
    token, repository = os.environ.pop("GITHUB_TOKEN", ""), os.environ.get("GITHUB_REPOSITORY", "")
    if not token or not NAME.fullmatch(repository):
        return None
    return connect(os.environ.get("GITHUB_API_URL", "https://api.github.com"), token), repository


def probe_file(digest: str) -> str:
    """Where the probe of an image lies on the branch."""
    return f"probes/{digest.replace(':', '-')}.json"


def save(client: Client, repository: str, path: str, ref: str, to: Path, cap: int = SMALL) -> bool:
    """Write a file of a branch or commit to disk; False where there is none."""
    data = file_at(client, repository, path, ref, cap)
    if data is None:
        return False
    try:
        write_text(to, data.decode("utf-8"))
    except UnicodeDecodeError:
        raise ReviewError(f"{path} at {ref} is not UTF-8 text; restore it.") from None
    return True


def save_log(client: Client, repository: str, to: Path) -> bool:
    """The promotion log."""
    return save(client, repository, LOG, BRANCH, to, CAP)


def save_probe(client: Client, repository: str, digest: str, to: Path) -> bool:
    """The probe that an image was promoted with."""
    return save(client, repository, probe_file(digest), BRANCH, to)


def claimed(client: Client, repository: str, commit: str) -> tuple[int, dict[str, float]] | None:
    """The merged pull request of a commit of main and the metrics that its last run claimed; None where none is known.

    Anybody who could open that pull request could write these numbers: they are shown beside main's own, no more.
    """
    pulls = get_all(client, f"/repos/{repository}/commits/{commit}/pulls", _Pull)
    pull = next((one for one in pulls if one.merged_at is not None), None)
    if pull is None:
        return None
    query = {"head_sha": pull.head.sha, "event": "pull_request"}
    runs = get_all(client, f"/repos/{repository}/actions/runs", _Run, query, key="workflow_runs")
    for run in sorted((one for one in runs if one.status == "completed"), key=lambda one: one.id, reverse=True):
        listed = get_all(client, f"/repos/{repository}/actions/runs/{run.id}/artifacts", _Artifact, key="artifacts")
        for one in listed:
            if one.name == ARTIFACT and not one.expired and one.size_in_bytes <= SMALL:
                try:
                    archive = download(client, f"/repos/{repository}/actions/artifacts/{one.id}/zip", SMALL)
                    data = parse_json("comparison.json", read_member(archive, "comparison.json"))
                    comparison = parse_comparison("comparison.json", data)
                except GitHubError:
                    raise
                except ReviewError:
                    continue  # a pull request may leave anything
                return pull.number, {row.name: row.challenger for row in comparison.metrics}
    return pull.number, {}
