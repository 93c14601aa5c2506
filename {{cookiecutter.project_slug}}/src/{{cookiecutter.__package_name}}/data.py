"""From the file to a typed, checked table.

`chunks` gives the table as text, just as it stands in the file; `parse` turns text into numbers and dates by the
contract; `violations` says what breaks the contract, row by row: training stops, batch prediction sets them apart.
"""

import contextlib
import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as arrow
from pyarrow.parquet import ParquetFile

from . import InputError, moments
from .contract import DECIMAL_COMMA, LARGEST, NUMERIC, TEMPORAL, Column, Contract

VIOLATION = ["row", "column", "value", "problem"]
WHOLE_ROW = "(row)"  # stands for the column where a row has a cell too many or too few

csv.field_size_limit(2**31 - 1)  # a cell may hold a long text


def chunks(path: Path, contract: Contract, size: int | None) -> Iterator[pd.DataFrame]:
    """The table as text, columns named as in the contract, `size` rows at a time (`None`: whole).

    A row that has a cell too many or too few is missing in every column.
    """
    names = {column.header: column.name for column in contract.columns}
    try:
        for chunk in (_parquet if path.suffix == ".parquet" else _csv)(path, contract, size):
            yield chunk.rename(columns=lambda header: names.get(str(header).strip(), str(header).strip()))
    except Exception as error:  # pandas, pyarrow and what unpacks a file raise whatever they raise
        raise InputError(f"{path}: not a readable table: {' '.join(str(error).split())}") from None


def _csv(path: Path, contract: Contract, size: int | None) -> Iterator[pd.DataFrame]:
    # pandas' other engine fills up a row that is too short, and nothing tells it from a whole one.
    options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "index_col": False, "engine": "python"}
    options |= {"sep": contract.more["delimiter"], "encoding": contract.more["encoding"], "header": None}
    header = pd.read_csv(path, nrows=1, **options).iloc[0].tolist()
    width = len(header)  # the header is read as a row, and a column more: pandas would cut a first row that is too long
    options |= {"names": range(width + 1), "on_bad_lines": lambda cells: cells[: width + 1]}
    with pd.read_csv(path, chunksize=size or 2**17, **options) as reader:
        for chunk in reader if size else [pd.concat(reader)]:
            torn = chunk[width - 1].isna() | chunk[width].notna()
            rows = chunk.iloc[:, :width].set_axis(header, axis=1)
            rows = rows.mask(torn) if torn.any() else rows
            yield rows if chunk.index[0] else rows.iloc[1:].reset_index(drop=True)


def _parquet(path: Path, contract: Contract, size: int | None) -> Iterator[pd.DataFrame]:
    more = {column.header: column.more | {"decimal": contract.more["decimal"]} for column in contract.columns}
    with ParquetFile(path) as file:
        flat = [field.name for field in file.schema_arrow if not arrow.types.is_nested(field.type)]
        for batch in file.iter_batches(size, columns=flat) if size else [file.read(flat)]:
            text = {name: _text(batch.column(name), more.get(name, {})) for name in flat}
            yield pd.DataFrame(text, dtype="str").fillna("")


def _text(values: Any, more: Any) -> pd.Series:
    """A typed Parquet column in the spelling that the contract gives its column."""
    if arrow.types.is_temporal(values.type) and "dateFormats" in more:
        return values.cast(arrow.timestamp("s"), safe=False).to_pandas().dt.strftime(more["dateFormats"][0])
    if arrow.types.is_boolean(values.type) and "trueValues" in more:
        return values.to_pandas().map({True: more["trueValues"][0], False: more["falseValues"][0]})
    if more.get("decimal") == "," and (arrow.types.is_floating(values.type) or arrow.types.is_decimal(values.type)):
        return values.cast(arrow.string()).to_pandas().str.translate(DECIMAL_COMMA)
    return values.cast(arrow.string()).to_pandas()


