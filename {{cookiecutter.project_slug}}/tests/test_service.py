"""The service answers as batch prediction does, and refuses what training would refuse."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

from {{ cookiecutter.__package_name }} import data, model, moments
from {{ cookiecutter.__package_name }}.contract import Column, Contract

EXAMPLE = Path(__file__).with_name("example-request.json")
MOST_ROWS = 300
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def fitted(project: Path) -> model.Model:
    return model.load(project / "run/model")


@pytest.fixture(scope="module")
def rows(project: Path, fitted: model.Model) -> list[dict[str, Any]]:
    """Rows of the table's evaluation part, every value as the text that stands in the file."""
    return pd.read_parquet(project / "run/evaluation.parquet")[fitted.features.raw][:MOST_ROWS].to_dict("records")


@pytest.fixture(scope="module")
def spellings(contract: Contract) -> Callable[[Column], set[str]]:
    return lambda column: {*contract.more["missingValues"], *column.more.get("missingValues", [])}


@pytest.fixture(scope="module")
def having(contract: Contract, fitted: model.Model, rows: list[dict[str, Any]], spellings: Any) -> Any:
    """A feature of one of the types, with a row in which it has a value; the test is skipped without one."""

    def find(*types: str, wanted: Callable[[Column], Any] = lambda column: True) -> tuple[Column, dict[str, Any]]:
        for column in contract.columns:
            if column.name in fitted.features.raw and column.type in types and wanted(column):
                for row in rows:
                    if row[column.name].strip() not in spellings(column):
                        return column, row
        pytest.skip(f"this table has no feature of type {' or '.join(types)} that this test is about")

    return find


def post(client: TestClient, rows: Any) -> Any:
    return client.post("/predict", content=json.dumps({"rows": rows}), headers=JSON)


def answer(client: TestClient, rows: Any) -> Any:
    answered = post(client, rows)
    assert answered.status_code == 200, answered.text
    return answered.json()


def refused(client: TestClient, row: dict[str, Any], column: Column, value: Any) -> str:
    answered = post(client, [row | {column.name: value}])
    assert answered.status_code == 400, f"{column.name}: {value!r}: {answered.text}"
    (violation,) = answered.json()["violations"]
    assert (violation["row"], violation["field"]) == (0, column.name)
    assert violation["allowed"]
    return violation["came"]


def test_the_example_request_is_answered(client: TestClient, fitted: model.Model) -> None:
    (predicted,) = answer(client, json.loads(EXAMPLE.read_text(encoding="utf-8"))["rows"])["predictions"]
    assert predicted in fitted.classes or isinstance(predicted, float)


def test_the_table_s_own_text_is_answered_as_batch_prediction_does(
    client: TestClient, fitted: model.Model, rows: list[dict[str, Any]], project: Path
) -> None:
    batch = pd.read_parquet(project / "run/predictions.parquet").query("scenario == 'test'")[: len(rows)]
    answered = answer(client, rows)
    if fitted.task == "regression":
        assert answered["predictions"] == pytest.approx(batch["y_pred"].tolist(), rel=1e-5, abs=1e-5)
        return
    assert answered["predictions"] == batch["y_pred"].tolist()
    for label in [fitted.positive_class] if fitted.task == "binary" else fitted.classes:
        column = "score" if fitted.task == "binary" else f"score_{label}"
        np.testing.assert_allclose(answered["probabilities"][label], batch[column], atol=1e-5)


def faulty(rows: list[dict[str, Any]], contract: Contract) -> list[dict[str, Any]]:
    """Rows as JSON types, with gaps, unseen levels, whole numbers for floats, unused fields, in another order."""
    made = []
    for number, row in enumerate(rows[:24]):
        for place, column in enumerate(column for column in contract.columns if column.name in row):
            text = row[column.name].strip()
            spelt = text.replace(",", ".") if contract.more["decimal"] == "," else text
            missing = text in {*contract.more["missingValues"], *column.more.get("missingValues", [])}
            if (missing or number % 7 == place % 7) and not column.required:
                row = row | {column.name: None}
            elif column.type == "string" and not column.allowed and number % 5 == place % 5:
                row = row | {column.name: "never seen"[: column.bounds.get("maxLength")]}
            elif column.type == "number" and float(spelt).is_integer():
                row = row | {column.name: int(float(spelt))}
            elif column.type in ("integer", "number"):
                row = row | {column.name: float(spelt)}
            elif column.type == "boolean":
                row = row | {column.name: text in column.more["trueValues"]}
        unused = [column.name for column in contract.columns if column.name not in row]
        made.append(dict.fromkeys(unused, "not used") | dict(reversed(row.items())))
    return made


