"""Parquet files, where pyarrow is at hand; cookiecutter's own environment has none."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from answers import Refusal


def _open(path: Path) -> Any:
    try:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise Refusal(
            f"{path.name} is a Parquet file, and this cookiecutter cannot read one: "
            "run the same command with `uvx --with pyarrow cookiecutter ...`."
        ) from None
    try:
        return ParquetFile(path)
    except ArrowInvalid as error:
        raise Refusal(f"{path.name} is not a readable Parquet file ({str(error).splitlines()[0]}).") from None


def header(path: Path) -> list[str]:
    """Return the column names."""
    return list(_open(path).schema_arrow.names)


def chunks(path: Path, size: int) -> Iterator[list[list[str]]]:
    """Give the rows as text, `size` at a time."""
    for batch in _open(path).iter_batches(batch_size=size):
        columns = [[as_text(value) for value in column.to_pylist()] for column in batch.columns]
        yield [list(row) for row in zip(*columns, strict=True)]


def as_text(value: object) -> str:
    """Write a value as a CSV file would hold it."""
    if value is None or value != value:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
