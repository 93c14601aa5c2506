"""What a pull request costs beside the work that nobody can save: its workflows under act, and that work by hand.

Warm: uv's cache is full, and the machine keeps the environments of its jobs, by hand as under act. Both start in a
fresh checkout of the pull request's merge commit. The jobs run one after the other, so that no second core hides
anything.
"""

import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

from console import SETTINGS, say
from fake_github import FakeGitHub, tls_certificate
from hosted import Hosted
from repositories import git

BRANCHES = {"fewer-trees": "max_iter: 90 ", "trees": "max_iter: 100 "}  # the second is measured


def timed(seconds: dict[str, float], name: str, *command: str, folder: Path) -> None:
    """Run a command by hand and note how long it took."""
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=os.environ | SETTINGS, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nbench: `{' '.join(command)}` failed; its output is above.")
    seconds[name] = time.perf_counter() - started


def by_hand(hosted: Hosted, checkout: Path, environment: Path, base: str) -> dict[str, float]:
    """The necessary work in a fresh checkout: the checks, the tests, training, and main's model on the same rows."""
    seconds: dict[str, float] = {}
    (checkout / ".venv").symlink_to(environment)
    subprocess.run(["uv", "sync", "--quiet", "--frozen"], cwd=checkout, env=os.environ | SETTINGS, check=True)
    run = ("uv", "run", "--no-sync")
    timed(seconds, "checks before a commit", *run, "pre-commit", "run", "--all-files", folder=checkout)
    timed(seconds, "tests", *run, "pytest", "--cov", "--cov-report=term", folder=checkout)
    timed(seconds, "training", *run, "train", folder=checkout)
    (saved,) = hosted.cache.iterdir()
    rows = ("--model", str(saved / "model"), "--rows", str(checkout / "run/evaluation.parquet"))
    # Both commits have the same evaluate code, so main's is what this checkout has.
    assert not git(checkout, "diff", base, "--", "src")
    out = ("--out", str(checkout.parent / "scored"))
    timed(seconds, "main's model on the same rows", *run, "evaluate", *rows, *out, folder=checkout)
    return seconds


def under_act(hosted: Hosted, project: Path, environments: Path) -> dict[str, float]:
    """The workflows: once to fill the environments, then measured."""
    kept = {"KEPT_ENVIRONMENTS": str(environments)}
    seconds: dict[str, float] = {}
    for number, branch in enumerate(BRANCHES, 1):
        pull = hosted.open(project, branch, number, branch)
        for job in ("quality", "model"):
            started = time.perf_counter()
            checked = hosted.check(pull, job=job, variables=kept)
            seconds[f"pull-request.yml, {job}"] = time.perf_counter() - started
            if not checked.finished.succeeded:
                sys.exit(f"{checked.finished.printed}\nbench: the job {job} failed; its output is above.")
        started = time.perf_counter()
        reported = hosted.report(checked.run)
        seconds["report.yml, comment and ledger"] = time.perf_counter() - started
        if not reported.succeeded:
            sys.exit(f"{reported.printed}\nbench: report.yml failed; its output is above.")
    return seconds


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
    total, necessary = sum(act.values()), sum(hand.values())
    checks = total - act["report.yml, comment and ledger"]
    say("\none pull request of the demo project, under act, warm")
    for name, value in [*act.items(), ("total", total)]:
        say(f"  {name:<45} {value:6.2f} s")
    say("the necessary work, by hand")
    for name, value in [*hand.items(), ("total", necessary)]:
        say(f"  {name:<45} {value:6.2f} s")
    say(f"  {'ratio, without report.yml':<45} {checks / necessary:6.2f}")
    say(f"  {'ratio, with it':<45} {total / necessary:6.2f}")
