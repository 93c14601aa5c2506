"""`uv run predict`: predictions for a file of any length, in bounded memory.

A row that breaks the contract goes to a rejects file with its reason; the rest is predicted.
"""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
from pyarrow.csv import CSVWriter
from pyarrow.parquet import ParquetWriter
from tqdm import tqdm

from . import InputError, command, model
from .contract import Contract, load_contract
from .data import chunks, parse, violations

CELLS = 2_000_000  # in memory at a time
WRITERS = {".csv": CSVWriter, ".parquet": ParquetWriter}


def predict(model_folder: Path, source: Path, out: Path) -> tuple[int, int, Path]:
    """Predict every row of `source`; earlier files stay until the new ones are whole.

    Returns:
        The number of rows predicted, the number rejected, and the rejects file (written if there are any).
    """
    fitted, contract = model.load(model_folder), load_contract(model_folder.parent / "contract.yaml")
    done, refused, rejects = 0, 0, out.with_name(f"{out.stem}.rejects.csv")
    opened: dict[Path, Any] = {}
    if out.suffix not in WRITERS or out.is_dir():
        raise InputError(f"{out}: name a .csv or .parquet file to write")
    if source.resolve() in (out.resolve(), rejects.resolve()):
        raise InputError(f"{source}: the output would take its place; choose another --output")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent)
    with beside as folder, tqdm(desc="predict", unit=" rows", disable=None) as progress:
        predicted, rejected = Path(folder, out.name), Path(folder, rejects.name)
        for chunk in chunks(source, contract, max(1, CELLS // len(contract.columns))):
            good, bad = answered(chunk.reset_index(drop=True), fitted, contract, source)
            _append(good, predicted, opened)
            _append(bad.assign(rejected_row=bad["rejected_row"] + done + refused), rejected, opened)
            done, refused = done + len(good), refused + len(bad)
            progress.update(len(chunk))
        for writer in opened.values():
            writer.close()
        for made, place in ((predicted, out), (rejected, rejects)):
            if made.exists():
                made.replace(place)
            else:
                place.unlink(missing_ok=True)
    if not done + refused:
        raise InputError(f"{source}: has no rows; no {out} is written")
    if not done:
        raise InputError(f"{source}: none of {refused} row(s) follows the contract; no {out} is written; see {rejects}")
    return done, refused, rejects


def answered(raw: pd.DataFrame, fitted: model.Model, contract: Contract, source: Path) -> tuple[pd.DataFrame, ...]:
    """Rows of `source` with their predictions, and rows that break the contract with their number and the reason."""
    needed, scores = fitted.features.raw, [f"score_{label}" for label in fitted.classes]
    if taken := {"prediction", *scores, "rejected_row", "rejected_reason"} & {*raw}:
        raise InputError(f"{source}: column {min(taken)!r} has a name that the output needs; rename it")
    typed, unreadable = parse(raw.filter(needed), contract, source, needed)
    found = violations(typed, unreadable, contract)
    text = found[["column", "value", "problem"]].astype("str")  # a missing value has no spelling
    sentences = text["column"] + ": " + (text["value"] + " ").fillna("") + text["problem"]
    reasons = sentences.groupby(found["row"].astype(int)).agg("; ".join)
    bad = raw.iloc[reasons.index]
    good = raw.drop(bad.index)
    bad = bad.assign(rejected_row=bad.index + 1, rejected_reason=reasons.to_numpy())
    if good.empty:
        return good, bad
    labels, probabilities = fitted.predict(typed.loc[good.index])
    made = {"prediction": labels} | ({} if probabilities is None else dict(zip(scores, probabilities.T, strict=True)))
    return good.assign(**made), bad


def _append(table: pd.DataFrame, path: Path, opened: dict[Path, Any]) -> None:
    if len(table):
        made = arrow.Table.from_pandas(table, preserve_index=False)
        if path not in opened:
            opened[path] = WRITERS[path.suffix](path, made.schema)
        opened[path].write_table(made)


@command.line(
    input={"type": Path, "required": True, "help": "table like the training table, or .parquet"},
    output={"type": Path, "required": True, "help": ".csv or .parquet; rejects: <name>.rejects.csv"},
    model=command.MODEL,
)
def main(input: Path, output: Path, model: Path) -> None:
    """Predict every row of a CSV or Parquet file."""
    done, refused, rejects = predict(model, input, output)
    print(f"{done} rows predicted: {output}")
    if refused:
        print(f"{refused} rows rejected, each with its reason: {rejects}")
