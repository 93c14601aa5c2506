"""An image into production, and back. Every step looks first whether it was done, so that a second run goes on."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from model_review.errors import ReviewError
from model_review.probe.record import Probe
from model_review.release import mlflow
from model_review.release.promotions import (
    Promotion,
    Registered,
    append,
    before,
    half_made,
    latest,
    locked,
    promoted,
    read_log,
)
from model_review.release.registry import Manifest, Registry, checked_tag
from model_review.text import plain

PRODUCTION = "production"
REVISION, VERSION, TITLE = (f"org.opencontainers.image.{name}" for name in ("revision", "version", "title"))
OURS = ("io.model-review.model-digest", "io.model-review.contract-digest", "io.model-review.run-digest")
MLFLOW_RUN = "io.model-review.mlflow-run"


class Refused(ReviewError):
    """The image may not go to production; nothing was changed."""


@dataclass(frozen=True)
class Target:
    """An image that is one of ours, as the registry holds it."""

    manifest: Manifest
    labels: dict[str, str]


@dataclass(frozen=True)
class Done:
    """What came of it."""

    promotion: Promotion
    moved: bool
    notes: list[str]


def find(registry: Registry, digest: str) -> Target:
    """The image by digest, with labels that are ours."""
    manifest = registry.manifest(digest)
    if manifest is None:
        raise Refused(f"{registry.name}@{digest} is not in the registry: it was never pushed whole, or it was deleted.")
    labels = registry.labels(manifest)
    absent = [name for name in (*OURS, REVISION) if not labels.get(name)]
    if absent:
        raise Refused(f"{registry.name}@{digest} is not one of this project's releases: it has no label {absent[0]}.")
    return Target(manifest, labels)


def check_probe(probe: Probe, target: Target, registry: Registry) -> None:
    """Only an image that itself was probed, and passed, goes to production."""
    digest = target.manifest.digest
    probed = None if probe.image is None else probe.image.digest
    if probed != digest:
        raise Refused(
            f"The probe is of {probed or 'no image that is known'}, not of {registry.name}@{digest}; probe it."
        )
    if not probe.passed:
        why = probe.failures[0] if probe.failures else "it says so"
        raise Refused(f"{registry.name}@{digest} did not pass its probe: {why}")
    for label, known in ((OURS[0], probe.subject.model_digest), (OURS[1], probe.subject.contract_digest)):
        if known is not None and target.labels[label] != known:
            raise Refused(
                f"The probe's run is not the image's: label {label} is another digest; probe with its own run."
            )


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        registry: Where the image is.
        log: The promotion log.
        project: The project's folder, whose environment opens an MLflow store that is no server.
        after: The digest that must still be in production, "none", or None where anything may be.
        verdict: The review's verdict, for the log.
    """

    registry: Registry
    log: Path
    project: Path
    after: str | None = None
    verdict: Literal["promote", "hold"] | None = None


def promote(asked: Request, digest: str, probe: Probe) -> Done:
    """Tags for commit and version, then `production`; a line in the log; MLflow's alias last."""
    target = find(asked.registry, digest)
    check_probe(probe, target, asked.registry)
    with locked(asked.log):
        target, current = _placed(asked, target, asked.registry.resolve(PRODUCTION))
        if asked.after is not None and current != target.manifest.digest and (current or "none") != asked.after:
            raise Refused(
                f"{PRODUCTION} is {current or 'not set'} by now, and this image was compared with {asked.after}; "
                "release the newest commit again."
            )
        # Before anything is moved, so that an MLflow that is down stops a promotion whole.
        version, notes = _registered(asked, target)
        if target.manifest.digest != digest:
            notes = [*notes, f"{digest} is another build of the commit and model that were released; the image stays."]
        for label in (REVISION, VERSION):
            if tag := target.labels.get(label):
                asked.registry.tag(target.manifest, checked_tag(tag))
        return _finish(asked, target, "promote", version, notes, current)


def _placed(asked: Request, target: Target, current: str | None) -> tuple[Target, str | None]:
    """What goes to production, and what was there before this release began: a release that is run again builds anew.

    Another image of the same commit in production, which the log does not know: a run of this release was stopped
    before its line, so what was there before is the log's last. One that the log knows, with the same model: this
    release was made, and its image stays.
    """
    if current is None or current == target.manifest.digest:
        return target, current
    manifest = asked.registry.manifest(current)
    labels = {} if manifest is None else asked.registry.labels(manifest)
    if manifest is None or labels.get(REVISION) != target.labels[REVISION]:
        return target, current
    log = read_log(asked.log)
    if half_made(log, current):
        last = latest(log, asked.registry.name)
        return target, None if last is None else last.digest
    same = all(labels.get(name) == target.labels[name] for name in OURS[:2])
    return (Target(manifest, labels) if same else target), current


