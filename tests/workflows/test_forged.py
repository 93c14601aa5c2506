"""Artifacts that somebody made by hand: nothing harmful is posted, and the one comment says what was refused."""

import io
import json
import os
import pickle
import re
import stat
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_github import BOT
from report_loop import MARKER, Changed, Loop, archive

Edit = Callable[[dict[str, Any]], None]
WATERMARK = re.compile(r"!\[\]\(https://cml\.dev/watermark\.png#")
FOOTER_LINKS = re.compile(r"https://127\.0\.0\.1:\d+/octo/bank/(commit/\w{40}|actions/runs/\d+(/artifacts/\d+)?)")


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    """An archive with those members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members:
            opened.writestr(name, data)
    return made.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    """A member that is no plain file."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def lying_size(data: bytes) -> bytes:
    """A member that says it is small and is not."""
    made = bytearray(archive(data))
    place = made.index(b"PK\x01\x02")
    made[place + 24 : place + 28] = struct.pack("<L", 10)
    made[22:26] = struct.pack("<L", 10)
    return bytes(made)


def encrypted(data: bytes) -> bytes:
    """A member that says it is encrypted."""
    made = bytearray(archive(data))
    made[made.index(b"PK\x01\x02") + 8] |= 1
    return bytes(made)


def refused(loop: Loop, content: bytes, *said: str) -> str:
    """One comment by us, that names what was refused and shows nothing of it."""
    loop.install_cml()
    started = time.monotonic()
    code, found, shown = loop.comment(loop.run(content))
    assert time.monotonic() - started < 20
    assert code == 0, shown
    assert found["outcome"] == "refused", loop.fake.comments
    assert found["verdict"] == found["look"] == ""
    assert len(loop.fake.comments) == len(loop.ours()) == 1
    body = str(loop.ours()[0]["body"])
    for word in said:
        assert word in body
    assert "Comparison refused" in body.splitlines()[0]
    assert not any(word in body for word in ("Promote", "promote", "Hold", "Reject"))
    harmless(body)
    return body


def harmless(body: str) -> None:
    """As GitHub renders it: our tags, links to this repository's own pages, the marker's picture and nothing else."""
    markdown_it = pytest.importorskip("markdown_it", reason="markdown-it renders the comment as GitHub's parser would")
    assert len(body) < 60_000
    assert len(WATERMARK.findall(body)) == 1
    assert body.endswith(MARKER)
    parser = markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    images = 0
    for token in parser.parse(body):
        if token.type == "html_block":
            assert {tag.lower() for tag in re.findall(r"</?([a-zA-Z]+)", token.content)} <= {
                "details",
                "summary",
                "sub",
            }
        for child in token.children or []:
            if child.type == "image":
                images += 1
                assert child.attrs["src"].startswith("https://cml.dev/watermark.png#")
            if child.type == "link_open":
                href = child.attrs["href"]
                assert FOOTER_LINKS.fullmatch(href) or href == "docs/reading-a-report.md", href
            if child.type == "html_inline":
                assert re.fullmatch(r"</?(details|summary|sub)>", child.content), child.content
            if child.type == "text":
                assert not re.search(r"@\w|#\d|https?://|www\.", child.content), child.content
    assert images == 1


