"""evaluation.parquet: the raw columns of the evaluation rows, each cut into a few bins."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from model_review.errors import ReviewError
from model_review.files import TABLE, checked
from model_review.predictions import FAULTS
from model_review.text import plain

MANY_ROWS = 500_000
MISSING = pa.array(["", "NA", "NaN", "nan", "null", "?"])


@dataclass(frozen=True)
class Binned:
    """One column in bins: a code per row and a name per code."""

    codes: NDArray[np.int64]
    names: list[str]


def read_table(directory: Path, columns: list[str] | None, row_id: pa.Array) -> dict[str, pa.Array] | None:
    """Columns of the evaluation rows, in the order of `row_id`; None where the file or a row is absent."""
    path = checked(directory, "evaluation.parquet", TABLE, required=False)
    if path is None or len(row_id) > MANY_ROWS:
        return None
    try:
        file = pq.ParquetFile(path)
        present = file.schema_arrow.names
        wanted = [name for name in (present if columns is None else columns) if name in present and name != "row_id"]
        if "row_id" not in present or file.metadata.num_rows > 4 * MANY_ROWS or len(set(present)) != len(present):
            return None
        table = pq.read_table(path, columns=["row_id", *wanted])
        ids = table["row_id"].combine_chunks().cast(pa.large_string())
        place = pc.index_in(row_id.cast(pa.large_string()), ids)
        if place.null_count:
            return None
        return {name: table[name].take(place).combine_chunks() for name in wanted}
    except FAULTS as error:
        raise ReviewError(f"{plain(path)} cannot be read as a table: {plain(error)}.") from None


def as_numbers(column: pa.Array) -> NDArray[np.float64] | None:
    """The column as numbers (NaN where missing); None where it holds other text."""
    try:
        if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
            numbers = column.cast(pa.float64())
        else:
            text = pc.utf8_trim_whitespace(column)
            gone = pc.is_in(text, MISSING.cast(text.type))
            numbers = pc.if_else(gone, pa.scalar(None, text.type), text).cast(pa.float64())
        values = np.array(numbers.to_numpy(zero_copy_only=False), dtype=float)
        values[~np.isfinite(values)] = np.nan
    except pa.ArrowException:
        return None
    return values


def binned(column: pa.Array, bins: int) -> Binned | None:
    """Quantile bins of numbers, or the most frequent texts and the rest; None where there is nothing to cut."""
    numbers = as_numbers(column)
    if numbers is not None:
        return _numeric(numbers, bins)
    try:
        text = column.cast(pa.large_string()).fill_null("(missing)")
    except pa.ArrowException:
        return None
    encoded = text.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    names = encoded.dictionary.to_pylist()
    counts = np.bincount(codes, minlength=len(names))
    kept = sorted(np.argsort(-counts, kind="stable")[:bins])
    place = np.full(len(names), len(kept), dtype=np.int64)
    place[kept] = np.arange(len(kept))
    return Binned(place[codes], [f"= {plain(names[code])}" for code in kept] + ["is another value"])


def _numeric(values: NDArray[np.float64], bins: int) -> Binned | None:
    filled = values[~np.isnan(values)]
    if len(filled) == 0:
        return None
    cuts = np.unique(np.quantile(filled, np.linspace(0, 1, bins + 1)[1:-1], method="lower"))
    codes = np.searchsorted(cuts, values, "left").astype(np.int64)
    codes[np.isnan(values)] = len(cuts) + 1
    ends = [f"{cut:g}" for cut in cuts]
    names = [f"<= {ends[0]}"] + [f"in ({low}, {high}]" for low, high in pairwise(ends)]
    return Binned(codes, [*names, f"> {ends[-1]}", "is missing"])
