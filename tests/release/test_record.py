"""The record action: the promotion log's branch and the GitHub Release, written once however often it runs."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_forge import TOKEN, Forge, forge
from registries import write_probe
from repositories import ACTIONS, git
from test_documents import line

pytestmark = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH")
FIRST, SECOND = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Forge]:
    bare = tmp_path / "bare"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    with forge(bare) as made:
        yield made


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


def test_a_promotion_is_recorded_once_also_when_another_push_comes_first(github: Forge, tmp_path: Path) -> None:
    hook = github.git / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ -e "$GIT_DIR/once" ] || { touch "$GIT_DIR/once"; exit 1; }\n')
    hook.chmod(0o755)
    for _ in range(2):
        done = record(github, tmp_path, line())
        assert done.returncode == 0, done.stderr
    done = record(github, tmp_path, line(digest=SECOND, previous=FIRST, commit="d" * 40))
    assert done.returncode == 0, done.stderr
    done = record(github, tmp_path, line())  # the first one's job, run again late
    assert done.returncode == 0, done.stderr
    log = git(github.git, "show", "model-review:promotions.jsonl").splitlines()
    assert [json.loads(one)["digest"] for one in log] == [FIRST, SECOND]
    files = git(github.git, "ls-tree", "-r", "--name-only", "model-review").splitlines()
    assert files == [f"probes/sha256-{'1' * 64}.json", f"probes/sha256-{'2' * 64}.json", "promotions.jsonl"]
    assert len(github.releases) == 2
    assert git(github.git, "rev-list", "--count", "model-review") == "2"


def test_a_line_that_is_none_is_refused_and_makes_no_branch(github: Forge, tmp_path: Path) -> None:
    done = record(github, tmp_path, '{"digest": "$(touch x)"}')
    assert done.returncode == 2
    assert git(github.git, "branch", "--list") == ""
    assert github.releases == {}
