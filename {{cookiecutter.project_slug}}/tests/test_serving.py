"""What stands around the predictions: routes, ids, limits, metrics, the log, labels that come later."""

import dataclasses
import json
import re
import time
from collections import Counter as Tally
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from {{ cookiecutter.__package_name }} import artifact
from {{ cookiecutter.__package_name }}.contract import Column, Contract
from {{ cookiecutter.__package_name }}.serving import fields, log, metrics, request

EXAMPLE = json.loads(Path(__file__).with_name("example-request.json").read_text(encoding="utf-8"))
JSON = {"Content-Type": "application/json"}


def lines(file: Path, request_id: str) -> list[dict[str, Any]]:
    """The lines of a log that hold a request id, as soon as one is written."""
    for _ in range(100):
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        if found := [line for line in text.splitlines() if request_id in line]:
            return [json.loads(line) for line in found]
        time.sleep(0.05)
    raise AssertionError(f"{request_id} is not in {file}")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_health(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_the_model_is_told(client: TestClient, project: Path) -> None:
    run = json.loads((project / "run/run.json").read_text(encoding="utf-8"))
    told = client.get("/model").json()
    assert told["model"]["digest"] == artifact.digest(project / "run/model")
    assert told["model"]["format"] in ("onnx", "skops")
    assert told["model"]["why"]
    assert {key: run[key] for key in ("commit", "contract_digest", "metrics")} == {
        key: told[key] for key in ("commit", "contract_digest", "metrics")
    }


def test_a_request_id_is_given_back_and_a_strange_one_is_replaced(client: TestClient) -> None:
    assert client.get("/model", headers={"X-Request-ID": "order-17:3"}).headers["x-request-id"] == "order-17:3"
    for strange in ("", "a b", "x" * 200, "<script>"):
        given = client.get("/model", headers={"X-Request-ID": strange}).headers["x-request-id"]
        assert len(given) == 32
        assert given != strange


def test_a_prediction_is_logged_with_its_request_id_in_utc_without_personal_data(
    client: TestClient, project: Path, contract: Contract
) -> None:
    answered = client.post("/predict", json=EXAMPLE, headers={"X-Request-ID": "logged-1"}).json()
    (line,) = lines(project / "logs/predictions-1.jsonl", "logged-1")
    assert line["predictions"] == answered["predictions"]
    assert line["model"] == artifact.digest(project / "run/model")
    assert datetime.fromisoformat(line["time"]).utcoffset() == timedelta(0)
    private = {column.name for column in contract.columns if column.restricted}
    read = {column.name for column in contract.having("feature")}  # a forbidden column may be sent, and is not kept
    assert line["columns"].keys() == (EXAMPLE["rows"][0].keys() & read) - private


def test_the_log_keeps_its_size_and_whole_lines(tmp_path: Path) -> None:
    file = log.File(tmp_path / "deep/predictions-1.jsonl", 4000)
    for number in range(500):
        file.append(b'{"line": %d}\n' % number)
    file.close()
    kept = sorted((tmp_path / "deep").iterdir(), key=lambda path: path.name, reverse=True)
    assert [path.name for path in kept] == [f"predictions-1.jsonl{end}" for end in (".3", ".2", ".1", "")]
    assert sum(path.stat().st_size for path in kept) <= 4000
    numbers = [json.loads(line)["line"] for path in kept for line in path.read_text(encoding="utf-8").splitlines()]
    assert numbers == list(range(numbers[0], 500))
    assert len(numbers) > 200


def test_what_the_queue_cannot_hold_is_dropped_and_counted(tmp_path: Path) -> None:
    writer = log.Writer(lambda: None)
    before = metrics.DROPPED.labels("queue full")._value.get()
    taken = [writer.put(b"%d\n" % number, 1000) for number in range(60)]
    assert taken == [True] * 51 + [False] * 9
    assert metrics.DROPPED.labels("queue full")._value.get() == before + 9
    writer.start(log.File(tmp_path / "log.jsonl", 10**9))
    writer.stop()
    assert len((tmp_path / "log.jsonl").read_bytes().splitlines()) == 51


def test_values_are_counted_while_a_slow_disk_keeps_lines_waiting() -> None:
    waiting: list[int] = []
    writer = log.Writer(lambda: waiting.append(len(writer._queue)))
    for _ in range(3):
        writer.put(b"x" * log.PIECE, 1)
    writer._drain()
    assert waiting[:3] == [2, 1, 0]


def test_labels_are_written_beside_the_log(client: TestClient, project: Path, contract: Contract) -> None:
    label = 1.5 if contract.task == "regression" else contract.target.allowed[0]
    labels = [{"request_id": "logged-1", "row": 0, "label": label}]
    answered = client.post("/feedback", json={"labels": labels})
    assert (answered.status_code, answered.json()) == (200, {"accepted": 1}), answered.text
    assert lines(project / "logs/feedback-1.jsonl", "logged-1")[0]["labels"] == labels
    for field, value in (("request_id", "a b"), ("row", -1), ("row", 0.5), ("label", "no class"), ("more", 1)):
        wrong = {field: value}
        assert client.post("/feedback", json={"labels": [labels[0] | wrong]}).status_code == 400


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (JSON, b"", 400),
        (JSON, b"{", 400),
        (JSON, b"\xff", 400),
        (JSON, b"[" * 100_000, 400),
        (JSON, b'{"rows":' + b"[" * 100_000, 400),
        (JSON, b'{"rows": [' + b"{}," * 1000 + b"{}]}", 400),
        (JSON, b" " * 20_000_000, 413),
        ({}, b"{}", 415),
        ({"Content-Type": "text/plain"}, b"{}", 415),
        (JSON | {"Content-Encoding": "gzip"}, b"{}", 415),
    ],
    ids=["empty", "cut", "no text", "deep", "deep in rows", "too many rows", "20 MB", "no type", "text", "gzip"],
)
def test_a_hostile_body_is_refused(client: TestClient, headers: dict[str, str], body: bytes, status: int) -> None:
    answered = client.post("/predict", content=body, headers=headers)
    assert answered.status_code == status, answered.text
    assert answered.json()["error"]


