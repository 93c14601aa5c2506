"""The record action: the promotion log's branch and the GitHub Release, written once however often it runs."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_forge import TOKEN, Forge, forge
from loopback import registry
from registries import image_folder, labels, write_probe
from repositories import ACTIONS, git
from test_documents import line

from model_review.release.promote import PRODUCTION, previous
from model_review.release.promotions import read_log
from model_review.release.push import push
from model_review.release.registry import Registry

pytestmark = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH")


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Forge]:
    bare = tmp_path / "bare"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    with forge(bare) as made:
        yield made


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Registry]:
    with registry(tmp_path) as host:
        yield Registry(f"{host}/acme/shop")


def promoted(held: Registry, scratch: Path, minute: int, before: str | None) -> tuple[str, str]:
    """Put a new image into production; its digest, and the line that tells of it."""
    commit = str(minute) * 40
    folder, digest = image_folder(scratch / f"image-{minute}", labels(commit))
    held.tag(push(held, folder), PRODUCTION)
    time = f"2026-01-01T00:{minute:02}:00Z"
    return digest, line(image=held.name, digest=digest, previous=before, commit=commit, time=time)


def recorded(github: Forge) -> list[str]:
    """The digests of the log's lines."""
    return [json.loads(one)["digest"] for one in git(github.git, "show", "model-review:promotions.jsonl").splitlines()]


def record(github: Forge, scratch: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run the action's script as its step does."""
    work = scratch / "model-review"
    (work / "staged").mkdir(parents=True, exist_ok=True)
    (work / "release").mkdir(exist_ok=True)
    write_probe(work / "staged/probe.json", json.loads(text).get("digest"))
    (work / "release/MODEL_CARD.md").write_text("# Shop\n")
    config = scratch / "gitconfig"
    config.write_text(f'[url "{github.git.as_uri()}"]\n  insteadOf = {github.url}/{github.name}\n')
    known = {"RUNNER_TEMP": str(scratch), "GITHUB_ACTION_PATH": str(ACTIONS / "record"), "LINE": text, "TOKEN": TOKEN}
    known |= {"GITHUB_SERVER_URL": github.url, "GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": github.name}
    known |= {"GIT_CONFIG_GLOBAL": str(config), "GITHUB_OUTPUT": str(scratch / "outputs")}
    command = ["bash", str(ACTIONS / "record/record.sh")]
    done = subprocess.run(command, env=os.environ | known, cwd=scratch, capture_output=True, text=True, check=False)
    assert TOKEN not in done.stdout + done.stderr
    return done


def test_a_promotion_is_recorded_once_also_when_another_push_comes_first(
    github: Forge, held: Registry, tmp_path: Path
) -> None:
    hook = github.git / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ -e "$GIT_DIR/once" ] || { touch "$GIT_DIR/once"; exit 1; }\n')
    hook.chmod(0o755)
    first, told = promoted(held, tmp_path, 1, None)
    for _ in range(2):
        done = record(github, tmp_path, told)
        assert done.returncode == 0, done.stderr
    second, newer = promoted(held, tmp_path, 2, first)
    for one in (newer, told):  # at last the first one's job, run again late
        done = record(github, tmp_path, one)
        assert done.returncode == 0, done.stderr
    assert recorded(github) == [first, second]
    files = git(github.git, "ls-tree", "-r", "--name-only", "model-review").splitlines()
    assert files == [
        *sorted(f"probes/{digest.replace(':', '-')}.json" for digest in (first, second)),
        "promotions.jsonl",
    ]
    assert len(github.releases) == 2
    assert github.latest == f"v0.1.0-{'2' * 12}"
    assert git(github.git, "rev-list", "--count", "model-review") == "2"


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_release_that_is_recorded_once_the_next_one_runs_stands_before_it_and_is_not_the_latest(
    github: Forge, held: Registry, tmp_path: Path, newest_first: bool
) -> None:
    first, told = promoted(held, tmp_path, 1, None)
    assert record(github, tmp_path, told).returncode == 0
    second, failed = promoted(held, tmp_path, 2, first)
    third, newest = promoted(held, tmp_path, 3, second)
    # The second one's job failed, and is run again once the third one is in production.
    said = {}
    for one in (newest, failed) if newest_first else (failed, newest):
        done = record(github, tmp_path, one)
        assert done.returncode == 0, done.stderr
        said[one] = done.stdout
    assert f"in production is {third} by now" in said[failed]
    assert "by now" not in said[newest]
    assert recorded(github) == [first, second, third]
    assert sorted(github.releases) == [f"v0.1.0-{number * 12}" for number in "123"]
    assert github.latest == f"v0.1.0-{'3' * 12}"
    log = tmp_path / "promotions.jsonl"
    log.write_text(git(github.git, "show", "model-review:promotions.jsonl") + "\n")
    assert previous(read_log(log), held.name, third) == second


def test_a_line_that_is_none_is_refused_and_makes_no_branch(github: Forge, tmp_path: Path) -> None:
    done = record(github, tmp_path, '{"digest": "$(touch x)"}')
    assert done.returncode == 2
    assert git(github.git, "branch", "--list") == ""
    assert github.releases == {}
