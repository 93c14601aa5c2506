"""`uv run predict`: predictions for a file of any length, in bounded memory.

A row that breaks the contract goes to a rejects file with its reason; the rest is predicted.
"""

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
from pyarrow.parquet import ParquetWriter
from tqdm import tqdm

from . import command, model
from .command import InputError
from .contract import load_contract
from .data import chunks, parse, violations


def _append(table: pd.DataFrame, path: Path, opened: dict[Path, Any]) -> None:
    if path.suffix == ".csv":
        table.to_csv(path, mode="a", header=not path.exists(), index=False)
        return
    made = arrow.Table.from_pandas(table, preserve_index=False)
    if path not in opened:
        opened[path] = ParquetWriter(path, made.schema)
    opened[path].write_table(made)


def predict(model_folder: Path, source: Path, out: Path, chunk_rows: int) -> tuple[int, int, Path]:
    """Predict every row of `source`; earlier files stay until the new ones are whole.

    Returns:
        The number of rows predicted, the number rejected, and the rejects file (written if there are any).
    """
    fitted, contract = model.load(model_folder), load_contract(model_folder.parent / "contract.yaml")
    needed, done, refused = fitted.features.raw, 0, 0
    opened: dict[Path, Any] = {}
    rejects = out.with_name(f"{out.stem}.rejects.csv")
    if out.suffix not in (".csv", ".parquet") or out.is_dir():
        raise InputError(f"{out}: name a .csv or .parquet file to write")
    if source.resolve() in (out.resolve(), rejects.resolve()):
        raise InputError(f"{source}: the output would take its place; choose another --output")
    if taken := {"prediction", *(f"score_{label}" for label in fitted.classes)} & {c.name for c in contract.columns}:
        raise InputError(f"contract.yaml: column {min(taken)!r} has a name that predictions need; rename it there")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as beside:
        predicted, rejected = Path(beside, out.name), Path(beside, rejects.name)
        with tqdm(desc="predict", unit=" rows", disable=None) as progress:
            for chunk in chunks(source, contract, chunk_rows):
                if absent := [name for name in needed if name not in chunk]:
                    raise InputError(f"{source}: has no column {absent[0]!r}, which the model needs; add it")
                raw = chunk.reset_index(drop=True)
                typed, unreadable = parse(raw, contract)
                found = violations(typed[needed], unreadable[unreadable["column"].isin(needed)], contract)
                values = (found["value"].astype("str") + " ").fillna("")  # a missing value has no spelling
                sentence = found["column"] + ": " + values + found["problem"]
                reasons = sentence.groupby(found["row"].astype(int)).agg("; ".join)
                good = ~raw.index.isin(reasons.index)
                if len(reasons):
                    row = done + refused + reasons.index + 1
                    _append(raw[~good].assign(row=row, reason=reasons), rejected, opened)
                if good.any():
                    labels, probabilities = fitted.predict(typed[good])
                    scores = {} if probabilities is None else dict(zip(fitted.classes, probabilities.T, strict=True))
                    made = {"prediction": labels} | {f"score_{label}": score for label, score in scores.items()}
                    _append(raw[good].assign(**made), predicted, opened)
                done, refused = done + int(good.sum()), refused + len(reasons)
                progress.update(len(raw))
        for writer in opened.values():
            writer.close()
        if done:
            predicted.replace(out)
        if refused:
            rejected.replace(rejects)
        else:
            rejects.unlink(missing_ok=True)
    return done, refused, rejects


@command.line(
    input={"type": Path, "required": True, "help": "table like the training table, or .parquet"},
    output={"type": Path, "required": True, "help": ".csv or .parquet; rejects: <name>.rejects.csv"},
    model=command.MODEL,
    chunk_rows={"type": int, "default": 50_000, "help": "rows in memory at a time (default: 50000)"},
)
def main(input: Path, output: Path, model: Path, chunk_rows: int) -> None:
    """Predict every row of a CSV or Parquet file."""
    if chunk_rows < 1:
        raise InputError(f"--chunk-rows is {chunk_rows}; give a positive number")
    done, refused, rejects = predict(model, input, output, chunk_rows)
    print(f"{done} rows predicted: {output}" if done else f"no row predicted; {output} was not written")
    if refused:
        print(f"{refused} rows rejected, each with its reason: {rejects}")