def parse(raw: pd.DataFrame, contract: Contract, path: Path, needed: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Type the columns of `raw`, the text of `path`, that the contract knows; the `needed` ones must be there.

    Returns:
        Numbers and booleans as float, dates as datetime, the rest as text, missing as NaN; and a `VIOLATION` table of
        the values that are not of their column's type, and of the rows that have a cell too many or too few.
    """
    if absent := [name for name in needed if name not in raw]:
        raise InputError(f"{path}: has no column {absent[0]!r}, which the model needs; add it, or edit contract.yaml")
    torn, typed = np.flatnonzero(raw[needed].isna().all(axis=1)), {}
    failures: list[Any] = [(row, WHOLE_ROW, None, "has a cell too many or too few") for row in torn]
    for column in (column for column in contract.columns if column.name in raw):
        text = raw[column.name].str.strip()
        text = text.where(~text.isin([*contract.more["missingValues"], *column.more.get("missingValues", [])]))
        typed[column.name] = values = _typed(text, column, contract)
        wrong = np.flatnonzero(values.isna() & text.notna())
        failures += [(row, column.name, text.iloc[row], f"is not of type {column.type}") for row in wrong]
    return pd.DataFrame(typed, index=raw.index), pd.DataFrame(failures, columns=VIOLATION)


def _typed(text: pd.Series, column: Column, contract: Contract) -> pd.Series:
    if column.type == "boolean":
        meaning = dict.fromkeys(column.more["trueValues"], 1.0) | dict.fromkeys(column.more["falseValues"], 0.0)
        return text.map(meaning).astype(float)
    if column.type in NUMERIC:
        text = text.str.translate(DECIMAL_COMMA) if contract.more["decimal"] == "," else text
        return pd.to_numeric(text, errors="coerce").astype(float).replace([np.inf, -np.inf], np.nan)
    if column.type in TEMPORAL:
        dates = pd.Series(pd.NaT, index=text.index, dtype="datetime64[s]")  # seconds reach the years 1 and 9999
        for form in column.more["dateFormats"]:
            dates = dates.fillna(pd.to_datetime(text, format=form, errors="coerce").astype("datetime64[s]"))
        return dates.fillna(text[dates.isna()].map(_iso, na_action="ignore").astype("datetime64[s]"))
    return text


def _iso(text: str) -> datetime | None:
    with contextlib.suppress(ValueError):
        return moments.iso(text)
    return None


def violations(typed: pd.DataFrame, unreadable: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Every value that breaks the contract, as a `VIOLATION` table; `row` is 0 for the first."""
    import pandera.pandas as pa
    from pandera.errors import SchemaErrors

    torn = unreadable.loc[unreadable["column"] == WHOLE_ROW, "row"]
    known = [column for column in contract.columns if column.name in typed]
    columns = {c.name: pa.Column(checks=_checks(c, pa.Check), nullable=not c.required, unique=c.unique) for c in known}
    try:
        pa.DataFrameSchema(columns).validate(typed.reset_index(drop=True).drop(torn), lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases[["index", "column", "failure_case", "check"]].set_axis(VIOLATION, axis=1)
        words = {"not_nullable": "is missing", "field_uniqueness": "occurs more than once"}
        found = pd.concat([unreadable, cases.replace({"problem": words})]).drop_duplicates(["row", "column"])
        return found.sort_values(["row", "column"], ignore_index=True)
    return unreadable


def _checks(column: Column, check: Any) -> list[Any]:
    bounds = {side: pd.Timestamp(limit) if column.type in TEMPORAL else limit for side, limit in column.bounds.items()}
    sides = {"minimum": ("is below", check.ge), "maximum": ("is above", check.le)}
    sides["maxLength"] = ("has more characters than", lambda most, error: check.str_length(None, most, error=error))
    checks = [sides[side][1](bounds[side], error=f"{sides[side][0]} {limit}") for side, limit in column.bounds.items()]
    if column.type in NUMERIC and "feature" in column.roles:
        checks.append(check.in_range(-LARGEST, LARGEST, error="is beyond the numbers of 32 bits that a model reads"))
    if column.type == "integer":
        checks.append(check(lambda values: values % 1 == 0, error="is not a whole number"))
    if column.type == "string" and column.allowed:
        checks.append(check.isin(column.allowed, error="is none of the allowed values"))
    return checks
