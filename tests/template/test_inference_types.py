"""What a column's values make of its type and limits."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pytest
import yaml
from answers import Refusal
from bake import ROOT
from inference import Inferred, infer_columns, infer_file
from kinds import widen
from reader import first_read, module

ROWS = 200
TARGET = [("yes", "no")[number % 3 > 1] for number in range(ROWS)]


def column(folder: Path, cells: list[str], name: str = "x", delimiter: str = ",") -> dict[str, Any]:
    """Return the contract's entry of a column that repeats some cells."""
    repeated = [cells[number % len(cells)] for number in range(ROWS)]
    return table(folder, repeated, name, delimiter).columns[name]


def table(folder: Path, cells: list[str], name: str = "x", delimiter: str = ",") -> Inferred:
    other = [str(number % 7) for number in range(ROWS)]
    return infer_columns(folder, {name: cells, "other": other, "y": TARGET}, delimiter=delimiter)


@pytest.mark.parametrize(
    ("cells", "logical_type"),
    [
        (["1", " 2 ", "+3", "-4"], "integer"),
        (["1", "2.5", "3e2", ".5", "7."], "number"),
        (["1.0", "2.0", "3.0"], "number"),
        (["1_000", "2_000", "3_000"], "string"),
        (["inf", "infinity", "1", "2"], "string"),
        (["1,234", "5,678", "12"], "string"),
        (["00123", "00456", "78901"], "string"),
        (["0", "-0", "10", "20"], "integer"),
        ([str(2**53), "7", "8"], "integer"),
        ([str(2**53 + 1), str(2**60), "7"], "string"),
        (["1e999", "5", "6"], "string"),
        (["1e39", "5", "6"], "string"),  # no model of 32 bits reads it
        (["-3e38", "5", "6"], "number"),
        (["\x1f1", "2\x1f", "3"], "integer"),  # a unit separator is white space to Python and pandas
        (["1\x1f2", "3", "4"], "string"),
        (["\u0661", "\u0662", "\u0663"], "string"),  # digits to Python, not to pandas
        (["yes", "no"], "boolean"),
        (["Y", "n"], "boolean"),
        (["TRUE", "false", "", "NA"], "boolean"),
        (["0", "1"], "boolean"),
        (["1.0", "0.0", ""], "boolean"),
        (["yes", "no", "maybe"], "string"),
        (["yes", "y"], "string"),
        (["", "NA", "?", "null", "5", "6", "7"], "integer"),
        (["nan", "NaN", "2.5", "3.5"], "number"),
    ],
    ids=" ".join,
)
def test_type_follows_what_people_mean(tmp_path: Path, cells: list[str], logical_type: str) -> None:
    assert column(tmp_path, cells)["logicalType"] == logical_type


def test_a_few_words_among_numbers_are_missing_values_of_that_column(tmp_path: Path) -> None:
    cells = [f"{number}.5" for number in range(96)] + ["n.a.", "-", "unknown", "below"]
    entry = column(tmp_path, cells)
    assert entry["logicalType"] == "number"
    assert entry["missingValues"] == ["-", "below", "n.a.", "unknown"]
    assert "required" not in entry


def test_more_words_among_numbers_make_it_text(tmp_path: Path) -> None:
    assert column(tmp_path, [f"{number}.5" for number in range(94)] + ["a", "b"] * 3)["logicalType"] == "string"


def test_codes_with_leading_zeros_are_not_numbers_also_where_they_are_few(tmp_path: Path) -> None:
    assert (
        column(tmp_path, [str(10_000 + number) for number in range(98)] + ["00017", "00018"])["logicalType"] == "string"
    )


@pytest.mark.parametrize(
    ("low", "high", "whole", "expected"),
    [
        (18, 95, True, ("0", "172")),
        (0, 4918, True, ("0", "9840")),
        (-8019, 102127, True, ("-119000", "213000")),
        (-5, -1, True, ("-9", "0")),
        (0.17, 123.46, False, ("0", "247")),
        (1e-7, 3e-7, False, ("0", "5.0e-07")),
        (36.5, 36.6, False, ("36.4", "36.7")),
        (7, 7, True, (None, None)),
    ],
)
def test_range_is_widened_by_its_own_width_and_rounded_outwards(
    low: float, high: float, whole: bool, expected: tuple[str | None, str | None]
) -> None:
    minimum, maximum = widen(low, high, whole)
    assert (minimum, maximum) == expected
    if minimum and maximum:
        assert yaml.safe_load(minimum) <= low <= high <= yaml.safe_load(maximum)
        assert isinstance(yaml.safe_load(maximum), int | float)


