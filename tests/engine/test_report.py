"""The report: its order, its numbers, its silence."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from worlds import POLICY, Review, World, record, write_run

from model_review.comparison_details import BaselineRow
from model_review.comparison_groups import Reversal, SliceRow
from model_review.comparison_reader import parse_comparison
from model_review.report.drawing import chart
from model_review.report.group_sections import slice_mark
from model_review.report.markdown import markdown_report
from model_review.slices import reversals
from model_review.verdict import Verdict

WORLD = World(seed=2)
BASE = WORLD.frame(WORLD.score(1.0, 1))


@pytest.fixture
def reviewed(review: Review, tmp_path: Path) -> dict[str, Any]:
    rule = POLICY + '[fairness]\nmetric = "recall"\nmargin = 0.1\ncolumns = ["sex"]\n[cost]\nmodel_bytes = 2.0\n'
    before = write_run(tmp_path / "a", BASE)
    after = write_run(tmp_path / "b", WORLD.frame(WORLD.score(0.9, 2)), params={"estimator": "tree", "depth": 3})
    return review(before, after, rule)


def leaves(data: Any) -> list[float]:
    if isinstance(data, dict):
        return [leaf for value in data.values() for leaf in leaves(value)]
    if isinstance(data, list):
        return [leaf for value in data for leaf in leaves(value)]
    return [float(data)] if isinstance(data, int | float) and not isinstance(data, bool) else []


def test_every_number_of_the_comment_stands_in_the_json(reviewed: dict[str, Any]) -> None:
    known = leaves(reviewed["comparison"]) + leaves(reviewed["verdict"])
    known += [100 * leaf for leaf in known]
    text = (reviewed["out"] / "report.md").read_text()
    text = re.sub(r"`[^`]*`|```.*?```|<summary>.*?</summary>", " ", text, flags=re.S)
    text = re.sub(r"about [\d,]+ rows", " ", text)  # rounded up to two digits on purpose
    missing = []
    for token in re.findall(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]\d+)?", text):
        value = float(token.replace(",", ""))
        digits = len(token.split(".")[1].split("e")[0]) if "." in token else 0
        slack = 0.51 * 10**-digits if "e" not in token else 0.06 * abs(value)
        if not any(abs(abs(leaf) - abs(value)) <= slack for leaf in known):
            missing.append(token)
    assert missing == []


def test_the_sections_stand_in_their_order(reviewed: dict[str, Any]) -> None:
    text = (reviewed["out"] / "report.md").read_text()
    marks = [
        "Reject",
        "| objective |",
        "### Rules",
        "Can this test set tell?",
        "### Slices",
        "### Fairness",
        "**Flips:**",
    ]
    marks += ["**Flips:**", "**Data:**", "<summary>Cost", "What changed", "Reproducibility"]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)
    assert text.count("```mermaid") == 1


def test_status_is_said_in_words_beside_every_mark(reviewed: dict[str, Any]) -> None:
    text = (reviewed["out"] / "report.md").read_text()
    for mark in re.findall(r"[\u2705\u274c\u2754\u270b\u2139\u2796]\ufe0f?(.{0,2})", text):
        assert re.match(r"[\s\u00a0]\w", mark), mark


@pytest.mark.parametrize(
    ("family", "status", "low", "high", "direction", "shown"),
    [
        ("gated", "no worse", 0.01, 0.04, "lower", "worse, within the margin"),
        ("gated", "no worse", -0.04, -0.01, "higher", "worse, within the margin"),
        ("gated", "cannot tell", 0.02, 0.09, "lower", "worse, perhaps past the margin (n=161)"),
        ("gated", "cannot tell", -0.02, 0.09, "lower", "cannot tell (n=161)"),
        ("gated", "no worse", -0.04, 0.01, "lower", "no worse"),
        ("explored", "no worse", 0.01, 0.04, "lower", "no worse"),  # one of many: its interval alone says little
    ],
)
def test_a_declared_slice_that_lost_is_not_called_no_worse(
    family: str, status: str, low: float, high: float, direction: str, shown: str
) -> None:
    numbers = {"champion": 0.5, "challenger": 0.5, "delta": (low + high) / 2, "low": low, "high": high}
    rest = {"column": "region", "value": "islands", "n": 161, "metric": "log_loss", "p_value": 1.0, "p_adjusted": 1.0}
    row = SliceRow.model_validate(
        {**numbers, **rest, "family": family, "status": status, "fixed": None, "broken": None}
    )
    assert slice_mark(row, direction).replace("\u00a0", " ").split(" ", 1)[1] == shown


def test_where_nothing_changed_the_report_is_one_line(review: Review, tmp_path: Path) -> None:
    before = write_run(tmp_path / "a", BASE)
    result = review(before, write_run(tmp_path / "b", BASE, commit="b" * 40))
    assert len((result["out"] / "report.md").read_text().splitlines()) == 1


def test_the_page_needs_no_network_and_no_script(reviewed: dict[str, Any]) -> None:
    page = (reviewed["out"] / "report.html").read_text()
    assert not re.search(r"<script|<link|src=|https?:", page)
    assert page.count("<svg") >= 6
    assert "prefers-color-scheme:dark" in page
    assert 'name="viewport"' in page


def test_every_tier_keeps_verdict_objective_and_rules(reviewed: dict[str, Any]) -> None:
    comparison = parse_comparison("test", json.loads(json.dumps(reviewed["comparison"])))
    verdict = Verdict.model_validate(reviewed["verdict"])
    from model_review.report.markdown import _render

    sizes = []
    for tier in range(3):
        text = _render(comparison, verdict, "guide.md", tier)
        assert "## \u274c Reject" in text
        assert "| objective |" in text
        assert "### Rules" in text
        sizes.append(len(text))
    assert sizes == sorted(sizes, reverse=True)
    assert markdown_report(comparison, verdict).startswith("## \u274c Reject")


@pytest.mark.parametrize("value", [1e-7, 2.5e7, -3e-9])
def test_the_charts_numbers_have_no_exponent(reviewed: dict[str, Any], value: float) -> None:
    """Mermaid 11 refuses a chart with 1e-07 in it (tried with mermaid.parse)."""
    comparison = parse_comparison("test", json.loads(json.dumps(reviewed["comparison"])))
    dummy = BaselineRow(name="dummy", metrics={"roc_auc": value})
    drawn, _ = chart(comparison.model_copy(update={"baselines": [dummy]}), "roc_auc")
    numbers = re.findall(r"(?:y-axis \"roc auc\"|bar) (.*)", drawn)
    assert len(numbers) == 2
    assert not re.search(r"[0-9]e", " ".join(numbers))


def test_simpsons_reversal_is_flagged(review: Review, tmp_path: Path) -> None:
    """AUC over all rows rises because the groups' levels are told apart, while it falls within every group."""
    import numpy as np

    rng = np.random.default_rng(0)
    rows = 4000
    world = World(rows=rows)
    group = np.arange(rows) % 2
    world.truth = (rng.random(rows) < np.where(group == 1, 0.6, 0.1)).astype(int)
    world.region = np.where(group == 1, "high", "low")
    before = 1 / (1 + np.exp(-(1.0 * world.truth + rng.normal(size=rows))))
    after = 1 / (1 + np.exp(-(0.6 * world.truth + 3 * group - 1.5 + rng.normal(size=rows))))
    policy = 'schema = "model-review/policy@1"\n[objective]\nmetric = "roc_auc"\n'
    a, b = write_run(tmp_path / "a", world.frame(before)), write_run(tmp_path / "b", world.frame(after))
    result = review(a, b, policy)
    found = result["comparison"]["reversals"]
    assert "region" in [one["column"] for one in found]
    assert "Simpson" in (result["out"] / "report.md").read_text()
    assert reversals([], []) == []
    assert set(found[0]) == set(Reversal.model_fields)


@pytest.mark.parametrize(
    ("changes", "kinds", "says"),
    [
        ({"environment": {**record()["environment"], "libraries": {"numpy": "2.5.0"}}}, None, "dependencies alone"),
        ({}, ["dependencies"], "dependencies alone"),
        ({}, ["code", "dependencies"], "code, dependencies"),
        ({}, [], None),
    ],
    ids=["by the runs", "by git", "two kinds", "nothing"],
)
def test_the_one_line_says_what_changed_though_no_prediction_did(
    review: Review, tmp_path: Path, changes: dict[str, Any], kinds: list[str] | None, says: str | None
) -> None:
    result = review(write_run(tmp_path / "a", BASE), write_run(tmp_path / "b", BASE, **changes))
    comparison = parse_comparison("comparison.json", result["comparison"])
    told = comparison.changes.model_copy(update={"kinds": kinds})
    report = markdown_report(comparison.model_copy(update={"changes": told}), Verdict(**result["verdict"]))
    assert report.startswith("**\u23f8\ufe0f Hold.**")
    assert report.count("\n") == 1 + 2 * len(comparison.warnings[:1])  # a line, and the warnings' own
    assert (f" What changed: {says}. " in report) if says else ("What changed" not in report)
