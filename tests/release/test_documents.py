"""What a release says: whether numbers came out again, the GitHub Release, and what GitHub keeps."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_forge import TOKEN, Forge, forge
from probed import write_run
from registries import Proxy, proxied
from repositories import commit, commit_all, git

from model_review.cli import main
from model_review.forge.github import connect
from model_review.release.notes import LIMIT, body_of
from model_review.release.promotions import parse_promotion
from model_review.release.records import claimed
from model_review.release.reproduced import TOLERANCE, against_claims, against_saved
from model_review.runs import read_run


@pytest.mark.parametrize(
    ("gap", "words"),
    [(0.0, "reproduced: identical."), (TOLERANCE / 2, "within tolerance"), (TOLERANCE * 2, "not: they differ")],
)
def test_it_is_said_whether_the_pull_request_s_numbers_came_out_again(tmp_path: Path, gap: float, words: str) -> None:
    folder = write_run(tmp_path / "run")
    record = json.loads((folder / "run.json").read_text()) | {"metrics": {"roc_auc": 0.8, "log_loss": 0.5}}
    (folder / "run.json").write_text(json.dumps(record))
    said = against_claims(read_run(folder), 7, {"roc_auc": 0.8 + gap, "log_loss": 0.5, "unknown": 3.0})
    assert said.startswith("The numbers of pull request 7 reproduced")
    assert words in said


def test_the_saved_run_s_model_is_taken_only_where_its_answers_are_the_same(tmp_path: Path) -> None:
    run, saved, other = (
        write_run(tmp_path / name, noise=noise) for name, noise in (("a", 0.1), ("b", 0.1), ("c", 0.2))
    )
    for place, folder in enumerate((run, saved, other)):
        (folder / "model").mkdir()
        (folder / "model/file").write_text(str(place))
    assert "answers differently" in against_saved(run, other)
    assert "No run" in against_saved(run, tmp_path / "nowhere")
    assert (run / "model/file").read_text() == "0"
    assert "identical" in against_saved(run, saved)
    assert (run / "model/file").read_text() == "1"


@pytest.fixture
def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    work, bare = tmp_path / "work", tmp_path / "bare"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch", "main")
    commit(work, contract_dot_yaml="columns\n")
    git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    with forge(bare) as made:
        monkeypatch.setenv("GITHUB_API_URL", made.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", made.name)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield made


def test_what_a_pull_request_s_run_claimed_is_read_as_data_and_never_believed(github: Forge, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", noise=0.1)
    (tmp_path / "policy.toml").write_text('schema = "model-review/policy@1"\n[objective]\nmetric = "roc_auc"\n')
    given = ["--challenger", str(run), "--policy", str(tmp_path / "policy.toml"), "--out", str(tmp_path / "out")]
    assert main(["compare", "--champion", "none", *given]) == 0
    client = connect(github.url, TOKEN)
    assert claimed(client, github.name, "a" * 40) is None
    github.pulls["a" * 40] = (7, "b" * 40)
    assert claimed(client, github.name, "a" * 40) == (7, {})
    github.comparisons["b" * 40] = (tmp_path / "out/comparison.json").read_bytes()
    found = claimed(client, github.name, "a" * 40)
    assert found is not None
    assert found[0] == 7
    assert 0.5 < found[1]["roc_auc"] < 1
    for forged in (b"", b"[]", b"$(x)", b'{"schema": "model-review/comparison@9"}'):
        github.comparisons["b" * 40] = forged
        assert claimed(client, github.name, "a" * 40) == (7, {})


def test_what_deployed_notes_of_the_claims_is_what_reproduced_says_of_them(
    github: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the actions deployed and train hand it on: a folder, between jobs."""
    run, deployed, summary = write_run(tmp_path / "run", noise=0.1), tmp_path / "deployed", tmp_path / "summary"
    (tmp_path / "policy.toml").write_text('schema = "model-review/policy@1"\n[objective]\nmetric = "roc_auc"\n')
    given = ["--challenger", str(run), "--policy", str(tmp_path / "policy.toml"), "--out", str(tmp_path / "out")]
    assert main(["compare", "--champion", "none", *given]) == 0
    comparison = json.loads((tmp_path / "out/comparison.json").read_text())
    record = json.loads((run / "run.json").read_text())
    record["metrics"] = {one["name"]: one["challenger"] for one in comparison["metrics"]}
    (run / "run.json").write_text(json.dumps(record))
    monkeypatch.setenv("GITHUB_SHA", "a" * 40)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    github.pulls["a" * 40] = (7, "b" * 40)
    github.comparisons["b" * 40] = (tmp_path / "out/comparison.json").read_bytes()
    with proxied(Proxy("127.0.0.1:9", lambda method, path: 404)) as proxy:
        asked = ["deployed", "--claims", "--image", f"{proxy.host}/acme/shop", "--out", str(deployed)]
        assert main(asked) == 0
    told = ["reproduced", "--run", str(run), "--deployed", str(deployed), "--saved", str(tmp_path / "nowhere")]
    assert main(told) == 0
    sentence = "The numbers of pull request 7 reproduced: identical."
    assert sentence in capsys.readouterr().out
    assert summary.read_text().startswith(sentence)