def test_a_comment_gives_the_range_as_seen(tmp_path: Path) -> None:
    text = table(tmp_path, [str(18 + number % 78) for number in range(ROWS)]).files["contract.yaml"]
    assert "logicalTypeOptions: {minimum: 0, maximum: 172}  # seen: 18 to 95" in text


@pytest.mark.parametrize(
    ("cells", "name", "logical_type", "formats"),
    [
        (["2024-01-31", "2024-02-01"], "x", "date", ["%Y-%m-%d"]),
        (["31.1.2024", "01.02.2024"], "x", "date", ["%d.%m.%Y"]),
        (["31/01/2024", "01/02/2024"], "x", "date", ["%d/%m/%Y"]),
        (["01/31/2024", "02/01/2024"], "x", "date", ["%m/%d/%Y"]),
        (["31-01-2024", "01-02-2024"], "x", "date", ["%d-%m-%Y"]),
        (["2024/01/31", "2024/02/01"], "x", "date", ["%Y/%m/%d"]),
        (["31 Jan 2024", "1 Feb 2024"], "x", "date", ["%d %b %Y"]),
        (["January 31, 2024", "February 1, 2024"], "x", "date", ["%B %d, %Y"]),
        (["20240131", "20240201"], "day", "date", ["%Y%m%d"]),
        (["20240131", "20240201"], "part", "integer", None),
        (["2024-01-31T10:00:00", "2024-02-01T11:30:00"], "x", "timestamp", ["%Y-%m-%dT%H:%M:%S"]),
        (["2024-01-31 10:00", "2024-02-01 11:30"], "x", "timestamp", ["%Y-%m-%d %H:%M"]),
        (["2024-01-31 10:00:00.125", "2024-02-01 11:30:00.5"], "x", "timestamp", ["%Y-%m-%d %H:%M:%S.%f"]),
        (["2024-01-31T10:00:00Z", "2024-02-01T11:30:00Z"], "x", "timestamp", ["%Y-%m-%dT%H:%M:%SZ"]),
        (["31.01.2024 10:00", "01.02.2024 11:30"], "x", "timestamp", ["%d.%m.%Y %H:%M"]),
        (["2024-01-31", "01.02.2024", "3 Mar 2024", ""], "x", "date", ["%Y-%m-%d", "%d %b %Y", "%d.%m.%Y"]),
        (["31/01/2024", "01/31/2024"], "x", "string", None),
        (["2024-13-45", "2024-01-01"], "x", "string", None),
        (["2024-01-31", "soon"], "x", "string", None),
        (["5", "31"], "day", "integer", None),
    ],
    ids=lambda value: "|".join(value).replace("/", ":") if isinstance(value, list) else "",
)
def test_dates_in_many_ways(
    tmp_path: Path, cells: list[str], name: str, logical_type: str, formats: list[str] | None
) -> None:
    entry = column(tmp_path, cells, name)
    assert entry["logicalType"] == logical_type
    assert sorted(entry.get("dateFormats", [])) == sorted(formats or [])
    assert "maximum" not in entry.get("logicalTypeOptions", {}) or logical_type == "integer"


def test_day_and_month_that_cannot_be_told_apart_are_left_to_a_person(tmp_path: Path) -> None:
    inferred = table(tmp_path, [f"0{number % 9 + 1}/0{number % 8 + 1}/2024" for number in range(ROWS)])
    assert inferred.columns["x"]["dateFormats"] == ["%d/%m/%Y"]
    assert "a person decides" in inferred.comment("x")


def test_categories_are_listed_up_to_50(tmp_path: Path) -> None:
    dice = Random(0)
    rows = 2000
    target = [dice.choice(["a", "b"]) for _ in range(rows)]
    cells = {f"c{most}": [f"level {number % most}" for number in range(rows)] for most in (50, 51)}
    inferred = infer_columns(tmp_path, cells | {"y": target})
    assert len(inferred.columns["c50"]["enum"]) == 50
    assert "enum" not in inferred.columns["c51"]
    assert "up to 50" in inferred.contract["description"]["limitations"]


