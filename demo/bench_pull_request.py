"""What a pull request costs beside the work that nobody can save: its workflows under act, and that work by hand.

Warm: uv's cache is full, and the machine keeps the environments of its jobs, by hand as under act. Both start in a
fresh checkout of the pull request's merge commit. The jobs run one after the other, so that no second core hides
anything: the ratio is all seconds of the workflows over all seconds of the work by hand. CPU seconds stand beside them,
since on a busy machine the others say more about its other work.
"""

import os
import resource
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from console import SETTINGS, say
from fake_github import FakeGitHub, tls_certificate
from hosted import Hosted
from repositories import git

REPORT = "report.yml, comment and ledger"
BRANCHES = {"fewer-trees": "max_iter: 90 ", "trees": "max_iter: 100 "}  # the second is measured

Result = TypeVar("Result")


@dataclass(frozen=True)
class Spent:
    """Seconds on the clock, and of CPU by the processes that were started."""

    clock: float
    cpu: float


def measured(spent: dict[str, Spent], name: str, work: Callable[[], Result]) -> Result:
    """Do some work and note what it took."""
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    result = work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    spent[name] = Spent(time.perf_counter() - started, cpu)
    return result


def total(spent: Mapping[str, Spent]) -> Spent:
    """All of it together."""
    return Spent(sum(one.clock for one in spent.values()), sum(one.cpu for one in spent.values()))


def run(checkout: Path, *command: str) -> None:
    """Run a command by hand."""
    done = subprocess.run(
        ["uv", "run", "--no-sync", *command], cwd=checkout, env=os.environ | SETTINGS, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nbench: `{' '.join(command)}` failed; its output is above.")


def by_hand(hosted: Hosted, checkout: Path, environment: Path, base: str) -> dict[str, Spent]:
    """The necessary work in a fresh checkout: the checks, the tests, training, and main's model on the same rows."""
    (checkout / ".venv").symlink_to(environment)
    subprocess.run(["uv", "sync", "--quiet", "--frozen"], cwd=checkout, env=os.environ | SETTINGS, check=True)
    (saved,) = hosted.cache.iterdir()
    rows = ("--model", str(saved / "model"), "--rows", str(checkout / "run/evaluation.parquet"))
    # Both commits have the same evaluate code, so main's is what this checkout has.
    assert not git(checkout, "diff", base, "--", "src")
    spent: dict[str, Spent] = {}
    for name, *command in (
        ("checks before a commit", "pre-commit", "run", "--all-files"),
        ("tests", "pytest", "--cov", "--cov-report=term"),
        ("training", "train"),
        ("main's model on the same rows", "evaluate", *rows, "--out", str(checkout.parent / "scored")),
    ):
        measured(spent, name, partial(run, checkout, *command))
    return spent


def under_act(hosted: Hosted, project: Path, environments: Path) -> dict[str, Spent]:
    """The workflows: once to fill the environments, then measured."""
    kept = {"KEPT_ENVIRONMENTS": str(environments)}
    spent: dict[str, Spent] = {}
    for number, branch in enumerate(BRANCHES, 1):
        pull = hosted.open(project, branch, number, branch)
        for job in ("quality", "model"):
            work = partial(hosted.check, pull, job=job, variables=kept)
            checked = measured(spent, f"pull-request.yml, {job}", work)
            if not checked.finished.succeeded:
                sys.exit(f"{checked.finished.printed}\nbench: the job {job} failed; its output is above.")
        reported = measured(spent, REPORT, partial(hosted.report, checked.run))
        if not reported.succeeded:
            sys.exit(f"{reported.printed}\nbench: report.yml failed; its output is above.")
    return spent


def show_pull_request(project: Path) -> None:
    """Make a repository of a generated project, play one pull request, and print what it cost."""
    place = project.parent / "pull-request"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["model-review"]
    params = project / "params.yaml"
    trees = params.read_text(encoding="utf-8")
    params.write_text(trees.replace("estimator: hist_gradient_boosting", "estimator: linear"), encoding="utf-8")
    subprocess.run(["uv", "lock", "--quiet"], cwd=project, check=True)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "A linear model")
    base = git(project, "rev-parse", "HEAD")
    for branch, chosen in BRANCHES.items():
        git(project, "checkout", "--quiet", "-b", branch, base)
        params.write_text(trees.replace("max_iter: 100 ", chosen), encoding="utf-8")
        git(project, "commit", "--quiet", "--all", "--message", branch)
    with FakeGitHub(certificate=tls_certificate(place)) as fake:
        actions = f"{settings['actions']}@{settings['actions-commit']}"
        hosted = Hosted(fake, place / "github", actions, SETTINGS)
        hosted.install_cml()
        hosted.push(project, base, "refs/heads/main")
        environments = place / "environments"
        released = hosted.train_main({"KEPT_ENVIRONMENTS": str(environments)})
        if not released.succeeded:
            sys.exit(f"{released.printed}\nbench: release.yml failed; its output is above.")
        act = under_act(hosted, project, environments)
        hand = by_hand(hosted, hosted.checkout("refs/pull/2/merge", "by-hand"), environments / "quality", base)
    show("\none pull request of the demo project, under act, warm: seconds, and of CPU", act)
    show("the necessary work, by hand", hand)
    checks, necessary = total({name: one for name, one in act.items() if name != REPORT}), total(hand)
    for name, whole in (("ratio, without report.yml", checks), ("ratio, with it", total(act))):
        say(f"  {name:<45} {whole.clock / necessary.clock:6.2f}   {whole.cpu / necessary.cpu:8.2f}")


def show(title: str, spent: Mapping[str, Spent]) -> None:
    """Print each part and their sum."""
    say(title)
    for name, one in [*spent.items(), ("total", total(spent))]:
        say(f"  {name:<45} {one.clock:6.2f} s {one.cpu:8.2f} s")
