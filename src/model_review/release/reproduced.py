"""Whether main's own training gives the numbers that were seen before: said, and never needed for a verdict."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq

from model_review.files import read_json
from model_review.predictions import FAULTS
from model_review.runs import Run
from model_review.wording import number

TOLERANCE = 1e-4


def against_claims(run: Run, pull: int | None, claims: dict[str, float]) -> str:
    """One sentence: identical, within tolerance, or how they differ."""
    if pull is None:
        return "No pull request belongs to this commit, so no numbers were claimed."
    shared = {name: value for name, value in claims.items() if name in run.record.metrics}
    if not shared:
        return f"Pull request {pull} left no numbers to hold main's against."
    about = f"The numbers of pull request {pull} reproduced"
    gaps = {name: abs(run.record.metrics[name] - value) / max(1.0, abs(value)) for name, value in shared.items()}
    name, worst = max(gaps.items(), key=lambda item: item[1])
    if worst == 0:
        return f"{about}: identical."
    if worst <= TOLERANCE:
        return f"{about}: within tolerance ({name} by {worst:.2g}; {TOLERANCE:g} is allowed)."
    return (
        f"{about} not: they differ. {name} was {number(shared[name])} there and is {number(run.record.metrics[name])} "
        "on main, whose numbers decide."
    )


def against_saved(run: Path, saved: Path) -> str:
    """One sentence; where the predictions are the same, the saved model takes the new one's place.

    Two trainings alike give equal predictions and not equal bytes. With the bytes of the first, a second release of
    the same content is the same image.
    """
    if not (saved / "model").is_dir() or not (saved / "predictions.parquet").is_file():
        return "No run of the same content was saved by main."
    try:
        same = pq.read_table(run / "predictions.parquet").equals(pq.read_table(saved / "predictions.parquet"))
    except FAULTS:
        same = False
    alike = [read_json(folder / "run.json") for folder in (run, saved)]
    same = same and all(alike[0].get(name) == alike[1].get(name) for name in ("contract_digest", "features", "params"))
    if not same:
        return "Main's saved run of the same content answers differently; the new one is taken."
    shutil.rmtree(run / "model")
    shutil.copytree(saved / "model", run / "model")
    shutil.copyfile(saved / "run.json", run / "run.json")
    return "Main's saved run of the same content is identical, and its model is taken."