def test_free_text_is_told_from_a_category_with_many_levels(tmp_path: Path) -> None:
    dice = Random(0)
    words = [
        "the",
        "parcel",
        "came",
        "late",
        "and",
        "the",
        "box",
        "was",
        "open",
        "but",
        "all",
        "things",
        "in",
        "it",
        "were",
        "fine",
        "so",
        "thanks",
    ]
    inferred = infer_columns(
        tmp_path,
        {
            "review": [" ".join(dice.choices(words, k=dice.randrange(4, 20))) for _ in range(600)],
            "town": [f"town{int(300 * dice.random() ** 2)}" for _ in range(600)],
            "y": [dice.choice(["a", "b"]) for _ in range(600)],
        },
    )
    assert inferred.columns["review"]["text"] is True
    assert "text" not in inferred.columns["town"]
    assert "enum" not in inferred.columns["town"]


def test_empty_header_cell_gets_a_name_and_two_of_them_are_refused(tmp_path: Path) -> None:
    inferred = infer_columns(
        tmp_path, {"": [str(n) for n in range(60)], "b": ["1", "2"] * 30, "y": ["u", "u", "v"] * 20}
    )
    assert inferred.columns["column_1"]["physicalName"] == ""
    assert inferred.with_role("identifier") == ["column_1"]
    path = tmp_path / "t.csv"
    path.write_text("a,,,y\n" + "1,2,3,4\n" * 40, encoding="utf-8")
    with pytest.raises(Refusal, match="columns 2 and 3 have no name"):
        infer_file(path, "y")


def test_decimal_commas_count_in_the_whole_file_and_points_are_no_numbers_there(tmp_path: Path) -> None:
    comma = [f"{number},5" for number in range(ROWS)]
    mixed = ["1.234,5" if number % 2 else "1,5" for number in range(ROWS)]
    inferred = infer_columns(tmp_path, {"a": comma, "b": mixed, "y": TARGET}, delimiter=";")
    assert inferred.settings["decimal"] == ","
    assert inferred.columns["a"]["logicalType"] == "number"
    assert inferred.columns["b"]["logicalType"] == "string"
    (row,) = inferred.request["rows"]
    assert row["a"] == 0.5


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_the_one_that_splits_the_header(tmp_path: Path, delimiter: str) -> None:
    notes = [("a; b", "c, d", "e | f\tg")[number % 3] for number in range(ROWS)]
    assert table(tmp_path, notes, "note", delimiter).settings["delimiter"] == delimiter


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("latin-1", "latin-1"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
    ],
)
def test_encoding_is_found_also_where_the_first_letter_stands_late(tmp_path: Path, encoding: str, found: str) -> None:
    letter = "\u20ac" if encoding != "latin-1" else "\u00e9"
    rows = "".join(f"{number},a,yes\n{number},b,no\n" for number in range(40_000))
    path = tmp_path / "t.csv"
    path.write_text(f"x,letter,y\n{rows}1,{letter},no\n" * 1, encoding=encoding, newline="\n")
    assert infer_file(path, "y").settings["encoding"] == found


@pytest.mark.parametrize(
    ("labels", "asked", "task", "positive"),
    [
        (["a", "b", "b"], "auto", "binary", "a"),
        (["no", "yes", "yes"], "auto", "binary", "yes"),
        (["0", "1", "1"], "auto", "binary", "1"),
        (["True", "False"], "auto", "binary", "True"),
        (["1", "2", "3"], "auto", "multiclass", None),
        ([str(number) for number in range(20)], "auto", "multiclass", None),
        ([str(number) for number in range(21)], "auto", "regression", None),
        (["1.5", "2.5", "3.5"], "auto", "regression", None),
        ([f"v{number}" for number in range(50)], "auto", "multiclass", None),
        (["1", "2", "3"], "regression", "regression", None),
        ([str(number) for number in range(30)], "multiclass", "multiclass", None),
    ],
)
def test_task_is_decided_by_the_target(
    tmp_path: Path, labels: list[str], asked: str, task: str, positive: str | None
) -> None:
    dice = Random(0)
    cells = {"x": [f"{dice.random():.3f}" for _ in range(600)], "y": [labels[n % len(labels)] for n in range(600)]}
    inferred = infer_columns(tmp_path, cells, asked)
    assert inferred.settings["task"] == task
    assert inferred.columns["y"].get("positiveClass") == positive
    if task != "regression":
        assert [item["value"] for item in inferred.columns["y"]["enum"]] == sorted(set(labels))