def rollback(asked: Request, to: str | None, probe: Probe | None) -> Done:
    """`production` and MLflow's alias back to an image that was promoted before; None: the one before this one."""
    with locked(asked.log):
        log = read_log(asked.log)
        current = asked.registry.resolve(PRODUCTION)
        digest = to or previous(log, asked.registry.name, current)
        target = find(asked.registry, digest)
        if probe is not None:
            check_probe(probe, target, asked.registry)
        elif promoted(log, asked.registry.name, digest) is None:
            raise Refused(
                f"{asked.registry.name}@{digest} was never promoted by this log; give its probe with --probe."
            )
        unprobed = (
            ["It was probed when it was promoted, and not again; --probe takes a new probe."] if probe is None else []
        )
        version = None
        try:
            version, notes = _registered(asked, target)
        except mlflow.MlflowError as error:
            notes = [_alias_stays(digest, error)]
        return _finish(asked, target, "rollback", version, unprobed + notes, current)


def previous(log: list[Promotion], image: str, current: str | None) -> str:
    """Where a rollback leads. By the log, so that one that was stopped half way leads to the same image again."""
    last = latest(log, image)
    if last is None or current is None:
        raise Refused(f"{image}: nothing was promoted by this log; name the image with --to.")
    if half_made(log, current):  # it took the place of the log's last
        return last.digest
    found = before(log, image, last.digest)
    if found is None:
        raise Refused(f"{image}@{last.digest} is the first release; there is none before it to go back to.")
    if promoted(log, image, found) is None:  # its release was stopped before its line, so the one before that
        earlier = latest([one for one in log if one.digest != last.digest], image)
        found = found if earlier is None else earlier.digest
    if current not in (last.digest, found):
        raise Refused(
            f"{image}: {PRODUCTION} is {current}, and by the log it is {last.digest}; name the image with --to."
        )
    return found


def _registered(asked: Request, target: Target) -> tuple[Registered | None, list[str]]:
    run = target.labels.get(MLFLOW_RUN)
    if not os.environ.get(mlflow.URI):
        return None, [f"No {mlflow.URI} is set, so no MLflow alias moves."]
    if not run:
        return None, [f"The image has no label {MLFLOW_RUN}, so no MLflow alias moves."]
    name = target.labels.get(TITLE) or asked.registry.name.rpartition("/")[2]
    return mlflow.registered(name, run, _image(asked, target), asked.project), []


def _finish(
    asked: Request,
    target: Target,
    action: Literal["promote", "rollback"],
    version: Registered | None,
    notes: list[str],
    current: str | None,
) -> Done:
    """The tag that is deployed, the line in the log, and the alias: in this order.

    Going back from an image that no line tells of, the line comes first: once the tag has moved, nothing names that
    image any more, and a rollback that was stopped between the two would lead one further back.
    """
    digest, labels = target.manifest.digest, target.labels
    log = read_log(asked.log)
    last = latest(log, asked.registry.name)
    line_first = action == "rollback" and current is not None and half_made(log, current)
    moved = not line_first and asked.registry.tag(target.manifest, PRODUCTION)
    # Where this image is in production already, a run that was stopped put it there: the log knows what was before.
    replaced = current if current != digest else None if last is None else last.digest
    promotion = Promotion(
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        action=action,
        image=asked.registry.name,
        digest=digest,
        previous=replaced,
        commit=plain(labels[REVISION]),
        version=plain(labels[VERSION]) if VERSION in labels else None,
        model_digest=plain(labels[OURS[0]]),
        contract_digest=plain(labels[OURS[1]]),
        verdict=asked.verdict,
        mlflow=version,
        by=plain(os.environ["GITHUB_ACTOR"]) if os.environ.get("GITHUB_ACTOR") else None,
    )
    if not append(asked.log, promotion) and last is not None:
        promotion = last
    if line_first:
        moved = asked.registry.tag(target.manifest, PRODUCTION)
    if version is not None:
        try:
            mlflow.move_aliases(version, labels[MLFLOW_RUN], _image(asked, target), asked.project)
        except mlflow.MlflowError as error:
            if action == "promote":
                raise
            notes = [*notes, _alias_stays(digest, error)]
    return Done(promotion, moved, notes)


def _alias_stays(digest: str, error: mlflow.MlflowError) -> str:
    # With the digest: "previous" would be one further back by then.
    return f"MLflow's alias was not moved, run the rollback again when it answers, to {digest}: {error}"


def _image(asked: Request, target: Target) -> str:
    return f"{asked.registry.name}@{target.manifest.digest}"
