"""The picture that a repository may opt into: drawn from checked numbers alone, by the job that reads no artifact."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from archives import archive
from PIL import Image
from report_loop import HEAD, Loop
from repositories import git

from model_review.cli import main

INTERVAL = {"name": "roc_auc", "direction": "higher", "delta": 0.02, "low": 0.01, "high": 0.03}
FIGURE: dict[str, Any] = {"pull": 7, "verdict": "promote", "intervals": [INTERVAL]}


def pixels(path: Path) -> set[tuple[int, ...]]:
    """The colours of a picture."""
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}  # type: ignore[misc]


def test_without_opting_in_no_picture_is_shown_or_handed_on(loop: Loop) -> None:
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])))
    assert found["figure"] == ""
    assert "/figures/" not in loop.ours()[0]["body"]


def test_the_comment_shows_the_picture_that_the_ledger_job_draws(loop: Loop, tmp_path: Path) -> None:
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])), "--figures", "true")
    address = f"{loop.address}/raw/model-review/figures/7.png?{HEAD[:10]}"
    assert f"]({address})" in loop.ours()[0]["body"]
    assert main(["figure", "--figure", found["figure"], "--out", str(tmp_path)]) == 0
    assert (26, 127, 55) in pixels(tmp_path / "7.png")  # better beyond doubt is green
    drawn = (tmp_path / "7.png").read_bytes()
    main(["figure", "--figure", found["figure"], "--out", str(tmp_path)])
    assert (tmp_path / "7.png").read_bytes() == drawn


def test_a_forks_picture_is_not_stored(loop: Loop) -> None:
    fork = {"id": 9, "full_name": "stranger/churn", "owner": {"login": "stranger"}}
    loop.fake.pulls[7]["head"]["repo"] = fork
    _, found, _ = loop.comment(loop.run(archive(loop.comparisons["better"])), "--figures", "true")
    assert found["outcome"] == "judged"
    assert found["figure"] == ""
    assert "/figures/" not in loop.ours()[0]["body"]


@pytest.mark.parametrize(("sign", "colour"), [(1, (26, 127, 55)), (-1, (207, 34, 46))], ids=["better", "worse"])
@pytest.mark.parametrize("direction", ["higher", "lower"])
def test_the_colour_follows_the_direction_of_the_metric(
    tmp_path: Path, sign: int, colour: tuple[int, ...], direction: str
) -> None:
    turned = sign if direction == "higher" else -sign
    ends = {"delta": 0.02 * turned, "low": min(0.01 * turned, 0.03 * turned), "high": max(0.01 * turned, 0.03 * turned)}
    figure = FIGURE | {"intervals": [INTERVAL | ends | {"direction": direction}]}
    assert main(["figure", "--figure", json.dumps(figure), "--out", str(tmp_path)]) == 0
    assert colour in pixels(tmp_path / "7.png")


@pytest.mark.parametrize(
    "wrong",
    [
        {"pull": "../../x"},
        {"pull": 0},
        {"verdict": "<script>"},
        {"intervals": []},
        {"intervals": [INTERVAL] * 21},
        {"intervals": [INTERVAL | {"name": "![](https://example.org/x.png)"}]},
        {"intervals": [INTERVAL | {"low": float("nan")}]},
        {"intervals": [INTERVAL | {"title": "more"}]},
    ],
)
def test_anything_but_known_names_and_numbers_is_refused(
    tmp_path: Path, wrong: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["figure", "--figure", json.dumps(FIGURE | wrong), "--out", str(tmp_path)]) == 2
    assert "--figure" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("numbers", [(0.0, 0.0, 0.0), (1e308, -1e308, 1e308), (5e-324, 0.0, 5e-324)])
def test_extreme_numbers_are_drawn(tmp_path: Path, numbers: tuple[float, float, float]) -> None:
    ends = dict(zip(("delta", "low", "high"), numbers, strict=True))
    figure = FIGURE | {"intervals": [INTERVAL | ends]}
    assert main(["figure", "--figure", json.dumps(figure), "--out", str(tmp_path)]) == 0
    assert pixels(tmp_path / "7.png")


def test_the_ledger_action_stores_look_and_picture_in_one_commit(tmp_path: Path) -> None:
    from test_actions import ACTIONS, look, step

    remote, scratch, workspace = tmp_path / "owner/shop", tmp_path / "scratch", tmp_path / "workspace"
    for folder in (remote, scratch, workspace):
        folder.mkdir(parents=True)
    git(remote, "init", "--quiet", "--bare")
    server = {"GITHUB_SERVER_URL": tmp_path.as_uri(), "GITHUB_REPOSITORY": "owner/shop", "github-token": "t0ken"}
    step(ACTIONS / "ledger", "Append the look", workspace, scratch, look=look("a"), figure=json.dumps(FIGURE), **server)
    assert git(remote, "ls-tree", "-r", "--name-only", "model-review").split() == ["figures/7.png", "ledger.jsonl"]
    assert git(remote, "rev-list", "--count", "model-review") == "1"
    worse = json.dumps(FIGURE | {"verdict": "reject"})
    step(ACTIONS / "ledger", "Append the look", workspace, scratch, look="", figure=worse, **server)
    assert git(remote, "ls-tree", "-r", "--name-only", "model-review").split() == ["figures/7.png", "ledger.jsonl"]
    assert git(remote, "rev-list", "--count", "model-review") == "2"
    assert Image.open(io.BytesIO(_blob(remote, "model-review:figures/7.png"))).size[0] == 760


def _blob(remote: Path, name: str) -> bytes:
    import subprocess

    return subprocess.run(["git", "-C", str(remote), "show", name], capture_output=True, check=True).stdout
