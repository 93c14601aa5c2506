"""An attestation's bundle about another image, or with another predicate, is refused before `gh` is asked."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_review.attestation import canonical
from model_review.cli import main

NAME, DIGEST = "ghcr.io/acme/churn", "a" * 64
IMAGE = f"{NAME}@sha256:{DIGEST}"
PREDICATE = {"metrics": {"roc_auc": 0.8123, "rows": 9042}, "verdict": "promote", "note": "Ä"}


def statement(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": NAME, "digest": {"sha256": DIGEST}}],
        "predicateType": "https://example.org/model-card/v1",
        "predicate": PREDICATE,
    }
    return base | changes


def bundle(stated: dict[str, Any] | str | None = None, **changes: Any) -> dict[str, Any]:
    """A bundle as Sigstore's protobuf-specs and `actions/attest` write it."""
    text = stated if isinstance(stated, str) else json.dumps(statement() if stated is None else stated)
    envelope = {
        "payload": base64.b64encode(text.encode()).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": base64.b64encode(b"signed").decode(), "keyid": ""}],
    }
    base: dict[str, Any] = {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {"certificate": {"rawBytes": "MIIB"}, "tlogEntries": [{"logIndex": "1"}]},
        "dsseEnvelope": envelope,
    }
    return base | changes


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the verb on a file's content; give the exit code and the one sentence that it prints."""

    def run(content: Any, *extra: str, image: str = IMAGE, predicate: Any = None) -> tuple[int, str]:
        file, expected = tmp_path / "bundle.json", tmp_path / "card.json"
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        file.write_bytes(data)
        if predicate is not None:
            expected.write_text(predicate if isinstance(predicate, str) else json.dumps(predicate, indent=2))
            extra = (*extra, "--predicate", str(expected))
        code = main(["verify-attestation", "--bundle", str(file), "--image", image, *extra])
        said = capsys.readouterr()
        (sentence,) = (said.out + said.err).splitlines()
        return code, sentence

    return run


def test_what_it_must_say_passes_and_the_signature_is_left_to_gh(verify: Callable[..., tuple[int, str]]) -> None:
    code, said = verify(bundle(), predicate=PREDICATE)
    assert code == 0
    assert (
        said
        == f"About {IMAGE}: https://example.org/model-card/v1. The signature is for `gh attestation verify` to check."
    )


@pytest.mark.parametrize(
    "media", ["application/vnd.dev.sigstore.bundle.v0.3+json", "application/vnd.dev.sigstore.bundle+json;version=0.2"]
)
def test_each_form_of_bundle_is_read(verify: Callable[..., tuple[int, str]], media: str) -> None:
    assert verify(bundle(mediaType=media))[0] == 0


def test_one_bundle_per_line_as_gh_downloads_them(verify: Callable[..., tuple[int, str]]) -> None:
    other = bundle(statement(predicateType="https://slsa.dev/provenance/v1", predicate={"buildDefinition": {}}))
    lines = b"\n".join(json.dumps(one).encode() for one in (other, bundle())) + b"\n"
    assert verify(lines, predicate=PREDICATE)[0] == 0
    assert verify(lines, predicate={"verdict": "reject"})[0] == 1
    foreign = bundle(statement(subject=[{"name": NAME, "digest": {"sha256": "b" * 64}}]))
    code, said = verify(lines + json.dumps(foreign).encode(), predicate=PREDICATE)
    assert (code, "line 3 is about sha256:bbb" in said) == (1, True)


def test_a_tag_beside_the_digest_changes_nothing(verify: Callable[..., tuple[int, str]]) -> None:
    assert verify(bundle(), image=f"{NAME}:production@sha256:{DIGEST}")[0] == 0


FORGED = {
    "another image's digest": statement(subject=[{"name": NAME, "digest": {"sha256": "b" * 64}}]),
    "another image's name": statement(subject=[{"name": "ghcr.io/mallory/churn", "digest": {"sha256": DIGEST}}]),
    "a digest of another kind": statement(subject=[{"name": NAME, "digest": {"sha512": DIGEST}}]),
    "a second digest": statement(subject=[{"name": NAME, "digest": {"sha256": DIGEST, "sha1": "0"}}]),
    "no digest": statement(subject=[{"name": NAME}]),
    "a second subject": statement(subject=[*statement()["subject"], {"name": "x", "digest": {"sha256": "b" * 64}}]),
    "an edited number": statement(predicate=PREDICATE | {"metrics": {"roc_auc": 0.9123, "rows": 9042}}),
    "true for a number": statement(predicate=PREDICATE | {"metrics": {"roc_auc": 0.8123, "rows": True}}),
    "an edited text": statement(predicate=PREDICATE | {"verdict": "Promote"}),
    "a field more": statement(predicate=PREDICATE | {"more": None}),
    "a field less": statement(predicate={"metrics": PREDICATE["metrics"], "verdict": "promote"}),
    "another predicate": statement(predicateType="https://slsa.dev/provenance/v1", predicate={"buildDefinition": {}}),
}


