"""`model-review comment`: from a finished workflow run to the one comment of its pull request."""

import argparse
import os
import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from model_review.errors import ReviewError
from model_review.figure import Figure
from model_review.files import digest
from model_review.forge.base import SMALL, read_base
from model_review.forge.body import FOOTER, LIMIT, Links, comment_body
from model_review.forge.comment import Posted, Target, post
from model_review.forge.github import Answer, Client, GitHubError, connect, download, file_at, get_all
from model_review.forge.judgement import Judged, review
from model_review.forge.locate import Pull, Run, failed_steps, find_pull, read_run, still_there
from model_review.ledger import reveals
from model_review.report.markdown import GUIDE
from model_review.step_files import write_outputs, write_summary
from model_review.text import plain

ARCHIVE_CAP = 4 * 2**20
NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
ADDRESS = re.compile(r"https?://[\w.-]+(:\d+)?", re.ASCII)
GUIDE_ADDRESS = re.compile(r"https://[\w.-]+(/[\w.-]+)+", re.ASCII)
FILE = re.compile(r"(?!.*\.\.)[\w.-]+(/[\w.-]+)*", re.ASCII)


class Artifact(Answer):
    """An artifact of the run."""

    id: int
    name: Annotated[str, Field(max_length=300)]
    size_in_bytes: int
    expired: bool


def run_comment(arguments: argparse.Namespace) -> int:
    """`model-review comment`."""
    # Taken out of the environment, so that no child process gets it but by being given it.
    client = connect(os.environ.get("GITHUB_API_URL", "https://api.github.com"), os.environ.pop("GITHUB_TOKEN", ""))
    repository = _setting("GITHUB_REPOSITORY", os.environ.get("GITHUB_REPOSITORY", ""), NAME)
    server = _setting("GITHUB_SERVER_URL", os.environ.get("GITHUB_SERVER_URL", "https://github.com"), ADDRESS)
    run = read_run(client, repository, arguments.run)
    located = find_pull(client, repository, run)
    if located.pull is None:
        if located.warns:
            _annotate("warning", located.why)
        return _dropped(located.why)
    pull = located.pull
    artifacts = get_all(client, f"/repos/{repository}/actions/runs/{run.id}/artifacts", Artifact, key="artifacts")
    judged = _judged(client, repository, run, pull, artifacts, arguments)
    page = _newest(artifacts, arguments.page)
    figure = _figure(judged, run, pull) if arguments.figures == "true" else None
    links = Links(f"{server}/{repository}", run.id, None if page is None else page.id, figure is not None)
    body = comment_body(judged, run, pull, links, failed_steps(client, repository, run))
    target = Target(repository, links.repository, pull.number, run.head_sha, arguments.identity)
    posted = post(client, target, body, lambda: still_there(client, repository, pull.number, run))
    if posted is None:
        return _dropped("The pull request was closed or its head moved on while this was judged.")
    _finish(judged, run, pull, body, posted, figure)
    return 0


def _judged(
    client: Client,
    repository: str,
    run: Run,
    pull: Pull,
    artifacts: list[Artifact],
    arguments: argparse.Namespace,
) -> Judged:
    policy, contract = (_setting(name, getattr(arguments, name), FILE) for name in ("policy", "contract"))
    artifact = _newest(artifacts, arguments.artifact)
    if artifact is None:
        if run.conclusion == "success" and not any(one.name == arguments.artifact for one in artifacts):
            why = (
                "By the run's own account nothing changed that determines the model: it trained nothing and succeeded."
            )
            return Judged("unchanged", why)
        return Judged("missing", "The run left no comparison.")
    if artifact.size_in_bytes > ARCHIVE_CAP:
        why = f"The artifact has {artifact.size_in_bytes:,} bytes; at most {ARCHIVE_CAP:,} are read."
        return Judged("refused", why)
    archive = download(client, f"/repos/{repository}/actions/artifacts/{artifact.id}/zip", ARCHIVE_CAP)
    return review(
        archive,
        lambda task, target: read_base(client, repository, pull.base.sha, policy, contract, (task, target)),
        _proposed(client, repository, policy, pull),
        datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        arguments.guide if GUIDE_ADDRESS.fullmatch(arguments.guide) else GUIDE,
        LIMIT - FOOTER,
    )


def _proposed(client: Client, repository: str, policy: str, pull: Pull) -> str:
    """Digest of the pull request's own policy: reported, never obeyed; empty, and so another, where it is not read."""
    try:
        return digest(file_at(client, repository, policy, pull.head.sha, SMALL) or b"")
    except GitHubError:
        raise
    except ReviewError:
        return ""


def _newest(artifacts: list[Artifact], name: str) -> Artifact | None:
    """A run that was started again has one of each attempt; the newest counts."""
    found = [one for one in artifacts if one.name == name and not one.expired]
    return max(found, key=lambda one: one.id, default=None)


def _setting(name: str, value: str, form: re.Pattern[str]) -> str:
    if not form.fullmatch(value):
        raise ReviewError(f"{name} is {plain(value) or 'empty'}, which is not what it should look like.")
    return value


def _dropped(why: str) -> int:
    write_outputs({"outcome": "dropped"})
    print(f"Nothing posted: {plain(why, 500)}")
    return 0


def _figure(judged: Judged, run: Run, pull: Pull) -> Figure | None:
    """What the ledger action draws; a fork's pictures are not stored."""
    if not judged.intervals or not _own(run):
        return None
    facts = {"pull": pull.number, "verdict": judged.verdict, "intervals": judged.intervals}
    return Figure.model_validate(facts)


def _own(run: Run) -> bool:
    return run.head_repository is not None and run.head_repository.full_name == run.repository.full_name


def _finish(judged: Judged, run: Run, pull: Pull, body: str, posted: Posted, figure: Figure | None) -> None:
    for warning in posted.warnings:
        _annotate("warning", warning)
    if judged.outcome not in ("judged", "unchanged"):
        _annotate("warning", judged.why)
    # A fork's looks are shown and not spent: anyone could use up the evaluation set from outside.
    spent = judged.look if judged.look is not None and _own(run) and reveals(judged.look) else None
    write_outputs(
        {
            "outcome": judged.outcome,
            "verdict": judged.verdict,
            "pull-request": str(pull.number),
            "comment-url": posted.url,
            "posted-with": posted.posted_with,
            "look": "" if spent is None else spent.model_dump_json(),
            "figure": "" if figure is None else figure.model_dump_json(),
        }
    )
    write_summary(body)
    print(f"{plain(judged.why, 500)} Posted with {posted.posted_with}: {plain(posted.url)}")


def _annotate(level: str, message: str) -> None:
    """A workflow command; what would end or start one is escaped."""
    print(f"::{level}::{plain(message, 500).replace('%', '%25')}")