ARCHIVES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("traversal", lambda good: zipped(("../comparison.json", good)), "leads out of its folder"),
    ("deep traversal", lambda good: zipped(("a/../../etc/cron.d/x", good)), "leads out of its folder"),
    ("absolute path", lambda good: zipped(("/etc/passwd", good)), "leads out of its folder"),
    ("backslashes", lambda good: zipped(("..\\comparison.json", good)), "leads out of its folder"),
    ("symlink", lambda good: zipped((special("comparison.json", stat.S_IFLNK | 0o777), b"/etc/passwd")), "is a link"),
    ("device", lambda good: zipped((special("comparison.json", stat.S_IFCHR | 0o666), good)), "plain file"),
    ("folder", lambda good: zipped(("comparison.json/", b"")), "comparison.json alone"),
    ("pull request's number", lambda good: zipped(("comparison.json", good), ("pr.json", b"8")), "holds pr.json"),
    ("ready-made comment", lambda good: zipped(("comparison.json", good), ("report.md", b"x")), "holds report.md"),
    ("second of the name", lambda good: zipped(("comparison.json", good), ("comparison.json", b"{}")), "2 times"),
    ("hidden name", lambda good: zipped(("comparison.json", good), ("@everyone <img>|`", b"")), "it may hold"),
    ("no member", lambda good: zipped(), "0 times"),
    ("many members", lambda good: zipped(*((f"{place}", b"") for place in range(500))), "500 files"),
    ("not a zip", lambda good: good, "no archive"),
    ("cut short", lambda good: archive(good)[:-40], "no archive"),
    ("flipped bytes", lambda good: archive(good).replace(archive(good)[200:210], bytes(10), 1), "no archive"),
    ("encrypted", encrypted, "encrypted"),
    ("bzip2", lambda good: _packed(good, zipfile.ZIP_BZIP2), "packed in a way"),
    ("bomb", lambda good: archive(bytes(3 * 10**9 // 1000) * 100), "at most"),
    ("lying size", lambda good: lying_size(bytes(50 * 2**20)), "no archive"),
    ("large archive", lambda good: archive(os.urandom(5 * 2**20)), "at most"),
    ("10 MB string", lambda good: _edited(good, lambda data: data.update(target="x" * 10**7)), "at most"),
    ("2 MB string", lambda good: _edited(good, lambda data: data.update(target="x" * 2 * 10**6)), "target"),
]


def _packed(data: bytes, method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as opened:
        opened.writestr("comparison.json", data)
    return made.getvalue()


def _edited(good: bytes, edit: Edit) -> bytes:
    data = json.loads(good)
    edit(data)
    return archive(json.dumps(data).encode())


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(("make", "said"), [case[1:] for case in ARCHIVES], ids=[case[0] for case in ARCHIVES])
def test_an_archive_that_our_workflow_never_makes_is_refused(
    loop: Loop, make: Callable[[bytes], bytes], said: str
) -> None:
    loop.fake.add_pull(8, "e5" * 20, "other")
    refused(loop, make(loop.comparisons["better"]), said)
    assert not loop.fake.by(BOT, 8)


CONTENTS = [
    ("empty", b"", "not valid JSON"),
    ("NaN", b'{"schema": "model-review/comparison@1", "x": NaN}', "NaN"),
    ("infinity", b'{"schema": "model-review/comparison@1", "x": -Infinity}', "Infinity"),
    ("list", b"[]", "JSON object"),
    ("deep", b"[" * 200_000, "nested too deeply"),
    ("latin-1", '{"é": 1}'.encode("latin-1"), "UTF-8"),
    ("long integer", b'{"schema": ' + b"9" * 10_000 + b"}", "not valid JSON"),
    ("other version", b'{"schema": "model-review/comparison@2"}', "reads no other version"),
    ("script", b"<script>alert(1)</script>", "not valid JSON"),
    ("field of a token", b'{"schema": "model-review/comparison@1", "[x](https://evil.example) @you": 1}', "field"),
]


@pytest.mark.parametrize(("content", "said"), [case[1:] for case in CONTENTS], ids=[case[0] for case in CONTENTS])
def test_content_that_is_no_comparison_is_refused(loop: Loop, content: bytes, said: str) -> None:
    refused(loop, archive(content), said)


def test_a_pickle_is_never_opened(loop: Loop) -> None:
    mark = loop.folder / "unpickled"
    refused(loop, archive(pickle.dumps(Touch(mark))), "comparison.json")
    assert not mark.exists()


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


def test_an_artifact_of_another_name_or_run_is_not_read(loop: Loop) -> None:
    other = loop.run(archive(loop.comparisons["better"]))
    run = loop.run(None, "failure")
    loop.fake.add_artifact(run, "model-review-comparison-2", archive(loop.comparisons["better"]))
    _, found, _ = loop.comment(run)
    assert other != run
    assert found["outcome"] == "missing"


def test_an_expired_artifact_is_missing_and_the_newest_of_two_attempts_counts(loop: Loop) -> None:
    run = loop.run(archive(loop.comparisons["better"]))
    loop.fake.add_artifact(run, "model-review-comparison", archive(loop.comparisons["worse"]))
    assert loop.comment(run)[1]["verdict"] == "reject"
    for one in loop.fake.artifacts:
        one["expired"] = True
    assert loop.comment(run)[1]["outcome"] == "missing"
    assert len(loop.ours()) == 1


def test_the_page_with_plots_is_linked_by_its_number(loop: Loop) -> None:
    run = loop.run(archive(loop.comparisons["better"]))
    page = loop.fake.add_artifact(run, "model-review.html", b"<html>")
    loop.comment(run)
    assert f"/actions/runs/{run}/artifacts/{page})" in loop.ours()[0]["body"]
    harmless(loop.ours()[0]["body"])
