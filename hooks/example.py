"""Write one request for the service: a real row, typed by the contract."""

import json

from columns import MISSING_SET, Scan, as_number
from kinds import Kind, iso
from roles import Judged
from table import Table


def example_text(judged: Judged, scan: Scan, table: Table) -> str:
    """Return the first row of the sample that misses nothing; else the one that misses least."""
    positions = [position for position, entry in enumerate(judged.properties) if "feature" in entry.roles]
    kinds = [judged.properties[position].kind for position in positions]
    best: list[object] = []
    fewest = len(positions) + 1
    for row in range(len(scan.sample[0])):
        values = [
            typed(scan.sample[position][row], kind, table.decimal)
            for position, kind in zip(positions, kinds, strict=True)
        ]
        absent = values.count(None)
        if absent < fewest:
            best, fewest = values, absent
        if not absent:
            break
    request = {judged.properties[position].name: value for position, value in zip(positions, best, strict=True)}
    return json.dumps({"rows": [request]}, indent=2, ensure_ascii=False) + "\n"


def typed(cell: str, kind: Kind, decimal: str) -> object:
    """Return a cell as JSON holds it."""
    if cell in MISSING_SET or cell in kind.missing_values:
        return None
    if kind.is_numeric:
        number = as_number(cell, decimal)
        return int(number) if number is not None and kind.logical_type == "integer" else number
    if kind.logical_type == "boolean":
        return cell in kind.true_values
    if kind.dates:
        when = kind.dates.read(cell)
        return None if when is None else iso(when, kind.dates.with_time)
    return cell
