"""Three pull requests against the project, each checked and answered by the project's own workflows.

Act runs them on this machine. GitHub is the fake one of the tests, on loopback, and other people's actions are the
stand-ins that the tests use; tests/workflows/stand_ins.py lists them. Nothing here decides a verdict.
"""

import shutil
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from act import ACT
from comments import rendered
from console import FOLDER, PROJECT, SETTINGS, say, shown, took
from fake_github import BOT, FakeGitHub, tls_certificate
from generate import FIRST, change
from hosted import Hosted
from repositories import git

OWNER = "you/customer-churn"
REPORTS = FOLDER / "reports"
LOGS = FOLDER / "logs"


@dataclass(frozen=True)
class Change:
    """One pull request; its edits are what a data scientist would try.

    Attributes:
        job: The one job of pull-request.yml to run; empty for all.
    """

    number: int
    branch: str
    title: str
    file: str
    edits: Sequence[tuple[str, str]]
    job: str = "model"


CHANGES = (
    Change(1, "more-trees", "A hundred larger trees", "params.yaml", [(new, old) for old, new in FIRST], job=""),
    Change(
        2,
        "logistic-regression",
        "Logistic regression: easier to explain",
        "params.yaml",
        [("estimator: hist_gradient_boosting", "estimator: linear")],
    ),
    Change(
        3,
        "cancellation-reason",
        "Use cancellation_reason: AUC 0.99!",
        "contract.yaml",
        [("[forbidden]}  # a leak", "[feature]}  # a leak")],
    ),
)


@dataclass(frozen=True)
class Answer:
    """What became of a pull request: the comment, the page with plots, what was compared, how the check ended."""

    number: int
    comment: str
    page: Path
    comparison: Path
    passed: bool
    seconds: float


@contextmanager
def repository(image: str) -> Iterator[Hosted]:
    """The project, committed and pushed to the fake GitHub; its image has this name."""
    for name, found in (("act", ACT.exists()), ("openssl", shutil.which("openssl") is not None)):
        if not found:
            sys.exit(f"demo: {name} is not there, so no pull request can be played; install it and try again.")
    github = FOLDER / "github"
    for folder in (github, REPORTS, LOGS):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["model-review"]
    change("pyproject.toml", (settings["image"], image))
    git(PROJECT, "add", "--all")
    git(PROJECT, "commit", "--quiet", "--message", "The project as generated, with a quick first model")
    actions = f"{settings['actions']}@{settings['actions-commit']}"
    with FakeGitHub(repository=OWNER, certificate=tls_certificate(github)) as fake:
        hosted = Hosted(fake, github, actions, SETTINGS)
        hosted.install_cml()
        hosted.push(PROJECT, "main", "refs/heads/main")
        try:
            yield hosted
        except BaseException:
            hosted.runner.stop()
            raise


def train_main(hosted: Hosted, name: str) -> None:
    """Let main's workflow train and save its model, where publishing is off."""
    started = time.monotonic()
    trained = hosted.train_main(kept("second"))
    keep(name, trained.printed)
    if not trained.succeeded:
        sys.exit(f"{trained.printed}\ndemo: release.yml failed; its output is above.")
    took("push to main: train, save the run (release.yml)", started)


def run(hosted: Hosted) -> list[Answer]:
    """Open the three at once; each gets its answer."""
    for one in CHANGES:
        git(PROJECT, "checkout", "--quiet", "-b", one.branch, "main")
        change(one.file, *one.edits)
        git(PROJECT, "commit", "--quiet", "--all", "--message", one.title)
        git(PROJECT, "checkout", "--quiet", "main")
    started = time.monotonic()
    # Two machines: the first checks the whole of the first pull request, the second the models of the others.
    with ThreadPoolExecutor(2) as machines:
        first = machines.submit(_answer, hosted, CHANGES[0], "first")
        others = machines.submit(lambda: [_answer(hosted, one, "second") for one in CHANGES[1:]])
        answers = [first.result(), *others.result()]
    took("three pull requests, checked and answered", started)
    for one, answer in zip(CHANGES, answers, strict=True):
        _show(one, answer)
    return answers


def merge(hosted: Hosted, number: int) -> tuple[str, str]:
    """Merge a pull request as GitHub does; main's new commit and the pull request's head."""
    commit = git(hosted.remote, "rev-parse", f"refs/pull/{number}/merge")
    git(hosted.remote, "update-ref", "refs/heads/main", commit)
    git(PROJECT, "pull", "--quiet", "--ff-only", str(hosted.remote), "main")
    return commit, git(hosted.remote, "rev-parse", f"refs/pull/{number}/head")


def _answer(hosted: Hosted, one: Change, machine: str) -> Answer:
    """Run pull-request.yml, then report.yml; one comment has to stand there."""
    started = time.monotonic()
    pull = hosted.open(PROJECT, one.branch, one.number, one.branch)
    checked = hosted.check(pull, job=one.job, variables=kept(machine))
    keep(one.branch, checked.finished.printed)
    reported = hosted.report(checked.run)
    keep(f"{one.branch}-report", reported.printed)
    comments = hosted.fake.by(BOT, one.number)
    if not reported.succeeded or len(comments) != 1:
        logs = f"{checked.finished.printed}\n{reported.printed}"
        raise RuntimeError(f"{logs}\ndemo: pull request {one.number} got {len(comments)} comments; see above.")
    page = REPORTS / f"{one.branch}.html"
    shutil.copy(checked.artifacts["model-review.html"], page)
    body = str(comments[0]["body"])
    (REPORTS / f"{one.branch}.md").write_text(body, encoding="utf-8")
    comparison = checked.artifacts["model-review-comparison"]
    return Answer(one.number, body, page, comparison, checked.finished.succeeded, time.monotonic() - started)


def kept(machine: str) -> dict[str, str]:
    """Each machine keeps the environments of its jobs, also for the next demo."""
    return {"KEPT_ENVIRONMENTS": str(FOLDER / "environments" / machine)}


def keep(name: str, printed: str) -> None:
    """Write what a workflow printed where a reader finds it."""
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / f"{name}.log").write_text(printed, encoding="utf-8")


def _show(one: Change, answer: Answer) -> None:
    jobs = "quality and model" if not one.job else one.job
    ended = "passed" if answer.passed else "failed, as main's policy says"
    say(f"\n{'=' * 100}\nPull request {one.number}: {one.title}   ({one.file})\n{'-' * 100}")
    say(rendered(answer.comment))
    say(f"\nThe check ({jobs}) {ended}, {answer.seconds:.0f} s.")
    say(f"The page with plots: {shown(answer.page)}   the whole comment: {shown(answer.page.with_suffix('.md'))}")