def test_a_row_alone_is_answered_as_in_a_batch_and_as_the_trained_model_does(
    client: TestClient, fitted: model.Model, contract: Contract, rows: list[dict[str, Any]]
) -> None:
    faults = faulty(rows, contract)
    batch = answer(client, faults)
    typed = pd.DataFrame(faults)[fitted.features.raw]
    for column in contract.columns:
        if column.name in fitted.features.dates:
            texts, forms = typed[column.name], tuple(column.more["dateFormats"])
            typed[column.name] = [None if pd.isna(text) else moments.read(text.strip(), forms) for text in texts]
    offline, probabilities = fitted.predict(typed)
    near = (lambda value: pytest.approx(value, rel=1e-5)) if fitted.task == "regression" else (lambda value: value)
    for number, row in enumerate(faults):
        alone = answer(client, [row])
        assert alone["predictions"] == [near(batch["predictions"][number])] == [near(offline[number])]
        for place, label in enumerate(fitted.classes):
            assert alone["probabilities"][label] == [pytest.approx(batch["probabilities"][label][number], abs=1e-6)]
            assert alone["probabilities"][label] == [pytest.approx(probabilities[number, place], abs=1e-5)]


def test_white_space_around_a_value_changes_nothing(client: TestClient, rows: list[dict[str, Any]]) -> None:
    padded = [{name: f" {value}\t" for name, value in row.items()} for row in rows]
    assert answer(client, padded) == answer(client, rows)


def test_every_missing_spelling_of_an_optional_column_is_read_as_null(
    client: TestClient, having: Any, spellings: Any
) -> None:
    column, row = having("string", "integer", "number", "boolean", "date", "timestamp", wanted=lambda c: not c.required)
    ways = [None, *spellings(column), *(f" {text} " for text in spellings(column))]
    answers = [answer(client, [row | {column.name: text}]) for text in ways]
    left_out = {name: value for name, value in row.items() if name != column.name}
    assert all(other == answer(client, [left_out]) for other in answers)


@pytest.mark.parametrize("kind", ["string", "integer", "number", "boolean", "date", "timestamp"])
def test_a_missing_spelling_of_a_required_column_is_refused(
    client: TestClient, having: Any, spellings: Any, kind: str
) -> None:
    column, row = having(kind, wanted=lambda c: c.required)
    for text in [None, *spellings(column)]:
        refused(client, row, column, text)


@pytest.mark.parametrize("kind", ["integer", "number"])
@pytest.mark.parametrize(
    "value",
    [10**400, 10**39, -1e39, "1e39", float("inf"), float("nan"), "1_0", "ten", True, [], pytest.param({}, id="object")],
)
def test_what_is_no_finite_number_is_refused(client: TestClient, having: Any, kind: str, value: Any) -> None:
    column, row = having(kind)
    refused(client, row, column, value)


def test_a_number_too_large_for_a_float_is_refused(client: TestClient, having: Any) -> None:
    column, row = having("integer", "number")
    body = json.dumps({"rows": [row | {column.name: "huge"}]}).replace('"huge"', "1e400")
    assert client.post("/predict", content=body, headers=JSON).status_code == 400


def test_an_integer_may_be_written_with_a_point_but_not_with_a_fraction(
    client: TestClient, having: Any, contract: Contract
) -> None:
    column, row = having("integer")
    whole = float(row[column.name].replace(",", ".") if contract.more["decimal"] == "," else row[column.name])
    assert answer(client, [row | {column.name: whole}]) == answer(client, [row])
    refused(client, row, column, whole + 0.5)


@pytest.mark.parametrize(("side", "step"), [("minimum", -1), ("maximum", 1)])
@pytest.mark.parametrize("kind", ["integer", "number", "date", "timestamp"])
def test_a_value_beyond_a_limit_is_refused(client: TestClient, having: Any, kind: str, side: str, step: int) -> None:
    column, row = having(kind, wanted=lambda c: side in c.bounds)
    limit = column.bounds[side]
    if kind in ("date", "timestamp"):
        beyond: Any = (datetime.fromisoformat(str(limit)) + timedelta(days=step)).isoformat()
        beyond = beyond[:10] if kind == "date" else beyond
    else:
        beyond = limit + step
    refused(client, row, column, beyond)


