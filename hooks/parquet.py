"""Parquet files, where pyarrow is at hand; cookiecutter's own environment has none."""

from collections.abc import Iterator
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
    """Give the rows as text, `size` at a time, written as the generated project writes them."""
    import pyarrow as arrow

    file = _open(path)
    text = arrow.schema([(name, arrow.string()) for name in file.schema_arrow.names])
    for batch in file.iter_batches(batch_size=size):
        try:
            table = arrow.Table.from_batches([batch]).cast(text)
        except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError) as error:
            reason = str(error).splitlines()[0]
            raise Refusal(f"{path.name} holds values that are no plain numbers, texts or dates ({reason}).") from None
        columns = [[value or "" for value in column.to_pylist()] for column in table.columns]
        yield [list(row) for row in zip(*columns, strict=True)]
