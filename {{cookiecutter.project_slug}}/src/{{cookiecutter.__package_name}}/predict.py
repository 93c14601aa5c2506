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
    if taken := {"prediction", *(f"score_{label}" for label in fitted.classes)} & {c.name for c in contract.columns}:
        raise InputError(f"contract.yaml: column {min(taken)!r} has a name that predictions need; rename it there")
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent)
    with beside as folder, tqdm(desc="predict", unit=" rows", disable=None) as progress:
        predicted, rejected = Path(folder, out.name), Path(folder, rejects.name)
        for chunk in chunks(source, contract, max(1, CELLS // len(contract.columns))):
            good, bad = answered(chunk.reset_index(drop=True), fitted, contract, source)
            _append(good, predicted, opened)
            _append(bad.assign(row=bad["row"] + done + refused), rejected, opened)
            done, refused = done + len(good), refused + len(bad)
            progress.update(len(chunk))
        for writer in opened.values():
            writer.close()
        rejects.unlink(missing_ok=True)
        for made, place in ((predicted, out), (rejected, rejects)):
            if made.exists():
                made.replace(place)
    return done, refused, rejects


def answered(raw: pd.DataFrame, fitted: model.Model, contract: Contract, source: Path) -> tuple[pd.DataFrame, ...]:
    """Rows of `source` with their predictions, and rows that break the contract with their number and the reason."""
    needed = fitted.features.raw
    typed, unreadable = parse(raw.filter(needed), contract, source, needed)
    found = violations(typed, unreadable, contract)
    values = (found["value"].astype("str") + " ").fillna("")  # a missing value has no spelling
    sentence = found["column"] + ": " + values + found["problem"]
    reasons = sentence.groupby(found["row"].astype(int)).agg("; ".join)
    good = ~raw.index.isin(reasons.index)
    bad = raw[~good].assign(row=reasons.index + 1, reason=reasons)
    if not good.any():
        return raw[good], bad
    labels, probabilities = fitted.predict(typed[good])
    scores = {} if probabilities is None else dict(zip(fitted.classes, probabilities.T, strict=True))
    made = {"prediction": labels} | {f"score_{label}": score for label, score in scores.items()}
    return raw[good].assign(**made), bad


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
    print(f"{done} rows predicted: {output}" if done else f"no row predicted; {output} was not written")
    if refused:
        print(f"{refused} rows rejected, each with its reason: {rejects}")
