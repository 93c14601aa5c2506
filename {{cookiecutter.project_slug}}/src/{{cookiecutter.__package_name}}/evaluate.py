"""`uv run evaluate`: score a model on given rows, also on rows that another version of this project chose.

A review scores main's model this way: its own code, the pull request's evaluation rows.
"""

import itertools
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from . import ROOT, command, metrics, model, rundir
from .command import InputError
from .contract import Contract, load_contract
from .data import parse
from .rows import Table, evaluation_digest
from .scenarios import SCENARIOS, disturb


def predictions(fitted: model.Model, table: Table, seed: int, scenarios: Iterable[str]) -> pd.DataFrame:
    """The rows of `predictions.parquet`: every row of the table once per scenario."""
    typed, contract = table.typed, table.contract
    context = {
        f"slice:{c.name}": _slices(typed[c.name]) for c in contract.having("slice", "sensitive") if c.name in typed
    }
    if (entity := contract.single("entity")) in typed:
        context["entity"] = _words(typed[entity])
    read = [column for column in contract.columns if column.name in fitted.features.raw]
    parts = []
    for scenario in scenarios:
        predicted, probabilities = fitted.predict(typed if scenario == "test" else disturb(typed, read, scenario, seed))
        part = {"row_id": table.rows["row_id"].to_numpy(), "y_true": table.truth, "scenario": scenario}
        part["y_pred"] = predicted
        if probabilities is not None and fitted.task == "binary":
            part["score"] = probabilities[:, fitted.explained_class]
        elif probabilities is not None:
            part |= {f"score_{label}": probabilities[:, number] for number, label in enumerate(fitted.classes)}
        parts.append(pd.DataFrame(part | context))
    return pd.concat(parts, ignore_index=True)


def _slices(values: pd.Series) -> np.ndarray:
    """Slice labels: the values of a category, the quarter of the rows that a number or date falls into."""
    if not isinstance(values.dtype, pd.StringDtype) and values.nunique() > 4:
        edges = np.unique(values.dropna().quantile([0, 0.25, 0.5, 0.75, 1]).to_numpy())
        shown = [f"{edge:g}" if isinstance(edge, float) else str(edge)[:10] for edge in edges]
        names = [f"{low} to {high}" for low, high in itertools.pairwise(shown)]
        values = pd.cut(values, list(edges), include_lowest=True, labels=names, ordered=False) if names else values
    return _words(values)


def _words(values: pd.Series) -> np.ndarray:
    """Values as text: whole numbers without a point, missing as such."""
    text = values.map("{:.15g}".format, na_action="ignore") if pd.api.types.is_float_dtype(values) else values
    return text.astype("str").fillna("(missing)").to_numpy(dtype=object)


def evaluate(model_folder: Path, rows_file: Path, out: Path) -> dict[str, float]:
    """Score `model_folder` on `rows_file`; write a run directory without a model to `out` and return the metrics."""
    fitted, source = model.load(model_folder), model_folder.parent
    contract, run = load_contract(source / "contract.yaml"), rundir.read(source)
    rundir.check(out)
    if out.resolve() == source.resolve():
        raise InputError(f"{out}: holds the model that is scored; choose another --out")
    table = _rows(rows_file, fitted, contract, f"the model in {model_folder} cannot score these rows")
    started = time.perf_counter()
    scored = predictions(fitted, table, run["seed"], SCENARIOS)
    run["cost"]["evaluate_seconds"] = time.perf_counter() - started
    run["metrics"], run["warnings"] = metrics.score(fitted, scored)
    ids = table.rows["row_id"]
    run["data"] |= {"evaluation_rows": len(ids), "evaluation_digest": evaluation_digest(ids)}
    with rundir.new(out) as folder:
        for name in ("contract.yaml", "params.yaml", "profile.json", "rows.parquet"):
            shutil.copy(source / name, folder / name)
        scored.to_parquet(folder / "predictions.parquet", index=False)
        rundir.write_json(folder / "run.json", run | {"baselines": {}})
    return run["metrics"]


def _rows(file: Path, fitted: model.Model, contract: Contract, cannot: str) -> Table:
    if not file.is_file():
        raise InputError(f"{file}: no such file; a run's evaluation.parquet is one")
    try:
        raw = pd.read_parquet(file).astype("str")
    except (ValueError, OSError) as error:
        raise InputError(f"{file}: not a Parquet file: {' '.join(str(error).split())}") from None
    needed = ["row_id", contract.target.name, *fitted.features.raw]
    if absent := [name for name in needed if name not in raw]:
        raise InputError(f"{file}: has no column {absent[0]!r}: {cannot}")
    typed, unreadable = parse(raw, contract)
    for _, column, value, problem in unreadable[unreadable["column"].isin(needed)].itertuples(index=False):
        raise InputError(f"{file}: column {column!r}: {value!r} {problem}: {cannot}")
    table = Table(contract, raw, typed, raw[["row_id"]])
    if fitted.classes and (unknown := {*table.truth} - {*fitted.classes}):
        raise InputError(f"{file}: class {min(unknown)!r} is unknown: {cannot}")
    return table


def work(model: Path, rows: Path, out: Path) -> None:
    """Score a model on given rows."""
    rundir.show(evaluate(model, rows, out))


def main() -> None:
    """Entry point of `uv run evaluate`."""
    rows = {"default": ROOT / "run/evaluation.parquet", "help": "rows to score (default: run/evaluation.parquet)"}
    out = {"type": Path, "required": True, "help": "run directory to write"}
    command.run(work, {"--model": command.MODEL, "--rows": {"type": Path} | rows, "--out": out})