def test_nothing_that_came_is_given_back_as_markup(client: TestClient) -> None:
    row = dict.fromkeys(EXAMPLE["rows"][0], "<script>alert(1)</script>&") | {"<b>": 1}
    answered = client.post("/predict", json={"rows": [row]})
    assert answered.status_code == 400
    assert not {*"<>&"} & {*answered.text}
    assert answered.headers["content-type"] == "application/json"
    assert answered.headers["x-content-type-options"] == "nosniff"


def test_an_unknown_path_or_method_is_refused_and_counted_as_one(client: TestClient) -> None:
    for number in range(30):
        assert client.get(f"/no-such-path-{number}").status_code == 404
    assert client.get("/predict").status_code == 405
    assert client.post("/model").headers["allow"] == "GET"
    text = client.get("/metrics").text
    assert "no-such-path" not in text
    assert 'model_requests_total{route="(other)",status="404"}' in text


def test_metrics_tell_requests_rows_violations_scores_and_values(client: TestClient) -> None:
    client.post("/predict", json=EXAMPLE)
    client.post("/predict", json={"rows": [{"no such field": 1}]})
    names = ("requests", "rows", "violations", "scores", "feature_values", "log_lines")
    for _ in range(100):  # values and scores are counted in the background
        text = client.get("/metrics").text
        if all(f"\nmodel_{name}_total" in text for name in names):
            break
        time.sleep(0.1)
    assert [name for name in names if f"\nmodel_{name}_total" not in text] == []
    assert "\nmodel_request_seconds_bucket" in text
    assert "\nmodel_info{" in text


