"""Which pull request a workflow run belongs to: asked of GitHub, never read from what the run left behind."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from model_review.forge.github import Answer, Client, GitHubError, get, get_all
from model_review.text import plain

Name = Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$", max_length=200)]
Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")]
NEVER_RAN = ("action_required", "skipped", "stale")


class Owner(Answer):
    """Who holds a repository."""

    login: Annotated[str, Field(pattern=r"^[\w.-]+$", max_length=100)]


class Repository(Answer):
    """A repository."""

    full_name: Name
    owner: Owner


class Run(Answer):
    """A workflow run."""

    id: int
    event: str
    conclusion: str | None
    head_sha: Sha
    head_branch: Annotated[str, Field(max_length=1000)] | None
    repository: Repository
    head_repository: Repository | None


class Tip(Answer):
    """One side of a pull request; `repo` is null where the fork is gone."""

    sha: Sha
    repo: Repository | None


class Pull(Answer):
    """A pull request."""

    number: Annotated[int, Field(ge=1)]
    state: Literal["open", "closed"]
    head: Tip
    base: Tip


class Step(Answer):
    """A step of a job."""

    name: Annotated[str, Field(max_length=1000)]
    conclusion: str | None


class Job(Answer):
    """A job of a run."""

    name: Annotated[str, Field(max_length=1000)]
    conclusion: str | None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Located:
    """The pull request, or why there is none to comment on; `warns` where somebody waits for a comment all the same."""

    pull: Pull | None
    why: str = ""
    warns: bool = False


def read_run(client: Client, repository: str, number: int) -> Run:
    """The run, as GitHub knows it."""
    return get(client, f"/repos/{repository}/actions/runs/{number}", Run)


def find_pull(client: Client, repository: str, run: Run) -> Located:
    """The open pull request whose head commit and head repository are the run's."""
    if run.event != "pull_request" or run.repository.full_name.lower() != repository.lower():
        return Located(None, "The run is not one of a pull request of this repository.")
    if run.conclusion is None or run.conclusion in NEVER_RAN:
        return Located(None, f"The run did not run to its end ({plain(run.conclusion or 'not completed')}).")
    if run.head_repository is None or not run.head_branch:
        return Located(None, "The run's repository or branch is gone.")
    # GitHub lists no pull requests of forks with a run, and looking one up by commit misses forks as well.
    query = {"state": "open", "head": f"{run.head_repository.owner.login}:{run.head_branch}"}
    pulls = get_all(client, f"/repos/{repository}/pulls", Pull, query)
    ours = [one for one in pulls if is_of(one, run)]
    if len(ours) == 1:
        return Located(ours[0])
    if ours:
        numbers = ", ".join(str(one.number) for one in ours)
        why = f"Pull requests {numbers} have the same head commit; which one was run cannot be told. Close all but one."
        return Located(None, why, warns=True)
    if any(_same_head_repository(one, run) for one in pulls):
        return Located(None, "The pull request's head moved on since this run; the run of its new commit answers.")
    return Located(None, "No open pull request has the run's commit as its head.")


def is_of(pull: Pull, run: Run) -> bool:
    """Whether the pull request is open and stands where the run ran."""
    base = pull.base.repo
    here = base is not None and base.full_name == run.repository.full_name
    return here and pull.state == "open" and pull.head.sha == run.head_sha and _same_head_repository(pull, run)


def _same_head_repository(pull: Pull, run: Run) -> bool:
    head, ran = pull.head.repo, run.head_repository
    return head is not None and ran is not None and head.full_name == ran.full_name


def still_there(client: Client, repository: str, number: int, run: Run) -> bool:
    """Asked again right before posting: open, and its head has not moved."""
    return is_of(get(client, f"/repos/{repository}/pulls/{number}", Pull), run)


def failed_steps(client: Client, repository: str, run: Run) -> list[tuple[str, str]]:
    """Jobs that failed and their steps, by the pull request's own names; none where they cannot be had."""
    if run.conclusion == "success":
        return []
    try:
        jobs = get_all(client, f"/repos/{repository}/actions/runs/{run.id}/jobs", Job, key="jobs")
    except GitHubError:
        return []
    failed = [job for job in jobs if job.conclusion == "failure"]
    return [(job.name, next((one.name for one in job.steps if one.conclusion == "failure"), "")) for job in failed]