@pytest.mark.parametrize("stated", FORGED.values(), ids=FORGED)
def test_a_forged_statement_is_refused_in_one_sentence(
    verify: Callable[..., tuple[int, str]], stated: dict[str, Any]
) -> None:
    code, said = verify(bundle(stated), predicate=PREDICATE)
    assert code == 1
    assert said.startswith("model-review: ")


def test_the_predicate_is_compared_by_value_as_javascript_writes_it(verify: Callable[..., tuple[int, str]]) -> None:
    ours = '{"b": 1.0, "a": [1e-07, -0.0, 12345678901234567890, "\\u00c4"]}'
    theirs = json.dumps(statement(predicate=0)).replace(
        '"predicate": 0', '"predicate": {"a":[1e-7,0,12345678901234567000,"Ä"],"b":1}'
    )
    assert verify(bundle(theirs), predicate=ours)[0] == 0
    assert canonical({"a": 1}) != canonical({"a": True})
    assert canonical({"a": "1.0"}) != canonical({"a": 1})


def envelope(**changes: Any) -> dict[str, Any]:
    return bundle(dsseEnvelope=bundle()["dsseEnvelope"] | changes)


TWICE = json.dumps(statement()).replace('"subject"', '"subject": [], "subject"', 1)
UNREADABLE: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{", "is not valid JSON"),
    "empty": (b"", "is not valid JSON"),
    "not UTF-8": (b"\xff{}", "is not UTF-8"),
    "a list": ([bundle()], "must hold a JSON object"),
    "deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    "NaN": (json.dumps(bundle() | {"x": 1}).replace('"x": 1', '"x": NaN').encode(), "NaN"),
    "a field twice in the bundle": (
        json.dumps(bundle()).replace("{", '{"mediaType": "x", ', 1).encode(), "mediaType stands twice",
    ),
    "a field twice in the statement": (bundle(TWICE), "subject stands twice"),
    "another media type": (bundle(mediaType="application/json"), "field mediaType"),
    "a bundle over a file": (bundle(messageSignature={}), "no dsseEnvelope"),
    "no envelope": (bundle(dsseEnvelope=None), "no dsseEnvelope"),
    "another payload type": (envelope(payloadType="text/plain"), "payloadType"),
    "payload that is no base64": (envelope(payload="{}"), "dsseEnvelope.payload is not base64"),
    "payload that is no text": (envelope(payload=7), "dsseEnvelope.payload is not base64"),
    "no signature": (envelope(signatures=[]), "must hold one signature"),
    "two signatures": (envelope(signatures=[{"sig": "QQ=="}, {"sig": "QQ=="}]), "must hold one signature"),
    "an empty signature": (envelope(signatures=[{"sig": ""}]), "it is not signed"),
    "another statement type": (bundle(statement(_type="https://in-toto.io/Statement/v9")), "_type"),
    "no subject": (bundle(statement(subject=[])), "field subject"),
    "no predicate": (bundle(statement(predicate=None)), "predicate"),
    "too many": (b"\n".join([json.dumps(bundle()).encode()] * 101), "holds 101 bundles"),
    "control characters": (bundle(mediaType="\x1b[2J\n"), "field mediaType"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_refused_in_one_sentence(
    verify: Callable[..., tuple[int, str]], content: Any, words: str
) -> None:
    code, said = verify(content)
    assert code == 2
    assert words in said
    assert "\x1b" not in said


def test_wrong_arguments_are_refused_in_one_sentence(verify: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    assert "is not named by digest" in verify(bundle(), image=f"{NAME}:latest")[1]
    assert verify(bundle(), image=f"{NAME}:latest")[0] == 2
    code, said = verify(bundle(), "--predicate", str(tmp_path / "absent.json"))
    assert (code, "absent.json cannot be read" in said) == (2, True)
    code, said = verify(bundle(), predicate="[1]")
    assert (code, "must hold a JSON object" in said) == (2, True)


def test_a_bundle_beyond_the_cap_is_not_read(
    verify: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model_review.attestation_verb.CAP", 1000)
    code, said = verify(bundle(statement(predicate={"a": "b" * 1000})))
    assert (code, "is larger than 1,000 bytes" in said) == (2, True)