def line(**more: Any) -> str:
    """A promotion."""
    content = {"schema": "model-review/promotion@1", "time": "2026-01-01T00:00:00Z", "action": "promote"}
    content |= {"image": "ghcr.io/acme/shop", "digest": "sha256:" + "1" * 64, "previous": None, "commit": "c" * 40}
    content |= {"version": "0.1.0", "model_digest": None, "contract_digest": None, "verdict": "promote"}
    return json.dumps(content | {"mlflow": None, "by": "ann"} | more)


def test_a_github_release_is_written_once_and_again_it_is_the_same(
    github: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = tmp_path / "card.md"
    card.write_text("---\nlicense: mit\n---\n# Shop\n")
    with proxied(Proxy("127.0.0.1:9", lambda method, path: b"{}")) as proxy:  # what is in production there
        image, digest = f"{proxy.host}/acme/shop", f"sha256:{hashlib.sha256(b'{}').hexdigest()}"

        def note(*given: str, **more: Any) -> dict[str, Any]:
            (tmp_path / "line.json").write_text(line(image=image, **{"digest": digest} | more))
            monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
            assert main(["release-note", "--line", str(tmp_path / "line.json"), *given]) == 0
            (release,) = github.releases.values()
            return dict(release)

        first = note("--card", str(card))
        assert first["tag_name"] == github.latest == f"v0.1.0-{'c' * 12}"
        assert f"gh attestation verify oci://{image}@{digest} --repo acme/shop" in first["body"]
        assert "# Shop" in first["body"]
        assert "license: mit" not in first["body"]
        assert note("--card", str(card)) == first
        assert github.writes == ["POST /releases", "PATCH /releases/1"]
        # A rollback hands no card on: it leaves what was written at the promotion.
        assert note("--card", str(tmp_path / "none.md"), action="rollback") == first
        assert note("--card", str(tmp_path / "none.md")) == first
        assert note(digest="sha256:" + "1" * 64)["make_latest"] == "false"


def test_a_release_s_text_never_grows_beyond_what_github_takes(tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("x" * 100_000)
    (tmp_path / "report.md").write_text("y" * 100_000)
    body = body_of(parse_promotion("line", line()), "acme/shop", tmp_path / "report.md", tmp_path / "card.md")
    assert "x" * 100_000 in body
    assert len(body) < LIMIT


def test_a_rollback_finds_nothing_without_a_log_and_needs_no_credentials_to_say_so(
    github: Forge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["find", "--image", "127.0.0.1:9/acme/shop", "--to", "latest", "--out", str(tmp_path / "out")]) == 2
    assert "is no digest" in capsys.readouterr().err


def test_a_registry_that_denies_what_is_not_there_means_a_first_release_only_where_nothing_was_released(
    github: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with proxied(Proxy("127.0.0.1:9", lambda method, path: 403)) as proxy:
        given = ["deployed", "--image", f"{proxy.host}/acme/shop", "--out", str(tmp_path / "out")]
        assert main(given) == 0
        assert "taken for a first release" in capsys.readouterr().out
        assert json.loads((tmp_path / "out/deployed.json").read_text())["digest"] == "none"
        work = tmp_path / "branch"
        git(tmp_path, "init", "--quiet", "--initial-branch", "model-review", str(work))
        (work / "promotions.jsonl").write_text(line() + "\n")
        commit_all(work)
        git(work, "push", "--quiet", str(github.git), "HEAD:refs/heads/model-review")
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        assert main(given) == 2
        assert "set MODEL_REVIEW_REGISTRY_USERNAME" in capsys.readouterr().err


def test_the_image_s_name_comes_from_pyproject_and_its_absence_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert main(["deployed", "--repo", str(tmp_path)]) == 2
    assert "names no [tool.model-review] image" in capsys.readouterr().err
    shutil.rmtree(tmp_path)
