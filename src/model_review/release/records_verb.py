"""`model-review deployed`, `find`, `reproduced`, `sbom`, `release-note`: what the release workflow reads and writes."""

import argparse
import json
import os
import re
import tomllib
from pathlib import Path

from model_review.errors import ReviewError
from model_review.files import read_json, read_text, to_json, write_text
from model_review.forge.github import Client, file_at
from model_review.release import records
from model_review.release.notes import body_of, publish
from model_review.release.packages import system
from model_review.release.promote import OURS, PRODUCTION, REVISION, VERSION, Refused, find, previous
from model_review.release.promotions import CAP, half_made, latest, parse_promotion, read_log
from model_review.release.push import labels_of_folder, read_folder
from model_review.release.registry import Registry
from model_review.release.reproduced import against_claims, against_saved
from model_review.release.sbom import sbom
from model_review.release.transport import RegistryError
from model_review.runs import read_run
from model_review.step_files import write_outputs, write_summary
from model_review.text import plain

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def image_name(given: str | None, project: Path) -> str:
    """`--image`, else what `[tool.model-review] image` in pyproject.toml says."""
    if given:
        return given
    file = project / "pyproject.toml"
    try:
        found = tomllib.loads(read_text(file)).get("tool", {}).get("model-review", {}).get("image")
    except (tomllib.TOMLDecodeError, AttributeError, RecursionError):
        found = None
    if not isinstance(found, str):
        raise ReviewError(f"{plain(file)} names no [tool.model-review] image; add it, or give --image.")
    return found


def run_deployed(arguments: argparse.Namespace) -> int:
    """What is behind the tag `production`; with `--out`, what GitHub keeps of it."""
    registry = Registry(image_name(arguments.image, arguments.repo))
    github = records.connected()
    digest = _in_production(registry, github)
    labels = {} if digest is None else find(registry, digest).labels
    commit = labels.get(REVISION, "none")
    if arguments.out is not None and github is not None:
        records.save_log(*github, arguments.out / records.LOG)
        log = read_log(arguments.out / records.LOG)
        if commit == os.environ.get("GITHUB_SHA") and half_made(log, digest):
            image = f"{registry.name}@{digest}"
            print(f"A release of this very commit was stopped half way: {image} has no line in the log.")
            last = latest(log, registry.name)
            digest, commit = (None, "none") if last is None else (last.digest, last.commit or "none")
    found = {"image": registry.name, "digest": digest or "none", "commit": commit}
    write_outputs(found)
    if arguments.out is not None:
        write_text(arguments.out / "deployed.json", to_json(found))
        if github is not None:
            if digest is not None:
                records.save_probe(*github, digest, arguments.out / records.PROBE)
            claims = records.claimed(*github, os.environ.get("GITHUB_SHA", "HEAD")) if arguments.claims else None
            if claims is not None:
                write_text(arguments.out / "claims.json", to_json({"pull": claims[0], "metrics": claims[1]}))
    if digest is None:
        print(f"First release: nothing of {registry.name} was released before.")
    else:
        print(f"Deployed is {registry.name}@{digest}, made from commit {plain(found['commit'])}.")
    return 0


def _in_production(registry: Registry, github: tuple[Client, str] | None) -> str | None:
    """The digest; None before the first release, to which some registries say "denied", as nothing is there yet."""
    try:
        return registry.resolve(PRODUCTION)
    except RegistryError as error:
        if error.status not in (401, 403) or github is None:
            raise
        log = file_at(*github, records.LOG, records.BRANCH, CAP)
        if log is not None and log.strip():
            raise  # there were releases, so the right to see them is missing
        print(f"::notice::{error} Nothing was released yet, so this is taken for a first release.")
        return None


def run_find(arguments: argparse.Namespace) -> int:
    """The image that a rollback leads to, and with what it is probed."""
    registry = Registry(image_name(arguments.image, arguments.repo))
    github = records.connected()
    log = arguments.out / records.LOG
    if github is not None:
        records.save_log(*github, log)
    lines = read_log(log)
    if arguments.to == "previous":
        digest = previous(lines, registry.name, registry.resolve(PRODUCTION))
    elif DIGEST.fullmatch(arguments.to):
        digest = arguments.to
    else:
        raise ReviewError(f"{plain(arguments.to)} is no digest; give sha256: and 64 hex digits, or previous.")
    labels = find(registry, digest).labels
    commit = labels[REVISION]
    if not any(one.digest == digest and one.action == "promote" for one in lines):
        raise Refused(f"{registry.name}@{digest} was never promoted; only what was in production comes back.")
    if github is not None:
        if not records.save_probe(*github, digest, arguments.out / records.PROBE):
            raise ReviewError(f"The branch {records.BRANCH} holds no probe of {digest}, so it cannot be probed again.")
        if not records.save(*github, records.CONTRACT, commit, arguments.out / records.CONTRACT):
            raise ReviewError(f"Commit {plain(commit)} has no {records.CONTRACT}; the image cannot be probed.")
    write_outputs({"image": registry.name, "digest": digest, "commit": commit})
    print(f"Back to {registry.name}@{digest}, made from commit {plain(commit)}.")
    return 0


def run_reproduced(arguments: argparse.Namespace) -> int:
    """Two sentences, for the log and the summary."""
    run, file = read_run(arguments.run), arguments.deployed / "claims.json"
    claims = read_json(file) if file.is_file() else {"pull": None, "metrics": {}}
    sentences = [against_claims(run, claims["pull"], claims["metrics"]), against_saved(arguments.run, arguments.saved)]
    write_summary("".join(f"{sentence}\n\n" for sentence in sentences))
    write_outputs({"reproduced": sentences[0]})
    print("\n".join(sentences))
    return 0


def run_sbom(arguments: argparse.Namespace) -> int:
    """The packages of an image that lies in a folder."""
    manifest, _ = read_folder(arguments.folder)
    labels = labels_of_folder(arguments.folder)
    name = labels.get("org.opencontainers.image.title", "image")
    requirements = read_text(arguments.requirements, 16 * 2**20)
    base = system(arguments.folder)
    text = sbom(plain(arguments.requirements), requirements, base, name, labels.get(VERSION, "0"), manifest.digest)
    write_text(arguments.out, text)
    write_outputs({"digest": manifest.digest, "commit": labels.get(REVISION, ""), "model": labels.get(OURS[0], "")})
    python = sum(one.get("purl", "").startswith("pkg:pypi/") for one in json.loads(text)["components"])
    print(f"{python} Python and {len(base.packages)} Debian packages in {plain(arguments.out)}.")
    return 0


def run_release_note(arguments: argparse.Namespace) -> int:
    """The GitHub Release of a promotion."""
    promotion = parse_promotion(plain(arguments.line), read_text(arguments.line).strip())
    github = records.connected()
    if github is None:
        raise ReviewError("GITHUB_TOKEN and GITHUB_REPOSITORY must be set; on a laptop there is no GitHub Release.")
    latest = Registry(promotion.image).resolve(PRODUCTION) == promotion.digest
    body = body_of(promotion, github[1], arguments.report, arguments.card)
    # A rollback hands no card on, also where it finds its image in production by the line of its promotion.
    again = promotion.action == "promote" and arguments.card is not None and arguments.card.is_file()
    address = publish(*github, promotion, body, again=again, latest=latest)
    write_outputs({"url": address})
    print(f"Release: {plain(address)}")
    return 0