def test_values_are_counted_once_a_second_as_a_request_may_wait_for_it_and_at_once_where_they_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = Column("n", "n", "number", frozenset({"feature"}), False, False, False, (), {}, {})
    target = dataclasses.replace(number, name="y", roles=frozenset({"target"}))
    table = Contract("x", "x", "regression", (), (number, target), {})
    drift, now, found = metrics.Drift(table, ["n"], {"columns": {"n": {"edges": [0.0, 10.0]}}}), [60.0], Tally[str]()
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(metrics, "_add", lambda counter, counts, *labels: labels and found.update(counts))

    def counted(*values: float | None) -> list[int]:
        array = np.array(values, float)
        drift.put({"n": array}, array, array)
        drift.count()
        return [found[name] for name in ("-Inf to 0", "0 to 10", "10 to +Inf", metrics.MISSING)]

    assert counted(-1.0, 0, 9, 10.0, None) == [1, 2, 1, 1]
    assert counted(1.0) == [1, 2, 1, 1]
    assert counted(*range(2, 2001)) == [1, 2, 1, 1]  # there is room for no more
    assert counted(1.0) == [1, 2 + 9, 1 + 1991, 1]
    now[0] += metrics.EVERY
    assert counted() == [1, 2 + 10, 1 + 1991, 1]
    now[0] += metrics.EVERY
    assert counted(*[5.0] * 5000) == [1, 2 + 10 + 5000, 1 + 1991, 1]


def test_each_bin_has_a_name_of_its_own_however_close_they_are(contract: Contract) -> None:
    days = dataclasses.replace(contract.target, type="integer", more={})
    bins = metrics.Bins(days, {"edges": [20190101.0, 20190111.0, 20190121.0, 20190130.0]})
    counts = bins.count(np.arange(20190101.0, 20190131.0))
    assert [counts[name] for name in bins.names] == [0, 10, 10, 9, 1]


def test_an_integer_may_have_limits_with_a_fraction(contract: Contract) -> None:
    whole = dataclasses.replace(contract.target, name="n", type="integer", bounds={"minimum": 0.5, "maximum": 2.5})
    (field,) = fields.fields(dataclasses.replace(contract, columns=(whole,)), ["n"])
    for value, good in ((0, False), (1, True), (2, True), (3, False)):
        for read in (field.whole, lambda values: [*map(field.read, values)]):
            try:
                assert (read([value]) == [value]) == good
            except ValueError:
                assert not good


ODD: list[Any] = [None, True, 0, -1, 1.5, 2**53 + 1, 10**400, -1e300, float("nan"), float("inf"), [], {}]
ODD += ["", " ", "NA", "1", " 1\t", "1e400", "True", "yes", "2024-01-31", "x" * 3000, "none of these"]


def test_all_rows_at_once_are_read_as_value_by_value(contract: Contract) -> None:
    features = [column.name for column in contract.having("feature")]
    reader = request.Reader(contract, features, 1000)

    def found(read: Any, rows: list[Any]) -> Any:
        try:
            return read(json.dumps({"rows": rows}).encode())
        except request.Refused as refused:
            return refused.sentence, refused.violations, refused.fields

    row = EXAMPLE["rows"][0]
    for name in [*row, "no such column"]:
        left_out = {key: row[key] for key in row.keys() - {name}}
        for value in ODD:
            for rows in ([row, row | {name: value}], [{name: value} | row, row], [row, left_out], [left_out, value]):
                assert found(reader.read, rows) == found(reader._read_by_value, rows), (name, value)


def test_the_description_shows_an_example_that_works(client: TestClient) -> None:
    described = client.get("/docs.json").json()
    example = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert client.post("/predict", json=example).status_code == 200
    named = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(described["paths"]))
    assert {"Rows", "Labels", "Error"} <= {*named} <= described["components"]["schemas"].keys()
    told = described["paths"]["/predict"]["post"]["responses"]
    assert {"200", "400", "401", "408", "413", "415", "503"} <= told.keys()
