"""`uv run evaluate`: score a model on given rows, also on rows that another version of this project chose.

A review scores main's model this way: its own code, the pull request's evaluation rows.
"""

import shutil
import time
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import ROOT, InputError, command, metrics, model, rows, rundir
from .contract import Column, load_contract

SCENARIOS = ("test", "noise:0.1", "noise:0.5", "missing:0.05", "missing:0.2", "unseen-category")


def predictions(fitted: model.Model, table: rows.Table, seed: int, scenarios: Iterable[str]) -> pd.DataFrame:
    """The rows of `predictions.parquet`: every row of the table once per scenario."""
    typed, contract = table.typed, table.contract
    sliced = [column.name for column in contract.having("slice", "sensitive") if column.name in typed]
    context = {f"slice:{name}": _slices(typed[name]) for name in sliced}
    if (entity := contract.single("entity")) in typed:
        context["entity"] = _words(typed[entity])
    read = [column for column in contract.columns if column.name in fitted.features.raw]
    ids, parts = table.rows["row_id"].to_numpy(), []
    for scenario in scenarios:
        predicted, probabilities = fitted.predict(typed if scenario == "test" else disturb(typed, read, scenario, seed))
        part = {"row_id": ids, "y_true": table.truth, "scenario": scenario, "y_pred": predicted}
        if probabilities is not None and fitted.task == "binary":
            part["score"] = probabilities[:, fitted.explained_class]
        elif probabilities is not None:
            part |= {f"score_{label}": probabilities[:, number] for number, label in enumerate(fitted.classes)}
        parts.append(pd.DataFrame(part | context))
    return pd.concat(parts, ignore_index=True)


def disturb(typed: pd.DataFrame, columns: list[Column], scenario: str, seed: int) -> pd.DataFrame:
    """A copy of the typed table with faults that real input has in `columns`.

    `noise:s` adds normal noise of s standard deviations, `missing:p` removes a share p of the values.
    Each column has its own stream of random numbers, so two models that read different columns meet the same faults.
    """
    kind, _, amount = scenario.partition(":")
    changed = typed.copy()
    for column in columns:
        values = typed[column.name]
        random = np.random.default_rng([seed, zlib.crc32(f"{scenario} {column.name}".encode())])
        if kind == "noise" and column.type in ("integer", "number"):
            changed[column.name] = values + float(amount) * values.std(ddof=0) * random.standard_normal(len(values))
        elif kind == "missing":
            changed[column.name] = values.mask(random.random(len(values)) < float(amount))
        elif kind == "unseen-category" and column.is_category:
            changed[column.name] = "a level that was never seen"
    return changed


def _slices(values: pd.Series) -> np.ndarray:
    """Slice labels: the values of a category, the quarter of the rows that a number or date falls into."""
    ranged = not isinstance(values.dtype, pd.StringDtype) and values.nunique() > 4
    return _words(pd.qcut(values, 4, duplicates="drop", precision=0) if ranged else values)


def _words(values: pd.Series) -> np.ndarray:
    """Values as text: whole numbers without a point, missing as such."""
    text = values.map("{:.15g}".format, na_action="ignore") if pd.api.types.is_float_dtype(values) else values
    return text.astype("str").fillna("(missing)").to_numpy(dtype=object)


def score(fitted: model.Model, table: rows.Table, run: dict[str, Any]) -> pd.DataFrame:
    """The predictions of `table`; `run`, the content of `run.json`, gets what they were worth, on which rows."""
    started, ids = time.perf_counter(), table.rows["row_id"]
    scored = predictions(fitted, table, run["seed"], SCENARIOS)
    run["metrics"], run["warnings"] = metrics.score(fitted, scored)
    run["cost"]["evaluate_seconds"] = time.perf_counter() - started
    run["data"] |= {"evaluation_rows": len(ids), "evaluation_digest": rows.digest(ids)}
    return scored


def evaluate(model_folder: Path, rows_file: Path, out: Path) -> dict[str, float]:
    """Score `model_folder` on `rows_file`; write a run directory without a model to `out` and return the metrics."""
    fitted, source = model.load(model_folder), model_folder.parent
    contract, run = load_contract(source / "contract.yaml"), rundir.read(source)
    rundir.check(out)
    if out.resolve() == source.resolve():
        raise InputError(f"{out}: holds the model that is scored; choose another --out")
    table = rows.saved(rows_file, contract, [contract.target.name, *fitted.features.raw])
    labelled = table.typed[contract.target.name].notna()
    if labelled.empty or not labelled.all():
        raise InputError(f"{rows_file}: only {labelled.sum()} of {len(labelled)} rows have a {contract.target.name!r}")
    if fitted.classes and (unknown := {*table.truth} - {*fitted.classes}):
        raise InputError(f"{rows_file}: class {min(unknown)!r} is unknown to the model, which cannot score these rows")
    scored = score(fitted, table, run)
    with rundir.new(out) as folder:
        for name in ("contract.yaml", "params.yaml", "profile.json", "rows.parquet"):
            shutil.copy(source / name, folder / name)
        scored.to_parquet(folder / "predictions.parquet", index=False)
        rundir.write_json(folder / "run.json", run | {"baselines": {}})
    return run["metrics"]


@command.line(
    model=command.MODEL,
    rows={"type": Path, "default": ROOT / "run/evaluation.parquet", "help": "rows (default: run/evaluation.parquet)"},
    out={"type": Path, "required": True, "help": "run directory to write"},
)
def main(model: Path, rows: Path, out: Path) -> None:
    """Score a model on given rows."""
    print(pd.Series(evaluate(model, rows, out)).to_string(float_format="%.6g"))
