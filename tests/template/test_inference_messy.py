"""Whatever people write into cells: the first training on a table passes the contract made from it."""

import csv
import io
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from random import Random

import pytest
from answers import Refusal
from checker import read, violations
from hypothesis import given, settings
from hypothesis import strategies as st
from reader import first_read

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


@settings(max_examples=80, deadline=None, derandomize=True)
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
            inferred, table = first_read(path, "target", Path(folder))
        except Refusal:
            return
        _, found = read(path, inferred)
        assert len(table.rows) == len(found[0])
        for (name, entry), cells in zip(inferred.columns.items(), found, strict=True):
            assert not violations(entry, inferred.settings, cells), name


def written(header: Sequence[str], row: Sequence[str], rows: int) -> str:
    """Write a table that repeats a row, numbered, with two classes."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([str(number % 9), *row, "uv"[number % 7 > 2]] for number in range(rows))
    return file.getvalue()


LONG = [f"{number:03d} {'how much do you agree, as survey tools put it into a header? ' * 2}" for number in range(600)]
WHOLE = {
    "a header longer than any first look": written(["n", *LONG, "y"], ["1"] * 600, 60),
    "a chunk of blank lines only": written(["n", *"abcdefgh", "y"], ["1"] * 8, 10_000) + "\n\n",
    "a header cell of white space": written(["n", " ", "y"], ["k"], 60),
    "an empty header cell beside the name it would get": written(["column_2", "", "y"], ["k"], 60),
    "row_id with white space": written(["n", " row_id", "y"], ["k"], 60),
    "row_id beside the name it would get": written(["row_id", "row_id_", "y"], ["k"], 60),
    "one letter of a code page as the last byte": written(["n", "a", "y"], ["k"], 60) + "1,k,\xe9",
    "an inch mark": written(["n", 'wide 5"', "y"], ["k"], 60).replace('"wide 5"""', 'wide 5"'),
}


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE.keys())
def test_the_first_training_reads_the_same_rows_as_generation(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode("latin-1"))
    inferred, table = first_read(path, "y", tmp_path)
    assert list(table.typed) == list(inferred.columns)
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    assert len(table.rows) == len(rows) - 1
    assert f"hold for all {len(rows) - 1:,} rows" in inferred.contract["description"]["limitations"]


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252", "cp1250", "shift_jis", "mac_roman", "gb18030"]
PARTS = [
    "a,b,y\n",
    "1,2,u\n",
    "3,x,v\n",
    "4,é,u\n",
    "5,č„,v\n",
    "6,表,u\n",
    '7,"q\nr",v\n',
    '8,"',
    '",u\n',
    '"',
    "\n",
    " \n",
    "9,z,u",
]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    parts=st.lists(st.sampled_from(PARTS), max_size=8),
    encoding=st.sampled_from(ENCODINGS),
    cut=st.integers(0, 3),
)
def test_whatever_the_bytes_are_generation_refuses_in_one_sentence_or_training_reads_them(
    parts: list[str], encoding: str, cut: int
) -> None:
    text = "a,b,y\n" + "0,w,u\n1,w,v\n" * 20 + "".join(parts)
    content = text.encode(encoding, errors="replace")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes(content[: len(content) - cut])
        try:
            inferred, table = first_read(path, "y", Path(folder))
            counted = f"hold for all {len(table.rows):,} rows"
            sentence = f"t.csv: {counted in inferred.contract['description']['limitations']}"
        except Refusal as refusal:
            sentence = str(refusal)
        assert sentence == "t.csv: True" or (sentence.startswith("t.csv") and sentence[-1] == ".")
        assert "\n" not in sentence