def test_booleans_are_true_false_and_the_contract_s_spellings(client: TestClient, having: Any) -> None:
    column, row = having("boolean")
    for meant in (True, False):
        for text in column.more[f"{meant}Values".lower().replace("v", "V")]:
            assert answer(client, [row | {column.name: text}]) == answer(client, [row | {column.name: meant}])
    refused(client, row, column, "perhaps")


@pytest.mark.parametrize("kind", ["date", "timestamp"])
def test_a_date_is_text_in_a_known_form_never_an_epoch(client: TestClient, having: Any, kind: str) -> None:
    column, row = having(kind)
    for value in (20240131, 1.7e9, "1700000000", "soon", True, []):
        refused(client, row, column, value)


@pytest.mark.parametrize("kind", ["date", "timestamp"])
def test_a_date_in_iso_form_means_the_same_to_the_service_and_to_batch_prediction(
    client: TestClient, having: Any, contract: Contract, kind: str
) -> None:
    column, row = having(kind)
    spelt = row[column.name].strip()
    other = moments.read(spelt, tuple(column.more["dateFormats"])).isoformat()
    assert answer(client, [row | {column.name: other}]) == answer(client, [row])
    raw = pd.DataFrame({column.name: [spelt, other, "2024-13-01T"]}, dtype="str")
    typed, unreadable = data.parse(raw, contract, Path("table.csv"), [column.name])
    assert typed[column.name].iloc[0] == typed[column.name].iloc[1]
    assert unreadable["row"].tolist() == [2]


def test_a_time_with_an_offset_is_read_as_utc(client: TestClient, having: Any) -> None:
    column, row = having("timestamp")
    moment = moments.read(row[column.name].strip(), tuple(column.more["dateFormats"]))
    shifted = (moment + timedelta(hours=2)).isoformat() + "+02:00"
    assert answer(client, [row | {column.name: shifted}]) == answer(client, [row])


def test_a_value_that_is_not_listed_is_refused(client: TestClient, having: Any) -> None:
    column, row = having("string", wanted=lambda c: c.allowed)
    refused(client, row, column, "no such value")


def test_text_longer_than_the_contract_says_is_refused(client: TestClient, having: Any) -> None:
    column, row = having("string", wanted=lambda c: "maxLength" in c.bounds and not c.allowed)
    most = column.bounds["maxLength"]
    answer(client, [row | {column.name: " " + "x" * most}])
    refused(client, row, column, "x" * (most + 1))


@pytest.mark.parametrize("body", [{"rows": []}, {}, {"rows": [{"no such column": 1}]}, {"rows": "text"}, []])
def test_a_request_that_breaks_the_contract_is_refused(client: TestClient, body: Any) -> None:
    assert client.post("/predict", json=body).status_code == 400


def test_a_field_too_many_is_named(client: TestClient, rows: list[dict[str, Any]]) -> None:
    for body in ({"rows": [rows[0] | {"no such column": 1}]}, {"rows": rows[:1], "no such column": 1}):
        answered = client.post("/predict", json=body)
        assert answered.status_code == 400
        assert "no such column" in answered.text


def test_the_api_s_description_shows_types_limits_and_allowed_values(
    client: TestClient, contract: Contract, fitted: model.Model
) -> None:
    schema = client.get("/docs.json").json()["components"]["schemas"]
    described = schema["Row"]["properties"]
    types = {"integer": "integer", "number": "number", "boolean": "boolean"}
    for column in contract.columns:
        if column.name in fitted.features.raw:
            shown = described[column.name]
            shown = shown if column.required else shown["anyOf"][0]
            allowed = shown.get("enum") or ([shown["const"]] if "const" in shown else None)
            assert shown["type"] == types.get(column.type, "string")
            assert (column.name in schema["Row"].get("required", [])) == column.required
            if column.type in ("integer", "number"):
                limits = {"minimum": shown.get("minimum"), "maximum": shown.get("maximum")}
                assert limits == {side: column.bounds.get(side) for side in limits}
            if column.type == "string" and column.allowed:
                assert allowed == list(column.allowed)
