"""`model-review push`, `promote`, `rollback` and `record`: read, call, say what was done in one line."""

import argparse
import sys

from model_review.errors import ReviewError
from model_review.files import read_json, read_text
from model_review.image_reference import parse_image
from model_review.probe.record import read_probe
from model_review.release.promote import PRODUCTION, REVISION, Done, Refused, Request, promote, rollback
from model_review.release.promotions import append, locked, parse_promotion, read_log
from model_review.release.push import labels_of_folder, push
from model_review.release.records_verb import image_name
from model_review.release.registry import Registry, checked_tag
from model_review.step_files import write_outputs, write_summary
from model_review.text import plain


def run_push(arguments: argparse.Namespace) -> int:
    """Push an image folder by digest, and tag it with its commit."""
    registry = Registry(image_name(arguments.image, arguments.repo))
    labels = labels_of_folder(arguments.folder)
    manifest = push(registry, arguments.folder)
    if commit := labels.get(REVISION):
        registry.tag(manifest, checked_tag(commit))
    write_outputs({"digest": manifest.digest, "image": f"{registry.name}@{manifest.digest}", "commit": commit or ""})
    print(f"Pushed {registry.name}@{manifest.digest}.")
    return 0


def run_promote(arguments: argparse.Namespace) -> int:
    """0: in production. 1: refused. 2: it could not be tried, or not to the end; run it again."""
    image = parse_image(arguments.image)
    verdict = None if arguments.verdict is None else read_json(arguments.verdict).get("verdict")
    if verdict not in (None, "promote", "hold"):
        raise ReviewError(f"The verdict is {plain(verdict)}; what was rejected is not promoted.")
    asked = Request(Registry(image.name), arguments.log, arguments.repo, arguments.after, verdict)
    try:
        return _told(promote(asked, image.digest, read_probe(arguments.probe)))
    except Refused as refusal:
        return _refused(refusal)


def run_rollback(arguments: argparse.Namespace) -> int:
    """0: rolled back. 1: refused. 2: it could not be tried."""
    name = image_name(arguments.image, arguments.repo)
    asked = Request(Registry(name), arguments.log, arguments.repo)
    to = None if arguments.to == "previous" else parse_image(f"{name}@{arguments.to}").digest
    try:
        return _told(rollback(asked, to, None if arguments.probe is None else read_probe(arguments.probe)))
    except Refused as refusal:
        return _refused(refusal)


def run_record(arguments: argparse.Namespace) -> int:
    """Add a line that `promote` or `rollback` wrote elsewhere; another image may be in production by now."""
    line = read_text(arguments.line).strip()
    new = parse_promotion(plain(arguments.line), line)
    current = Registry(new.image).resolve(PRODUCTION)
    late = current != new.digest
    with locked(arguments.log):
        added = new not in read_log(arguments.log) and append(arguments.log, new, late=late)
    write_outputs({"added": str(added).lower()})
    by_now = f"; in production is {current or 'nothing'} by now" if late else ""
    print(f"{'Recorded' if added else 'Recorded before'}: {new.image}@{new.digest}{by_now}.")
    return 0


def _told(done: Done) -> int:
    one = done.promotion
    write_outputs(
        {
            "digest": one.digest,
            "previous": one.previous or "",
            "commit": one.commit or "",
            "version": one.version or "",
            "action": one.action,
            "line": one.line(),
        }
    )
    for note in done.notes:
        print(note, file=sys.stderr)
    image = f"{one.image}@{one.digest}"
    write_summary(f"### In production ({one.action})\n\n`{image}`\n\nbefore: `{one.previous or 'nothing'}`\n")
    was = f"it took the place of {one.previous}" if one.previous else "it is the first release"
    print(f"{'Now' if done.moved else 'Already'} in production: {image}; {was}.")
    return 0


def _refused(refusal: Refused) -> int:
    print(f"model-review: {refusal}", file=sys.stderr)
    return 1
