"""Which columns are set apart, and why."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from inference import Inferred, infer_columns
from names import words_of
from sample import SpreadSample

Build = Callable[[int, Random], str]


def roles(folder: Path, rows: int = 600, labels: str = "yn", **columns: Build) -> Inferred:
    """Infer from columns that are built cell by cell, one of noise, and a target without a pattern."""
    dice = Random(4)
    cells = {name: [build(number, dice) for number in range(rows)] for name, build in columns.items()}
    noise = [f"{dice.random():.2f}" for _ in range(rows)]
    return infer_columns(folder, cells | {"noise": noise, "target": [dice.choice(labels) for _ in range(rows)]})


def uuid(_: int, dice: Random) -> str:
    text = f"{dice.getrandbits(128):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def test_identifiers_are_unique_and_named_numbered_or_patterned(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        order_id=lambda n, d: str(7 * n + 3),
        running=lambda n, d: str(1000 - n),
        reference=uuid,
        ticket=lambda n, d: f"AB-{7919 * n % 100_000:05d}",
    )
    assert inferred.with_role("identifier") == ["order_id", "running", "reference", "ticket"]
    assert inferred.settings["rowKey"] == ["order_id", "running", "reference", "ticket"]
    assert all(inferred.columns[name]["unique"] for name in inferred.with_role("identifier"))


def test_measurements_that_happen_to_be_unique_are_no_identifiers(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        rows=40,
        weight=lambda n, d: str(60_000 + 37 * n * n),
        height_id=lambda n, d: f"{1.5 + n / 1000:.3f}",
        paid=lambda n, d: str(13 * n),
    )
    assert not inferred.with_role("identifier")
    assert inferred.settings["rowKey"] == ["weight", "height_id", "paid", "noise"]


def test_one_repeat_or_one_gap_in_a_long_table_is_no_identifier(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        rows=25_000,
        row_id=lambda n, d: str(n if n < 24_999 else 11),
        case_id=lambda n, d: str(n) if n != 12_345 else "",
    )
    assert not inferred.with_role("identifier")


def test_entity_is_an_id_that_repeats_and_one_only(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        product_id=lambda n, d: str(d.randrange(200)),
        customer_id=lambda n, d: f"C{d.randrange(150):04d}",
        store_id=lambda n, d: str(d.randrange(6)),
        customer_age_group=lambda n, d: f"group {d.randrange(90)}",
    )
    assert inferred.with_role("entity") == ["customer_id"]
    assert {"product_id", "store_id", "customer_age_group"} <= set(inferred.with_role("feature"))


def test_entity_is_found_in_a_table_so_long_that_the_sample_hardly_repeats(tmp_path: Path) -> None:
    inferred = roles(tmp_path, rows=60_000, customer_id=lambda n, d: f"{n % 30_000}-c")
    assert inferred.with_role("entity") == ["customer_id"]


def test_a_few_dozen_patients_with_many_visits_each_are_entities_and_none_of_them_is_listed(tmp_path: Path) -> None:
    inferred = roles(tmp_path, patient_id=lambda n, d: f"P{n % 40:02d}")
    assert inferred.with_role("entity") == ["patient_id"]
    assert "enum" not in inferred.columns["patient_id"]


def day(number: int, step: int = 1) -> str:
    return (date(2023, 1, 1) + timedelta(days=number * step)).isoformat()


def test_time_is_a_date_by_name_and_never_a_birthday(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        birth_date=lambda n, d: day(-d.randrange(9000, 20_000)),
        contract_expiry_date=lambda n, d: day(n + 400),
        first_seen=lambda n, d: day(d.randrange(300)),
        order_date=lambda n, d: day(n // 4),
    )
    assert inferred.with_role("time") == ["order_date"]
    found = inferred.params["split"]["evaluation_from"]
    later = sum(day(number // 4) >= found for number in range(600))
    assert 0.15 < later / 600 < 0.25


def test_the_next_date_is_taken_where_the_first_one_divides_badly(tmp_path: Path) -> None:
    inferred = roles(tmp_path, start_date=lambda n, d: day(n % 2), event_date=lambda n, d: day(n // 4))
    assert inferred.with_role("time") == ["event_date"]


def test_a_single_date_is_the_time_also_without_a_telling_name(tmp_path: Path) -> None:
    assert roles(tmp_path, seen=lambda n, d: day(n // 3)).with_role("time") == ["seen"]


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda n, d: day(0 if n % 2 else 1), "two days are no fifth"),
        (lambda n, d: day(n // 4) if n % 50 else "", "rows without a date belong to neither side"),
        (lambda n, d: f"{1900 + n // 100}-01-0{n % 9 + 1}", "long before any record"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_date_that_divides_badly_stays_a_feature_with_a_comment(tmp_path: Path, build: Build, reason: str) -> None:
    inferred = roles(tmp_path, order_date=build)
    assert inferred.columns["order_date"]["roles"] == ["feature"], reason
    assert "no day in it divides" in inferred.comment("order_date")
    assert inferred.params["split"]["evaluation_from"] is None


def test_no_split_by_time_where_a_class_would_be_missing_on_one_side(tmp_path: Path) -> None:
    cells = {"on": [day(n // 4) for n in range(600)], "x": [str(n % 7) for n in range(600)]}
    inferred = infer_columns(tmp_path, cells | {"y": ["a" if n < 400 else "b" for n in range(600)]})
    assert not inferred.with_role("time")


def restricted_of(inferred: Inferred) -> list[str]:
    return [name for name, entry in inferred.columns.items() if entry.get("classification") == "restricted"]


def test_so_few_surnames_that_they_could_be_listed_are_set_apart_and_not_listed(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        1000,
        lastname=lambda n, d: f"Meier{d.randrange(40)}",
        employee_name=lambda n, d: f"Ada{d.randrange(9)}",
        device_name=lambda n, d: f"pump {d.randrange(9)}",
    )
    assert restricted_of(inferred) == ["lastname", "employee_name"]
    assert inferred.comment("lastname") == "suspected personal data: names of people"
    assert "Meier" not in "".join(inferred.files.values())
    assert inferred.columns["device_name"]["roles"][0] == "feature"


def test_personal_data_is_set_apart_and_marked(tmp_path: Path) -> None:
    people = ["Ada Lovelace", "Alan Turing", "Grace Hopper", "Barbara Liskov"]
    inferred = roles(
        tmp_path,
        contact=lambda n, d: f"person{d.randrange(500)}@example.org",
        Telefon=lambda n, d: str(49_300_000_000 + d.randrange(10**6)),
        hotline=lambda n, d: f"(030) {d.randrange(1000, 9999)}-{d.randrange(100, 999)}",
        Nachname=lambda n, d: f"Meier{chr(97 + d.randrange(26))}{chr(97 + d.randrange(26))}{chr(97 + d.randrange(26))}",
        name=lambda n, d: f"{d.choice(people)}{'abcdefgh'[d.randrange(8)]}{'ijklmnop'[d.randrange(8)]}",
        product_name=lambda n, d: f"widget-{d.randrange(300)}",
        mobile=lambda n, d: d.choice(["yes", "no"]),
    )
    restricted = restricted_of(inferred)
    assert restricted == ["contact", "Telefon", "hotline", "Nachname", "name"]
    assert all(inferred.columns[name]["roles"] == ["unused"] for name in restricted)
    assert all("suspected personal data" in inferred.comment(name) for name in restricted)


def test_constants_copies_and_empty_columns_are_unused_with_the_reason(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        fixed=lambda n, d: "EUR",
        empty=lambda n, d: "NA",
        flag=lambda n, d: "x" if n % 3 else "",
        amount=lambda n, d: str(n * 37 % 101),
        amount_again=lambda n, d: f"{n * 37 % 101}.0",
        nearly=lambda n, d: str(n * 37 % 101 if n < 599 else 5),
    )
    assert inferred.with_role("unused") == ["fixed", "empty", "amount_again"]
    assert inferred.comment("amount_again") == "a copy of column 'amount'"
    assert inferred.comment("fixed") == "constant: 'EUR' in every row"
    assert inferred.comment("empty") == "no value in any row"


def test_columns_of_the_same_numbers_and_other_words_are_no_copies(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        first=lambda n, d: "low" if n % 50 == 0 else str(n % 7),
        second=lambda n, d: "high" if n % 50 == 0 else str(n % 7),
    )
    assert not inferred.with_role("unused")


def test_sensitive_columns_are_known_by_name_in_several_writings(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        customerAge=lambda n, d: str(d.randrange(18, 90)),
        Geschlecht=lambda n, d: d.choice("mwd"),
        marital_status=lambda n, d: d.choice(["single", "married"]),
        usage=lambda n, d: str(d.randrange(99)),
        stage=lambda n, d: d.choice("abc"),
    )
    assert inferred.with_role("sensitive") == ["customerAge", "Geschlecht", "marital_status"]


def test_slices_are_few_and_no_level_of_note_is_tiny(tmp_path: Path) -> None:
    inferred = roles(
        tmp_path,
        rare=lambda n, d: "a" if n % 100 else "b",
        many=lambda n, d: f"v{d.randrange(13)}",
        **{f"c{number}": lambda n, d: d.choice("pqr") for number in range(6)},
    )
    slices = inferred.with_role("slice")
    assert len(slices) == 4
    assert not {"rare", "many"} & set(slices)


@pytest.mark.parametrize(
    ("name", "words"),
    [("customerID", ("customer", "id")), ("Größe (cm)", ("große", "cm")), ("HTTPStatus_2", ("http", "status", "2"))],
)
def test_names_are_split_into_plain_words(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == tuple(word.replace("ß", "ss").replace("ö", "o") for word in words)


@pytest.mark.parametrize("rows", [1, 19_999, 20_000, 40_000, 123_457])
def test_sample_is_spread_evenly_over_a_table_of_any_length(rows: int) -> None:
    sample = SpreadSample(2)
    numbers = [[str(number), "x"] for number in range(rows)]
    for start in range(0, rows, 777):
        sample.absorb(numbers[start : start + 777])
    found = [int(cell) for cell in sample.columns()[0]]
    assert len(found) == min(rows, 20_000)
    gaps = {later - earlier for earlier, later in pairwise(found)}
    assert found[0] == 0
    assert not gaps or max(gaps) <= 2 * min(gaps)
    assert rows - found[-1] <= 2 * max(gaps, default=1)
