"""`uv run predict`: predictions for a file of any length, in bounded memory.

A row that breaks the contract goes to a rejects file with its reason; the rest is predicted.
"""

import argparse
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from . import ROOT, command, model
from .command import InputError
from .contract import load_contract
from .data import chunks, parse, violations


@contextlib.contextmanager
def _writer(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """A function that appends tables to a CSV or Parquet file, which is there whole in the end or not at all."""
    beside = path.with_name(f".{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as files:
        files.callback(beside.unlink, missing_ok=True)
        parquet: list[Any] = []

        def append(table: pd.DataFrame) -> None:
            if path.suffix != ".parquet":
                table.to_csv(beside, mode="a", header=not beside.exists(), index=False)
                return
            import pyarrow as arrow
            from pyarrow.parquet import ParquetWriter

            made = arrow.Table.from_pandas(table, preserve_index=False)
            if not parquet:
                parquet.append(files.enter_context(ParquetWriter(beside, made.schema)))
            parquet[0].write_table(made)

        beside.unlink(missing_ok=True)
        yield append
        for writer in parquet:
            writer.close()
        if beside.exists():
            beside.replace(path)


def predict(model_folder: Path, source: Path, out: Path, chunk_rows: int) -> tuple[int, int, Path]:
    """Predict every row of `source`.

    Returns:
        The number of rows predicted, the number rejected, and the rejects file (written if there are any).
    """
    fitted, contract = model.load(model_folder), load_contract(model_folder.parent / "contract.yaml")
    needed, done, refused = fitted.features.raw, 0, 0
    rejects = out.with_name(f"{out.stem}.rejects.csv")
    if out.suffix not in (".csv", ".parquet") or out.is_dir():
        raise InputError(f"{out}: name a .csv or .parquet file to write")
    if source.resolve() in (out.resolve(), rejects.resolve()):
        raise InputError(f"{source}: the output would take its place; choose another --output")
    if taken := {"prediction", *(f"score_{label}" for label in fitted.classes)} & {c.name for c in contract.columns}:
        raise InputError(f"contract.yaml: column {min(taken)!r} has a name that predictions need; rename it there")
    for earlier in (out, rejects):
        earlier.unlink(missing_ok=True)
    with (
        _writer(out) as write,
        _writer(rejects) as reject,
        tqdm(desc="predict", unit=" rows", disable=None) as progress,
    ):
        for raw in chunks(source, contract, chunk_rows):
            if absent := [name for name in needed if name not in raw]:
                raise InputError(f"{source}: has no column {absent[0]!r}, which the model needs; add it")
            raw = raw.reset_index(drop=True)
            typed, unreadable = parse(raw, contract)
            found = violations(typed[needed], unreadable[unreadable["column"].isin(needed)], contract)
            values = (found["value"].astype("str") + " ").fillna("")  # a missing value has no spelling
            sentence = found["column"] + ": " + values + found["problem"]
            reasons = sentence.groupby(found["row"].astype(int)).agg("; ".join)
            good = ~raw.index.isin(reasons.index)
            if len(reasons):
                reject(raw[~good].assign(row=done + refused + reasons.index + 1, reason=reasons))
            if good.any():
                labels, probabilities = fitted.predict(typed[good])
                made = {"prediction": labels}
                for number, label in enumerate(fitted.classes):
                    made[f"score_{label}"] = probabilities[:, number]  # type: ignore[index]  # classes have them
                write(raw[good].assign(**made))
            done, refused = done + int(good.sum()), refused + len(reasons)
            progress.update(len(raw))
    return done, refused, rejects


def main() -> None:
    """Entry point of `uv run predict`."""
    parser = argparse.ArgumentParser(prog="predict", description="Predict every row of a CSV or Parquet file.")
    parser.add_argument("--input", type=Path, required=True, help="table like the training table, or .parquet")
    parser.add_argument("--output", type=Path, required=True, help=".csv or .parquet; rejects: <name>.rejects.csv")
    parser.add_argument(
        "--model", type=Path, default=ROOT / "run/model", help="a run's model folder (default: run/model)"
    )
    parser.add_argument("--chunk-rows", type=int, default=50_000, help="rows in memory at a time (default: 50000)")
    given = parser.parse_args()

    def work() -> None:
        if given.chunk_rows < 1:
            raise InputError(f"--chunk-rows is {given.chunk_rows}; give a positive number")
        done, refused, rejects = predict(given.model, given.input, given.output, given.chunk_rows)
        print(f"{done} rows predicted: {given.output}" if done else "no row predicted")
        if refused:
            print(f"{refused} rows rejected, each with its reason: {rejects}")

    command.run(work)
