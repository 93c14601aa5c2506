"""Check a table against its contract, cell by cell, with nothing of what made the contract."""

import csv
import gzip
import io
import math
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from inference import Inferred


def read(path: Path, inferred: Inferred) -> tuple[list[str], list[tuple[str, ...]]]:
    """Read a table as the contract says: header and columns, stripped."""
    server = inferred.contract["servers"][0]
    if server["format"] == "parquet":
        import pyarrow as arrow
        from pyarrow.parquet import read_table

        table = read_table(path)
        text = table.cast(arrow.schema([(name, arrow.string()) for name in table.column_names]))
        return table.column_names, [tuple(cell or "" for cell in column.to_pylist()) for column in text.columns]
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    if path.suffix == ".zip":
        archive = zipfile.ZipFile(path)
        content = archive.read(next(name for name in archive.namelist() if name.endswith("shops.csv")))
    lines = io.StringIO(content.decode(inferred.settings["encoding"]), newline="")
    header, *rows = csv.reader(lines, delimiter=inferred.settings["delimiter"])
    return [cell.strip() for cell in header], [tuple(map(str.strip, cells)) for cells in zip(*rows, strict=True)]


def violations(entry: dict[str, Any], settings: dict[str, Any], cells: tuple[str, ...]) -> list[str]:
    """Check a column cell by cell, by the words of docs/contract.md."""
    absent = {*settings["missingValues"], *entry.get("missingValues", [])}
    limits = entry.get("logicalTypeOptions", {})
    allowed = {item["value"] for item in entry.get("enum", [])}
    found = []
    if entry.get("unique") and len(set(cells)) < len(cells):
        found.append("not unique")
    for cell in dict.fromkeys(cells):
        if cell in absent:
            if entry.get("required"):
                found.append(f"{cell!r} is missing")
            continue
        value = typed(cell, entry, settings)
        if value is None:
            found.append(f"{cell!r} is no {entry['logicalType']}")
            continue
        if allowed and cell not in allowed:
            found.append(f"{cell!r} is not listed")
        if len(cell) > limits.get("maxLength", len(cell)):
            found.append(f"{cell!r} is too long")
        low, high = limits.get("minimum"), limits.get("maximum")
        low = datetime.fromisoformat(low) if isinstance(low, str) else low
        if (low is not None and value < low) or (high is not None and value > high):
            found.append(f"{cell!r} is out of range")
    return found


def typed(cell: str, entry: dict[str, Any], settings: dict[str, Any]) -> Any:
    """Read a cell as its type; none if it is not of it."""
    kind = entry["logicalType"]
    if kind == "boolean":
        return True if cell in entry["trueValues"] else False if cell in entry["falseValues"] else None
    if kind in ("date", "timestamp"):
        for form in entry["dateFormats"]:
            try:
                return datetime.strptime(cell, form)
            except ValueError:
                continue
        return None
    if kind == "string":
        return cell
    try:
        number = float(cell.replace(",", ".") if settings.get("decimal") == "," else cell)
    except ValueError:
        return None
    whole = kind == "number" or number.is_integer()
    return number if math.isfinite(number) and "_" not in cell and whole else None
