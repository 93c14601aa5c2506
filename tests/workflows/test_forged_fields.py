"""A comparison that somebody wrote: what the contract forbids is refused, and the rest is judged and shown as text."""

from collections.abc import Callable
from typing import Any

import pytest
from fake_github import BOT
from outcomes import harmless, refused
from report_loop import MARKER, Changed, Loop

Edit = Callable[[dict[str, Any]], None]


def metric(data: dict[str, Any]) -> dict[str, Any]:
    """The objective's row."""
    return next(row for row in data["metrics"] if row["name"] == "roc_auc")


EDITS: list[tuple[str, Edit]] = [
    ("pull request's number", lambda data: data.update(pull_request=8)),
    ("value out of range", lambda data: metric(data).update(delta="1e999")),
    ("infinite by overflow", lambda data: metric(data).update(low=1e999)),
    ("boolean for a number", lambda data: metric(data).update(n=True)),
    ("negative rows", lambda data: data["rows"].update(compared=-1)),
    ("turned direction", lambda data: metric(data).update(direction="lower")),
    ("unknown check", lambda data: data["checks"][0].update(name="all good")),
]


@pytest.mark.parametrize("edit", [case[1] for case in EDITS], ids=[case[0] for case in EDITS])
def test_fields_that_the_contract_does_not_allow_are_refused(loop: Loop, forged: Changed, edit: Edit) -> None:
    loop.fake.add_pull(8, "e5" * 20, "other")
    refused(loop, forged(edit), "comparison.json")
    assert not loop.fake.by(BOT, 8)


EVIL = [
    "<script>alert(1)</script>",
    MARKER,
    '" CML watermark model-review")',
    "@everyone see [this](https://evil.example) ![x](https://evil.example/x.png)",
    "x|y|z\n\n## Promote\n\n::error::no",
    "</details></sub><!-- hidden",
    "```\nfence #1 www.evil.example",
    "\u202eetomorp",
]


def everywhere(text: str) -> Edit:
    """Put a text wherever a name or sentence stands."""

    def edit(data: dict[str, Any]) -> None:
        for row in data["slices"]:
            row["value"] = text
        data["slices"][-1]["column"] = text
        metric(data).update(method=text, notes=[text])
        data["undefined"][0]["reason"] = text
        data["warnings"].append(text)
        data["baselines"].append({"name": text, "metrics": {text: 0.5}})
        data["changes"]["params"].append({"name": text, "champion": text, "challenger": text})
        data["checks"].append({**data["checks"][0], "detail": text})
        data["challenger"].update(estimator=text, commit=text, warnings=[text], features=[text])
        data["engine"] = data["target"] = text

    return edit


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
@pytest.mark.parametrize("with_cml", [True, False], ids=["cml", "rest"])
def test_names_that_mean_markup_are_shown_as_text(loop: Loop, forged: Changed, text: str, with_cml: bool) -> None:
    if with_cml:
        loop.install_cml()
    for _ in range(2):
        code, found, shown = loop.comment(loop.run(forged(everywhere(text))))
        assert code == 0, shown
    assert len(loop.fake.comments) == len(loop.ours()) == 1
    assert found["outcome"] == "judged"
    harmless(loop.ours()[0]["body"])
    assert not any(line.startswith("::error") for line in shown.splitlines())


def test_a_comparison_of_many_long_names_still_fits(loop: Loop, forged: Changed) -> None:
    def edit(data: dict[str, Any]) -> None:
        row = data["slices"][0]
        data["slices"] = [{**row, "value": "\u4e00" * 90 + str(place)} for place in range(2000)]
        data["warnings"] = ["w" * 1900] * 300

    code, found, shown = loop.comment(loop.run(forged(edit)))
    assert (code, found["outcome"]) == (0, "judged"), shown
    harmless(loop.ours()[0]["body"])


def first_run(data: dict[str, Any]) -> None:
    """All that a comparison says where there is no champion."""
    told = ("champion", "delta", "low", "high", "level", "strict_low", "strict_high", "strict_level", "se", "p_value")
    data.update(champion=None, power=None)
    for row in data["metrics"]:
        row.update(dict.fromkeys(told))


CONTRADICTIONS: list[tuple[str, str, Edit]] = [
    ("no metric and no check", "refused", lambda data: data.update(metrics=[], checks=[], undefined=[], cost=[])),
    ("no objective", "refused", lambda data: data["metrics"].remove(metric(data))),
    ("no bounds", "refused", lambda data: data["settings"].update(bounds=[])),
    ("no champion", "refused", lambda data: data.update(champion=None)),
    ("a first run that is none", "hold", first_run),
    ("no deltas", "refused", lambda data: [row.update(delta=None, low=None, high=None) for row in data["metrics"]]),
    ("no checks", "hold", lambda data: data.update(checks=[])),
    ("other levels", "withheld", lambda data: metric(data).update(level=0.5, strict_level=0.5)),
    ("wild numbers", "refused", lambda data: metric(data).update(se=1e-320, delta=-1e308, n=0, units=0)),
    ("no rows", "refused", lambda data: data["rows"].update(compared=0)),
    ("many rows", "refused", lambda data: data["rows"].update(compared=10**400)),
    ("rows of another world", "refused", lambda data: data["rows"].update(evaluation_digest="x", sketch="abc")),
    (
        "reversed interval",
        "refused",
        lambda data: metric(data).update(low=0.9, high=-0.9, strict_low=0.9, strict_high=-0.9),
    ),
    ("empty curve", "refused", lambda data: data["curves"]["roc"].update(grid=[])),
    ("spent alpha", "refused", lambda data: data["settings"].update(alpha_look=5.0, look=10**9)),
]


@pytest.mark.parametrize(
    ("end", "edit"), [case[1:] for case in CONTRADICTIONS], ids=[case[0] for case in CONTRADICTIONS]
)
def test_a_comparison_that_contradicts_itself_ends_in_one_comment(
    loop: Loop, forged: Changed, end: str, edit: Edit
) -> None:
    loop.install_cml()
    code, found, shown = loop.comment(loop.run(forged(edit)))
    assert code == 0, shown
    assert "Traceback" not in shown
    assert len(loop.fake.comments) == len(loop.ours()) == 1
    harmless(loop.ours()[0]["body"])
    assert (found["verdict"] or found["outcome"]) == end, found


def test_a_forbidden_column_is_rejected_though_the_checks_say_green(loop: Loop, forged: Changed) -> None:
    def edit(data: dict[str, Any]) -> None:
        data["challenger"]["features"].append("paid_back")
        data["checks"] = [one for one in data["checks"] if one["name"] != "forbidden"]

    _, found, _ = loop.comment(loop.run(forged(edit)))
    assert found["verdict"] == "reject"
    assert "paid_back" in loop.ours()[0]["body"]
