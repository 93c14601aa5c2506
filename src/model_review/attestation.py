"""What an attestation says, checked before anybody is asked who signed it.

A Sigstore bundle holds a DSSE envelope with an in-toto statement: these subjects, this predicate. The signature over
it is not checked here (`gh attestation verify` does, on GitHub); a bundle about another image, or with another
predicate than the one that was attested, is refused without asking.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

from model_review.errors import ReviewError
from model_review.files import parse_object
from model_review.image_reference import ImageReference
from model_review.text import plain

CAP = 64 * 2**20  # GitHub takes predicates of up to 16 MB, which base64 makes a third longer
MOST_BUNDLES = 100
MEDIA_TYPE = re.compile(r"application/vnd\.dev\.sigstore\.bundle(\.v0\.[1-9]\d?\+json|\+json;version=0\.[1-9]\d?)")
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"


class Refused(ReviewError):
    """The bundle can be read and does not hold; the command line exits with 1."""


@dataclass(frozen=True)
class Statement:
    """What one bundle says. `where` names it in a refusal."""

    where: str
    subjects: list[dict[str, Any]]
    predicate_type: str
    predicate: dict[str, Any]


def read_statements(where: str, data: bytes) -> list[Statement]:
    """The statements of a file: one bundle, or one per line."""
    try:
        return [_statement(where, _object(where, data))]
    except ReviewError:
        lines = [line for line in data.splitlines() if line.strip()]
        if len(lines) < 2 or not _is_json(lines[0]):
            raise
    if len(lines) > MOST_BUNDLES:
        raise ReviewError(f"{where} holds {len(lines):,} bundles; at most {MOST_BUNDLES} are read.")
    return [
        _statement(f"{where} line {number}", _object(f"{where} line {number}", line))
        for number, line in enumerate(lines, start=1)
    ]


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _object(where: str, data: bytes) -> dict[str, Any]:
    """A JSON object in which no field stands twice: two readers could each take another one."""
    return parse_object(where, data, _once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(f"field {plain(twice)} stands twice")
    return dict(pairs)


def _statement(where: str, bundle: dict[str, Any]) -> Statement:
    media, envelope = bundle.get("mediaType"), bundle.get("dsseEnvelope")
    if not isinstance(media, str) or not MEDIA_TYPE.fullmatch(media):
        raise ReviewError(f"{where}: field mediaType is {plain(repr(media))}; give a Sigstore bundle.")
    if "messageSignature" in bundle or not isinstance(envelope, dict):
        raise ReviewError(f"{where}: there is no dsseEnvelope, so nothing is stated; give an attestation's bundle.")
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        found = plain(repr(envelope.get("payloadType")))
        raise ReviewError(f"{where}: field dsseEnvelope.payloadType is {found}; it must be {PAYLOAD_TYPE}.")
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], dict):
        raise ReviewError(f"{where}: field dsseEnvelope.signatures must hold one signature.")
    if not _decoded(where, "dsseEnvelope.signatures[0].sig", signatures[0].get("sig")):
        raise ReviewError(f"{where}: field dsseEnvelope.signatures[0].sig is empty; it is not signed.")
    stated = _object(f"{where}, statement", _decoded(where, "dsseEnvelope.payload", envelope.get("payload")))
    if stated.get("_type") != STATEMENT:
        raise ReviewError(
            f"{where}: the statement's _type is {plain(repr(stated.get('_type')))}; it must be {STATEMENT}."
        )
    subjects, kind, predicate = stated.get("subject"), stated.get("predicateType"), stated.get("predicate")
    if not isinstance(subjects, list) or not subjects or not all(isinstance(one, dict) for one in subjects):
        raise ReviewError(f"{where}: the statement's field subject must list what it is about.")
    if not isinstance(kind, str) or not kind or not isinstance(predicate, dict):
        raise ReviewError(f"{where}: the statement must have a predicateType and a predicate.")
    return Statement(where, subjects, kind, predicate)


def _decoded(where: str, field: str, value: Any) -> bytes:
    try:
        return base64.b64decode(value if isinstance(value, str) else "?", validate=True)
    except (binascii.Error, ValueError):
        raise ReviewError(f"{where}: field {field} is not base64.") from None


def check(
    statements: list[Statement], image: ImageReference, kind: str | None, predicate: dict[str, Any] | None, file: str
) -> None:
    """Refuse a statement about anything but the image, and a file of which none is of that type or holds the predicate.

    Args:
        statements: What the file's bundles say.
        image: What each must be about.
        kind: The predicate type that one must have, and that holds the predicate; None for any.
        predicate: What one must hold; None for anything.
        file: Where the predicate is read from.
    """
    for one in statements:
        if len(one.subjects) != 1:
            raise Refused(f"{one.where} is about {len(one.subjects)} subjects; it must be about the image alone.")
        subject = one.subjects[0]
        digest, name = subject.get("digest"), subject.get("name")
        if digest != {"sha256": image.digest.removeprefix("sha256:")}:
            raise Refused(f"{one.where} is about {_shown(digest)}, not about the image's digest {image.digest}.")
        if name != image.name:
            raise Refused(f"{one.where} is about {plain(name)}, not about {image.name}.")
    meant = [one for one in statements if kind in (None, one.predicate_type)]
    if not meant:
        held = ", ".join(plain(one.predicate_type) for one in statements[:5])
        raise Refused(f"No statement is of type {plain(kind)}, only {held}: that attestation is missing.")
    if predicate is None:
        return
    wanted = canonical(predicate)
    if not any(canonical(one.predicate) == wanted for one in meant):
        held = ", ".join(plain(one.predicate_type) for one in meant[:5])
        raise Refused(
            f"No predicate ({held}) is what {file} says: another one was attested, or one of the two was edited."
        )


def _shown(digest: Any) -> str:
    found = digest.get("sha256") if isinstance(digest, dict) else None
    return "no digest" if found is None else f"sha256:{plain(found)}"


def canonical(value: Any) -> str:
    """JSON in one spelling, so that equal means equal: 1 and 1.0 are one number, 1 and true are not one value.

    The action that attests reads a predicate with JavaScript, whose numbers are all doubles.
    """

    def normal(found: Any) -> Any:
        if isinstance(found, dict):
            return {name: normal(inner) for name, inner in found.items()}
        if isinstance(found, list):
            return [normal(inner) for inner in found]
        if isinstance(found, int) and not isinstance(found, bool):
            try:
                return float(found) + 0.0
            except OverflowError:
                return str(found)
        return found + 0.0 if isinstance(found, float) else found  # -0.0 becomes 0.0, as JavaScript writes it

    return json.dumps(normal(value), sort_keys=True, ensure_ascii=True)