def answers(folder: Path, labels: dict[str, int], **columns: str) -> tuple[Inferred, Any]:
    """Infer from a target with so many rows of each label and columns that repeat one cell in a tenth of the rows."""
    target = [label for label, rows in labels.items() for _ in range(rows)]
    Random(0).shuffle(target)
    path = folder / "t.csv"
    lines = [",".join(["n", *columns, "y"])]
    for number, label in enumerate(target):
        cells = [cell if number % 10 == 0 else str(number % 7) for cell in columns.values()]
        lines.append(",".join([f"{number * 37 % 101}.5", *cells, label]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return first_read(path, "y", folder)


def test_none_is_a_class_of_a_target_of_words_and_both_the_output_and_the_contract_say_so(tmp_path: Path) -> None:
    inferred, table = answers(tmp_path, {"None": 200, "Insomnia": 100, "Apnea": 90})
    assert inferred.settings["task"] == "multiclass"
    assert [item["value"] for item in inferred.columns["y"]["enum"]] == ["Apnea", "Insomnia", "None"]
    assert inferred.columns["y"]["required"] is True
    assert "None" not in inferred.settings["missingValues"]
    assert sorted(set(table.truth)) == ["Apnea", "Insomnia", "None"]
    assert set(table.rows["part"]) == {"train", "evaluation"}
    sentence = "'None' is taken for a class; if it means no answer, move it in contract.yaml from enum to missingValues"
    assert sentence in inferred.comment("y")
    assert sentence in inferred.files["found.txt"]


def test_none_and_yes_are_two_classes_and_none_in_a_feature_of_words_stays_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{n * 37 % 101}.5,{('None', 'oak', 'elm')[n % 3]},{'Yes' if n % 4 else 'None'}" for n in range(400)]
    path.write_text("\n".join(["n,tree,y", *rows]) + "\n", encoding="utf-8")
    inferred, table = first_read(path, "y", tmp_path)
    assert (inferred.settings["task"], inferred.columns["y"]["positiveClass"]) == ("binary", "Yes")
    assert inferred.columns["tree"]["missingValues"] == ["None"]
    assert table.typed["tree"].isna().sum() == 134
    assert "numbers" not in inferred.comment("tree")


def test_none_is_not_the_positive_class_also_where_it_is_the_rarer_one(tmp_path: Path) -> None:
    inferred, _ = answers(tmp_path, {"sick": 300, "None": 100})
    assert (inferred.settings["task"], inferred.columns["y"]["positiveClass"]) == ("binary", "sick")


def test_a_person_moves_none_from_the_classes_to_the_missing_values(tmp_path: Path) -> None:
    answers(tmp_path, {"None": 200, "Insomnia": 100, "Apnea": 90, "Jetlag": 80})
    path = tmp_path / "contract.yaml"
    text = path.read_text(encoding="utf-8").replace(', {value: "None"}', "")
    before, roles, after = text.partition("          - {property: roles, value: [target]}")
    before = "".join(before.rsplit("        required: true\n", 1))
    path.write_text(
        before + '          - {property: missingValues, value: ["None"]}\n' + roles + after, encoding="utf-8"
    )
    contract, params = module("settings").load(tmp_path)
    table = module("rows").load(tmp_path / contract.path, contract, params["split"])
    assert table.rows["part"].value_counts()["unlabelled"] == 200
    assert sorted(set(table.part("train").truth)) == ["Apnea", "Insomnia", "Jetlag"]


@pytest.mark.parametrize(
    ("labels", "columns", "reason"),
    [
        ({"a": 200, "b": 100, "None": 9}, {}, "it is rare"),
        ({"a": 200, "b": 100, "None": 60, "": 5}, {}, "another spelling of no value stands beside it"),
        ({"yes": 200, "no": 100, "None": 60}, {}, "yes and no are complete"),
        ({"1": 200, "0": 100, "None": 60}, {}, "the others are numbers"),
        ({"a": 200, "b": 100, "None": 60}, {"size": "None"}, "a column of numbers has it for a gap"),
        ({"a": 200, "b": 100, "NA": 60}, {}, "NA is said of what is not known"),
        ({"a": 200, "b": 100, "null": 60}, {}, "null is said of what is not known"),
    ],
)
def test_none_is_no_class_where(tmp_path: Path, labels: dict[str, int], columns: dict[str, str], reason: str) -> None:
    inferred, table = answers(tmp_path, labels, **columns)
    assert inferred.settings["task"] == "binary", reason
    token = next(label for label in labels if label in ("None", "NA", "null"))
    assert token in inferred.settings["missingValues"]
    assert f"{token!r} counted as no answer" in inferred.comment("y")
    assert f"{token!r} counted as no answer" in inferred.files["found.txt"]
    assert (table.rows["part"] == "unlabelled").sum() == labels[token] + labels.get("", 0)


def test_a_single_class_beside_a_spelling_of_no_value_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"one value only \('Yes'\).*'NA' counts as no value, write it in another way"):
        answers(tmp_path, {"Yes": 100, "NA": 100})


def test_a_large_table_shows_how_far_it_is_read_also_where_it_is_wide_and_its_rows_are_few(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    row = ",".join(["0.12345678"] * 2000) + "\n"
    path.write_text(",".join(f"c{number}" for number in range(2000)) + "\n" + row * 1050, encoding="utf-8")
    code = "import sys; from pathlib import Path; from columns import scan; from table import open_table"
    command = [sys.executable, "-c", f"{code}; scan(open_table(Path(sys.argv[1])))", str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "hooks")}
    quiet = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert quiet.stderr == "reading wide.csv: 1,050 rows, done\n"
    terminal, end = os.openpty()
    subprocess.run(command, env=environment, stderr=end, check=True)
    os.close(end)
    output = b""
    with contextlib.suppress(OSError):  # so says Linux that the other end is closed
        while piece := os.read(terminal, 10_000):
            output += piece
    os.close(terminal)
    shown = [line.strip() for line in output.decode().split("\r")]
    assert any(re.fullmatch(r"looking at wide\.csv: 2\d MB", line) for line in shown), shown
    assert "reading wide.csv: 1,000 rows" in shown
    assert "reading wide.csv: 1,050 rows, done" in shown


def test_the_contract_says_how_many_rows_its_suggestions_rest_on(tmp_path: Path) -> None:
    rows = [f"{n * 37 % 101}.5,{'uv'[n % 3 > 0]}" for n in range(41_000)]
    for count, words in ((41_000, "20,000 rows spread over the file"), (19_000, "the same rows")):
        path = tmp_path / "t.csv"
        path.write_text("\n".join(["n,y", *rows[:count]]) + "\n", encoding="utf-8")
        said = infer_file(path, "y").contract["description"]["limitations"]
        assert f"hold for all {count:,} rows" in said
        assert f"were suggested from {words}" in said


@pytest.mark.parametrize("value", ["1.234", "1.234,5", "1,5e1.0"])
def test_a_point_in_a_table_of_decimal_commas_is_no_number_in_training_and_in_the_service(
    tmp_path: Path, value: str
) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{n * 37 % 2000},{n % 9};{'uv'[n % 3 > 0]}" for n in range(200)]
    path.write_text("\n".join(["n;y", *rows]) + "\n", encoding="utf-8")
    first_read(path, "y", tmp_path)
    contract, params = module("settings").load(tmp_path)
    (field,) = module("serving.fields").fields(contract, ["n"])
    assert field.read("1234,5") == field.read(1234.5) == 1234.5
    with pytest.raises(ValueError, match=r"number|float"):
        field.read(value)
    stored = tmp_path / contract.path
    stored.write_text("\n".join(["n;y", f"{value};u", *rows]) + "\n", encoding="utf-8")
    with pytest.raises(module("").InputError, match=rf"column 'n': 1 value.*'{value}' in row 1 is not of type number"):
        module("rows").load(stored, contract, params["split"])


def test_numbers_of_a_parquet_file_are_read_also_where_the_table_has_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{n * 37 % 2000},{n % 9};{'uv'[n % 3 > 0]}" for n in range(200)]
    path.write_text("\n".join(["n;y", *rows]) + "\n", encoding="utf-8")
    first_read(path, "y", tmp_path)
    contract, _ = module("settings").load(tmp_path)
    pd.DataFrame({"n": [1234.5, 0.25, None], "y": ["u", "v", "u"]}).to_parquet(tmp_path / "new.parquet")
    (raw,) = module("data").chunks(tmp_path / "new.parquet", contract, None)
    typed, unreadable = module("data").parse(raw, contract, tmp_path / "new.parquet", ["n"])
    assert unreadable.empty
    assert typed["n"].dropna().tolist() == [1234.5, 0.25]
