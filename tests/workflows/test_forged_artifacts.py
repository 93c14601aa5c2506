"""Artifacts that our workflow never makes: nothing of them is posted, and the one comment says what was refused."""

import json
import os
import pickle
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from archives import archive, zipped
from fake_github import BOT
from outcomes import harmless, refused
from report_loop import Loop


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


def with_target(good: bytes, text: str) -> bytes:
    """A comparison whose target has that name."""
    data = json.loads(good)
    data["target"] = text
    return archive(json.dumps(data).encode())


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
    ("bzip2", lambda good: zipped(("comparison.json", good), method=zipfile.ZIP_BZIP2), "packed in a way"),
    ("bomb", lambda good: archive(bytes(3 * 10**9 // 1000) * 100), "at most"),
    ("lying size", lambda good: lying_size(bytes(50 * 2**20)), "no archive"),
    ("large archive", lambda good: archive(os.urandom(5 * 2**20)), "at most"),
    ("10 MB string", lambda good: with_target(good, "x" * 10**7), "at most"),
    ("2 MB string", lambda good: with_target(good, "x" * 2 * 10**6), "target"),
]


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
