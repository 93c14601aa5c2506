"""The promote action's check of what was attested: about this image alone, and with the release's own documents."""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from repositories import ACTIONS

pytestmark = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH")
NAME, DIGEST = "ghcr.io/acme/shop", "a" * 64
OURS = "https://github.com/model-review/model-review"
PROVENANCE = "https://slsa.dev/provenance/v1"
DOCUMENTS = {
    "sbom.cdx.json": "https://cyclonedx.org/bom",
    "comparison.json": f"{OURS}/comparison/v1",
    "model-card.json": f"{OURS}/model-card/v1",
}


def bundle(kind: str, predicate: dict[str, object], digest: str = DIGEST) -> str:
    """One line, as the action that attests writes it."""
    stated = {"_type": "https://in-toto.io/Statement/v1", "predicateType": kind}
    stated |= {"predicate": predicate, "subject": [{"name": NAME, "digest": {"sha256": digest}}]}
    payload = base64.b64encode(json.dumps(stated).encode()).decode()
    envelope = {"payload": payload, "payloadType": "application/vnd.in-toto+json", "signatures": [{"sig": "c2ln"}]}
    return json.dumps({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope})


def check(scratch: Path, lines: list[str]) -> tuple[int, str]:
    """Run the step's script on a release whose documents each hold their own name."""
    work = scratch / "model-review"
    for name in ("attested", "release"):
        (work / name).mkdir(parents=True, exist_ok=True)
    for name in DOCUMENTS:
        (work / "release" / name).write_text(json.dumps({"name": name}))
    (work / "attested/attestations.jsonl").write_text("\n".join(lines) + "\n")
    known = {"RUNNER_TEMP": str(scratch), "GITHUB_ACTION_PATH": str(ACTIONS / "promote")}
    known |= {"IMAGE": NAME, "DIGEST": f"sha256:{DIGEST}"}
    command = ["bash", str(ACTIONS / "promote/attested.sh")]
    done = subprocess.run(command, env=os.environ | known, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


GOOD = [bundle(PROVENANCE, {}), *(bundle(kind, {"name": name}) for name, kind in DOCUMENTS.items())]


def test_only_bundles_about_the_image_with_every_document_unedited_let_it_go_on(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD)[0] == 0
    for place in range(len(GOOD)):
        foreign = bundle(PROVENANCE, {"name": "x"}, "b" * 64)
        code, said = check(tmp_path, [foreign if place == number else one for number, one in enumerate(GOOD)])
        assert (code, "not about the image's digest" in said) == (1, True)
    for place, (name, kind) in enumerate(DOCUMENTS.items(), 1):
        edited = bundle(kind, {"name": name + "!"})
        code, said = check(tmp_path, [edited if place == number else one for number, one in enumerate(GOOD)])
        assert (code, f"what was attested is not this release ({name})" in said) == (1, True)
    assert check(tmp_path, [""])[0] == 2


def test_an_attestation_that_is_missing_or_of_another_s_type_stops_the_release(tmp_path: Path) -> None:
    for place, name in enumerate(("provenance", *DOCUMENTS)):
        code, said = check(tmp_path, GOOD[:place] + GOOD[place + 1 :])
        assert (code, f"what was attested is not this release ({name})" in said) == (1, True)
        assert "that attestation is missing" in said
    comparison, card = ("comparison.json", "model-card.json")
    swapped = [*GOOD[:2], bundle(DOCUMENTS[card], {"name": comparison}), bundle(DOCUMENTS[comparison], {"name": card})]
    code, said = check(tmp_path, swapped)
    assert (code, f"({comparison})" in said, "another one was attested" in said) == (1, True, True)
