"""Whatever people write into cells: the first training on a table passes the contract made from it."""

import csv
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from random import Random

from answers import Refusal
from checker import read, violations
from hypothesis import given, settings
from hypothesis import strategies as st
from inference import infer_file

NUMBERS = ["1", "2", "40", "-5", "+6", " 7", "8 ", "1.5", "2.", ".5", "-3e2", "1E+05", "0.0", "1,5", "1,234", "007"]
MISSING = ["", "NA", "?", "nan", "None", " ", "<NA>"]
WORDS = [
    "a",
    "c d e f",
    'q"q',
    "x,y;z",
    "new\nline",
    "ü",
    "日本",
    " pad ",
    "\ttab",
    "-",
    "n.a.",
    "e5",
    "1-2",
    "unknown",
]
SWITCHES = ["yes", "no", "Yes", "NO", "y", "n", "t", "F", "TRUE", "0", "1", "1.0"]
DATES = ["2024-01-05", "01.02.2024", "12/31/2023", "01/02/2024", "2024-01-05T10:00:00Z", "5 Jan 2024", "20240105"]
TRAPS = ["1_000", "inf", "NAN", "0x1F", "\u0663", "1e400", "--1", ".", "1e", "\u00a05", str(2**53), str(10**19)]
POOLS = [NUMBERS, MISSING, WORDS, SWITCHES, DATES, TRAPS]
NAMES = ["c", "date", "customer_id", "id", "age", "name", "#", "größe", "y n"]


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[str]]:
    """Draw columns that each mix a few kinds of cells."""
    dice = Random(draw(st.integers(0, 2**32)))
    rows = draw(st.sampled_from([30, 60, 400]))
    columns = {}
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True)):
        pools = draw(st.lists(st.sampled_from(POOLS), min_size=1, max_size=3))
        cells: Sequence[str] = draw(st.lists(st.sampled_from(list(chain(*pools))), min_size=1, max_size=10))
        rare = draw(st.sampled_from([0.02, 0.3, 1.0]))
        fill = draw(st.sampled_from(["{:.0f}", "{:.2f}", "v{:.0f}", "2024-01-{:02.0f}"]))
        columns[name] = [
            dice.choice(cells) if dice.random() < rare else fill.format(dice.uniform(1, 28)) for _ in range(rows)
        ]
    labels = draw(st.sampled_from([["u", "v"], ["1", "2", "3", ""], [f"{number}.5" for number in range(40)]]))
    return columns | {"target": [dice.choice(labels) for _ in range(rows)]}


@settings(max_examples=150, deadline=None, derandomize=True)
@given(columns=tables(), delimiter=st.sampled_from(",;\t"), line_end=st.sampled_from(["\n", "\r\n"]))
def test_every_messy_table_that_is_not_refused_passes_its_own_contract(
    columns: dict[str, list[str]], delimiter: str, line_end: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator=line_end)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
        try:
            inferred = infer_file(path, "target")
        except Refusal:
            return
        _, found = read(path, inferred)
        for (name, entry), cells in zip(inferred.columns.items(), found, strict=True):
            assert not violations(entry, inferred.settings, cells), name
