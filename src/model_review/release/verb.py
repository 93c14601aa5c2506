"""`model-review push`, `deployed`, `promote`, `rollback` and `record`: read, call, say what was done in one line."""

import argparse
import sys

from model_review.errors import ReviewError
from model_review.files import read_json, read_text
from model_review.image_reference import parse_image
from model_review.probe.record import read_probe
from model_review.release.promote import OURS, PRODUCTION, REVISION, Done, Refused, Request, find, promote, rollback
from model_review.release.promotions import append, locked, parse_promotion
from model_review.release.push import labels_of_folder, push
from model_review.release.registry import Registry, checked_tag
from model_review.step_files import write_outputs
from model_review.text import plain


def run_push(arguments: argparse.Namespace) -> int:
    """Push an image folder by digest, and tag it with its commit."""
    registry = Registry(arguments.image)
    labels = labels_of_folder(arguments.folder)
    manifest = push(registry, arguments.folder)
    if commit := labels.get(REVISION):
        registry.tag(manifest, checked_tag(commit))
    write_outputs({"digest": manifest.digest, "image": f"{registry.name}@{manifest.digest}", "commit": commit or ""})
    print(f"Pushed {registry.name}@{manifest.digest}.")
    return 0


def run_deployed(arguments: argparse.Namespace) -> int:
    """What is behind the tag `production`; outputs are empty where there is no such tag."""
    registry = Registry(arguments.image)
    digest = registry.resolve(PRODUCTION)
    labels = {} if digest is None else find(registry, digest).labels
    found = {"digest": digest or "", "commit": labels.get(REVISION, ""), "model-digest": labels.get(OURS[0], "")}
    write_outputs(found)
    if digest is None:
        print(f"First release: {registry.name} has no tag {PRODUCTION}.")
    else:
        print(f"Deployed is {registry.name}@{digest}, made from commit {plain(found['commit'])}.")
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
    asked = Request(Registry(arguments.image), arguments.log, arguments.repo)
    to = None if arguments.to == "previous" else parse_image(f"{arguments.image}@{arguments.to}").digest
    try:
        return _told(rollback(asked, to, None if arguments.probe is None else read_probe(arguments.probe)))
    except Refused as refusal:
        return _refused(refusal)


def run_record(arguments: argparse.Namespace) -> int:
    """Add a line that `promote` or `rollback` wrote elsewhere."""
    line = read_text(arguments.line).strip()
    new = parse_promotion(plain(arguments.line), line)
    with locked(arguments.log):
        added = append(arguments.log, new)
    write_outputs({"added": str(added).lower()})
    print(f"{'Recorded' if added else 'Recorded before'}: {new.image}@{new.digest}.")
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
    was = f"it took the place of {one.previous}" if one.previous else "it is the first release"
    print(f"{'Now' if done.moved else 'Already'} in production: {one.image}@{one.digest}; {was}.")
    return 0


def _refused(refusal: Refused) -> int:
    print(f"model-review: {refusal}", file=sys.stderr)
    return 1
