"""What is known of a model before its service is asked."""

from dataclasses import dataclass
from pathlib import Path

from model_review.contract import read_contract
from model_review.errors import ReviewError
from model_review.probe.columns import Served, read_columns
from model_review.probe.golden import Golden, read_golden
from model_review.probe.record import Canary, Subject, read_probe
from model_review.runs import read_run
from model_review.text import plain


@dataclass(frozen=True)
class Known:
    """What the answers are held against: a run with its data, or the contract and an earlier probe."""

    columns: list[Served]
    subject: Subject
    golden: Golden | None
    before: Canary | None


def read_known(run_folder: Path | None, expect: Path | None, contract: Path | None) -> Known:
    """What the answers are held against; exactly one of run and earlier probe is given."""
    if (run_folder is None) == (expect is None):
        raise ReviewError("Give either --run, or --expect with --contract: one of them says what is right.")
    if run_folder is not None:
        run = read_run(run_folder)
        columns = read_columns(run_folder / "contract.yaml", list(run.record.features))
        subject = Subject(
            commit=_text(run.record.commit),
            model_digest=_text(run.record.model.digest),
            contract_digest=_text(run.record.contract_digest),
            data_digest=_text(run.record.data.digest),
            columns=[column.name for column in columns],
        )
        return Known(columns, subject, read_golden(run, columns), None)
    if contract is None or expect is None:
        raise ReviewError("--expect needs --contract, the contract that the image was made under.")
    before = read_probe(expect)
    if before.subject.contract_digest != read_contract(contract).digest:
        raise ReviewError(f"{plain(contract)} is not the contract of {plain(expect)}; give the one of its commit.")
    return Known(read_columns(contract, before.subject.columns), before.subject, None, before.canary)


def _text(value: str | None) -> str | None:
    return None if value is None else plain(value)
