"""Run directories: read, checked, and never trusted. The model inside is not opened."""

from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from model_review.contract import Contract, read_contract
from model_review.errors import ReviewError, UnusablePredictions
from model_review.files import SMALL, checked, read_json
from model_review.predictions import TEST, Scenario, read_predictions
from model_review.run_record import RunRecord, parse_record
from model_review.text import plain


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        directory: Where it lies; its tables are read when they are needed.
        record: run.json.
        contract: The contract that it was made under, where the directory holds one.
        scenarios: Scenario name to its rows; empty where the predictions are not usable.
        fault: Why they are not usable, in one sentence.
    """

    directory: Path
    record: RunRecord
    contract: Contract | None
    scenarios: dict[str, Scenario]
    fault: str | None = None


def read_run(directory: Path) -> Run:
    """Read a run directory; every refusal is one sentence that names the file and the field."""
    if directory.is_symlink() or not directory.is_dir():
        raise ReviewError(f"{plain(directory)} is not a directory; name a run directory.")
    path = checked(directory, "run.json", SMALL)
    assert path is not None
    record = parse_record(plain(path), read_json(path))
    inside = checked(directory, "contract.yaml", SMALL, required=False)
    contract = read_contract(inside) if inside is not None else None
    try:
        return Run(directory, record, contract, read_predictions(directory, record))
    except UnusablePredictions as error:
        # The report is the same wherever the run lies, so the fault names the file and not the machine's folder.
        return Run(directory, record, contract, {}, str(error).removeprefix(f"{plain(directory)}/"))
    finally:
        pa.default_memory_pool().release_unused()


def share_rows(champion: Run, challenger: Run) -> Run:
    """The champion with the challenger's row ids in place of its own where they are equal: half the memory for them."""
    before, after = champion.scenarios.get(TEST), challenger.scenarios.get(TEST)
    if before is None or after is None or not before.row_id.equals(after.row_id):
        return champion
    return replace(champion, scenarios={**champion.scenarios, TEST: replace(before, row_id=after.row_id)})
