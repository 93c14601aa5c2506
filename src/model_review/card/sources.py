"""All that a card is made from, read and held against each other: a card about two models would be worse than none."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from model_review.base import POLICY
from model_review.card.statements import FILE, Statements, read_statements
from model_review.comparison import Comparison
from model_review.comparison_reader import parse_comparison
from model_review.contract import Contract, read_contract
from model_review.errors import ReviewError
from model_review.files import checked, digest, parse_json, read_bytes
from model_review.image_reference import ImageReference, parse_image
from model_review.policy import Policy
from model_review.policy_reader import read_policy
from model_review.probe.record import Probe, parse_probe
from model_review.run_record import RunRecord, first_problem, parse_record
from model_review.text import plain
from model_review.verdict import Verdict

LARGE = 64 * 2**20
RUN_SMALL = 16 * 2**20


@dataclass(frozen=True)
class Sources:
    """One model, and everything known of it.

    Attributes:
        date: The day that the card is dated, as 2026-01-31.
        record: run.json.
        contract: The run's own copy of contract.yaml.
        columns: What profile.json says of each column of the training rows.
        comparison: The comparison in which this model is the challenger.
        verdict: The verdict over that comparison.
        probe: What `model-review probe` found of the image.
        image: The image that holds the model.
        policy: The rules in the repository.
        statements: What a person wrote.
        digests: Every file that was read, with its digest.
    """

    date: str
    record: RunRecord
    contract: Contract | None
    columns: dict[str, dict[str, Any]]
    comparison: Comparison | None
    verdict: Verdict | None
    probe: Probe | None
    image: ImageReference | None
    policy: Policy | None
    statements: Statements
    digests: dict[str, str]

    @property
    def name(self) -> str:
        """The model's name: the person's, else its target's."""
        return plain(self.statements.written.get("details.name", f"{self.record.target} model"), 100)


@dataclass(frozen=True)
class Places:
    """Where the files are; None where there is none."""

    run: Path
    repo: Path
    comparison: Path | None = None
    verdict: Path | None = None
    probe: Path | None = None
    image: str | None = None


def read_sources(places: Places, day: str) -> Sources:
    """Read every file, and refuse those that are about another model."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", day) or not _is_day(day):
        raise ReviewError(f"--date {plain(day)} is no day; give it as 2026-01-31.")
    digests: dict[str, str] = {}

    def noted(name: str, path: Path, cap: int) -> bytes:
        data = read_bytes(path, cap)
        digests[name] = digest(data)
        return data

    if places.run.is_symlink() or not places.run.is_dir():
        raise ReviewError(f"{plain(places.run)} is not a directory; name a run directory.")
    path = checked(places.run, "run.json", RUN_SMALL)
    assert path is not None
    record = parse_record(plain(path), parse_json(plain(path), noted("run.json", path, RUN_SMALL)))
    contract = None
    if (path := checked(places.run, "contract.yaml", RUN_SMALL, required=False)) is not None:
        noted("contract.yaml", path, RUN_SMALL)
        contract = read_contract(path)
    columns: dict[str, dict[str, Any]] = {}
    if (path := checked(places.run, "profile.json", LARGE, required=False)) is not None:
        columns = _columns(plain(path), parse_json(plain(path), noted("profile.json", path, LARGE)))
    comparison = verdict = probe = policy = None
    if (file := places.comparison) is not None:
        comparison = parse_comparison(plain(file), parse_json(plain(file), noted("comparison.json", file, LARGE)))
        _same_model(plain(file), comparison, record)
    if (file := places.verdict) is not None:
        verdict = _verdict(plain(file), parse_json(plain(file), noted("verdict.json", file, LARGE)), comparison)
    image = None if places.image is None else parse_image(places.image)
    if (file := places.probe) is not None:
        probe = parse_probe(plain(file), parse_json(plain(file), noted("probe.json", file, RUN_SMALL)))
        _same_image(plain(file), probe, record, image)
    if (file := places.repo / POLICY).is_file():
        noted(POLICY, file, RUN_SMALL)
        policy = read_policy(file, record.task)
    statements = Statements({})
    if (file := places.repo / FILE).is_file():
        noted(FILE, file, RUN_SMALL)
        statements = read_statements(file)
    return Sources(day, record, contract, columns, comparison, verdict, probe, image, policy, statements, digests)


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _columns(where: str, data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    columns = data.get("columns", {})
    if not isinstance(columns, dict) or not all(isinstance(entry, dict) for entry in columns.values()):
        raise ReviewError(f"{where}: field columns must map each column to what is known of it.")
    return columns


def _same_model(where: str, comparison: Comparison, record: RunRecord) -> None:
    ours, theirs = record.model.digest, comparison.challenger.model_digest
    if comparison.task != record.task or comparison.target != record.target or ours != theirs:
        raise ReviewError(
            f"{where} compares another model (digest {plain(theirs)}) than the run's ({plain(ours)}); "
            "give the comparison in which this run is the challenger."
        )


def _same_image(where: str, probe: Probe, record: RunRecord, image: ImageReference | None) -> None:
    asked, model = None if probe.image is None else probe.image.digest, probe.subject.model_digest
    if model not in (None, record.model.digest) or (asked is not None and image is not None and asked != image.digest):
        raise ReviewError(f"{where} is of another model or image than the one given; probe this one.")


def _verdict(where: str, data: dict[str, Any], comparison: Comparison | None) -> Verdict:
    if comparison is None:
        raise ReviewError(f"{where} needs the comparison that it judges; give --comparison as well.")
    if data.get("schema") != "model-review/verdict@1":
        raise ReviewError(f"{where}: field schema must be model-review/verdict@1; this engine reads no other version.")
    try:
        verdict = Verdict.model_validate(data)
    except (ValueError, RecursionError) as error:
        raise ReviewError(f"{where}: {first_problem(error)}.") from None
    if verdict.policy_digest != comparison.settings.policy_digest:
        raise ReviewError(f"{where} was judged by another policy than the comparison's; judge again.")
    return verdict
