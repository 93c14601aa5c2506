import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from starlette.testclient import TestClient

from {{ cookiecutter.__package_name }} import model

EXAMPLE = Path(__file__).with_name("example-request.json")


@pytest.fixture(scope="module")
def service(project: Path) -> Any:
    return importlib.import_module("{{ cookiecutter.__package_name }}.service")


@pytest.fixture(scope="module")
def client(service: Any) -> Iterator[TestClient]:
    with TestClient(service.Service.to_asgi(), raise_server_exceptions=False) as client:
        yield client


def test_the_example_request_is_answered_with_the_offline_prediction(client: TestClient, project: Path) -> None:
    request = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    answer = client.post("/predict", json=request)
    assert answer.status_code == 200, answer.text
    fitted = model.load(project / "run/model")
    rows = pd.DataFrame(request["rows"]).reindex(columns=fitted.features.raw)
    for name in fitted.features.dates:
        rows[name] = pd.to_datetime(rows[name])
    predicted, _ = fitted.predict(rows)
    expected = predicted.tolist()
    assert answer.json()["predictions"] == (pytest.approx(expected) if fitted.task == "regression" else expected)


@pytest.mark.parametrize("body", [{"rows": []}, {}, {"rows": [{"no such column": 1}]}, {"rows": "text"}, []])
def test_a_request_that_breaks_the_contract_is_refused(client: TestClient, body: Any) -> None:
    assert client.post("/predict", json=body).status_code == 400


def test_a_field_too_many_is_named(client: TestClient) -> None:
    row = json.loads(EXAMPLE.read_text(encoding="utf-8"))["rows"][0] | {"no such column": 1}
    answer = client.post("/predict", json={"rows": [row]})
    assert answer.status_code == 400
    assert "no such column" in answer.text


def test_readiness(client: TestClient) -> None:
    assert client.get("/readyz").status_code == 200
