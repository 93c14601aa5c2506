"""The generated service over HTTP, really started: both flavours, limits, the log, its end, what it does not serve."""

import concurrent.futures
import contextlib
import http.client
import json
import math
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from bake import bake
from project import must, result
from server import JSON, Server, free_port, serving, start

from model_review.cli import main

pytestmark = pytest.mark.xdist_group("served")  # one process makes what they share

SECRET = "a rejected value that is personal"  # pragma: allowlist secret
REFUSE_EXPORT = "from churn import ROOT, export, train; export.TOLERANCE = -1.0; train.train(ROOT / 'run-skops')"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo on 900 rows with a personal column, trained to both flavours."""
    made = bake(tmp_path_factory.mktemp("served"))
    table = made / "data/customers.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:700] + lines[-200:]), encoding="utf-8")
    contract = (made / "contract.yaml").read_text(encoding="utf-8")
    marked = contract.replace("      - name: gender\n", "      - name: gender\n        classification: restricted\n")
    assert marked != contract
    (made / "contract.yaml").write_text(marked, encoding="utf-8")
    must(made, "python", "-c", "from churn import ROOT, train; train.train(ROOT / 'run')")
    must(made, "python", "-c", REFUSE_EXPORT)
    return made


@pytest.fixture(scope="module")
def onnx(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(project, tmp_path_factory.mktemp("onnx")) as server:
        yield server


@pytest.fixture(scope="module")
def row(project: Path) -> dict[str, Any]:
    request = json.loads((project / "tests/example-request.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = request["rows"][0]
    return found


def test_training_says_which_format_is_served_and_why(project: Path) -> None:
    accepted, refused = result(project)["model"], result(project, "run-skops")["model"]
    assert accepted["format"] == "onnx"
    assert "no label differs" in accepted["why"]
    assert refused["format"] == "skops"
    assert "ONNX export refused: on 200 evaluation rows it is off by up to" in refused["why"]
    assert not list((project / "run-skops/model").glob("*onnx*"))


def test_serving_onnx_imports_neither_pandas_nor_scikit_learn_nor_mlflow(project: Path) -> None:
    heavy = ["pandas", "sklearn", "scipy", "skops", "mlflow", "pyarrow", "pandera", "skl2onnx", "onnx"]
    code = f"import sys, churn.service; print(sorted(set({heavy}) & sys.modules.keys()))"
    assert must(project, "python", "-c", code).stdout.strip() == "[]"


EXAMPLES = """
import json, sys
from pathlib import Path
from churn import ROOT, artifact, export, settings
from churn.rows import load

contract, params = settings.load(ROOT)
testing = load(ROOT / contract.path, contract, params["split"]).part("evaluation")
for value in ("female", "male"):  # whatever stands in the table
    testing.typed["gender"] = testing.raw["gender"] = value
    export.write_example(Path(sys.argv[1]), testing, artifact.facts(ROOT / "run/model")["features"].raw)
    print(json.dumps(json.loads(Path(sys.argv[1], "example.json").read_text(encoding="utf-8"))))
"""


def test_the_example_is_an_evaluation_row_and_tells_nothing_of_a_restricted_column(
    project: Path, tmp_path: Path
) -> None:
    example = json.loads((project / "run/model/example.json").read_text(encoding="utf-8"))
    numbers = {name: value for name, value in example.items() if type(value) in (int, float)}
    texts = {name: value for name, value in example.items() if isinstance(value, str) and name != "gender"}
    assert len(numbers) > 2
    assert len(texts) > 1
    rows = pd.read_parquet(project / "run/evaluation.parquet")
    same = (rows[[*texts]] == pd.Series(texts)).all(axis=1)
    same &= (rows[[*numbers]].apply(pd.to_numeric, errors="coerce") == pd.Series(numbers)).all(axis=1)
    assert same.sum() == 1
    first, second = must(project, "python", "-c", EXAMPLES, str(tmp_path)).stdout.splitlines()
    assert json.loads(first) == json.loads(second) == example


def test_serving_with_scikit_learn_needs_no_library_that_its_image_lacks(project: Path) -> None:
    absent = ["mlflow", "pyarrow", "pandera", "skl2onnx", "onnx", "matplotlib", "jsonschema", "tqdm", "ruamel"]
    code = f"import sys; sys.modules.update(dict.fromkeys({absent})); import churn.service; print('served')"
    done = must(project, "python", "-c", code, MODEL_FOLDER=str(project / "run-skops/model"))
    assert done.stdout.strip() == "served"


THREADS = """
import os, sys
os.environ.pop("OMP_NUM_THREADS")
if sys.argv[1]:
    os.environ["OMP_NUM_THREADS"] = sys.argv[1]
import churn.service, threadpoolctl
print(*{library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "openmp"})
"""


@pytest.mark.parametrize(("told", "threads"), [("", 1), ("3", 3)])
def test_serving_with_scikit_learn_takes_one_core_unless_told_otherwise(project: Path, told: str, threads: int) -> None:
    done = must(project, "python", "-c", THREADS, told, MODEL_FOLDER=str(project / "run-skops/model"))
    assert int(done.stdout) == threads


QUANTISE = """
import sys, onnx
from onnxruntime.quantization import quantize_dynamic
source, target = sys.argv[1:]
quantize_dynamic(source, target)
print(*(sorted(node.op_type for node in onnx.load(file).graph.node) for file in (source, target)), sep=chr(10))
"""


def test_there_is_nothing_to_quantise_as_the_readme_says(project: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(project, tmp_path / "copy", ignore=shutil.ignore_patterns("run", "run-skops", "logs")))
    params = (copy / "params.yaml").read_text(encoding="utf-8")
    linear = params.replace("estimator: hist_gradient_boosting", "estimator: linear")
    assert linear != params
    (copy / "params.yaml").write_text(linear, encoding="utf-8")
    must(copy, "python", "-c", "from churn import ROOT, train; train.train(ROOT / 'run')")
    for folder in (project, copy):
        model = result(folder)["model"]
        assert model["format"] == "onnx", model["why"]
        files = [str(folder / "run/model/model.onnx"), str(tmp_path / "small.onnx")]
        before, after = must(copy, "python", "-c", QUANTISE, *files).stdout.splitlines()
        assert before == after
        assert "MatMul" not in before


@pytest.mark.parametrize("name", ["run", "run-skops"])
def test_the_probe_finds_nothing_wrong(
    project: Path, onnx: Server, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def probe(server: Server) -> None:
        where = ["--url", f"http://127.0.0.1:{server.port}", "--run", str(project / name), "--out"]
        code = main(["probe", *where, str(tmp_path / "probe.json"), "--seconds", "0.2"])
        assert code == 0, capsys.readouterr().out
        told = json.loads(server.ask("GET", "/model")[2])["model"]
        assert told == result(project, name)["model"]

    if name == "run":
        probe(onnx)
    else:
        with serving(project, tmp_path, MODEL_FOLDER=str(project / name / "model")) as server:
            probe(server)


def test_the_lines_of_the_readme_work(project: Path, onnx: Server) -> None:
    if shutil.which("curl") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("not run here: curl (apt install curl)")
    readme = (project / "README.md").read_text(encoding="utf-8")
    (block,) = [text for text in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "/predict" in text]
    lines = block.replace("http://localhost:3000", f"http://127.0.0.1:{onnx.port}")
    lines = lines.replace("logs/", f"{onnx.output.parent}/logs/").replace("tail ", "sleep 1; tail ")
    done = subprocess.run(["bash", "-euc", lines], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith('{"predictions":["')
    assert "model_requests_total" in done.stdout
    assert done.stdout.count('"probabilities"') == 2  # the answer, and its line in the log


def test_what_breaks_the_contract_is_listed_and_personal_values_reach_no_log(onnx: Server, row: dict[str, Any]) -> None:
    wrong = row | {"gender": SECRET, "age": -1, "plan": "<b>"}
    status, answer = onnx.predict([row, wrong], X_Request_ID="personal-1")
    assert status == 400
    found = {entry["field"]: entry for entry in answer["violations"]}
    assert {entry["row"] for entry in answer["violations"]} == {1}
    assert (found["age"]["came"], found["age"]["allowed"]) == ("-1", "a whole number, at least 0, at most 143")
    assert found["plan"]["came"] == '"<b>"'
    assert found["gender"]["came"] == "(not shown)"
    onnx.ask("POST", "/feedback", {"labels": [{"request_id": "personal-1", "row": 0, "label": SECRET}]})
    time.sleep(0.5)
    kept = [path.read_text(encoding="utf-8") for path in (onnx.output, *(onnx.output.parent / "logs").glob("*"))]
    assert not [text for text in kept if SECRET in text]
    assert "Traceback" not in onnx.output.read_text()


def raw(server: Server, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send bytes as they are; what comes back until the server closes or is silent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        found = b""
        with contextlib.suppress(ConnectionError):  # refused in the middle: the answer is there all the same
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in found and (more := connection.recv(65536)):
                found += more
        return found


def test_a_body_without_end_is_refused_as_soon_as_it_is_too_long(onnx: Server, row: dict[str, Any]) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    declared = raw(onnx, head + b"Content-Length: 20000000\r\n\r\n")
    assert declared.startswith(b"HTTP/1.1 413 ")
    chunk = b"%x\r\n%s\r\n" % (1_000_000, b" " * 1_000_000)
    endless = raw(onnx, head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 11)
    assert endless.startswith(b"HTTP/1.1 413 ")
    for odd in (b"Content-Length: -1", b"Content-Length: 9" + b"9" * 30, b"Content-Length: x"):
        assert raw(onnx, head + odd + b"\r\n\r\n")[:10] == b"HTTP/1.1 4"
    assert onnx.predict([row])[0] == 200


HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9900000\r\n\r\n"


def test_bodies_that_come_together_are_held_up_to_a_bound_and_then_refused(
    project: Path, tmp_path: Path, row: dict[str, Any]
) -> None:
    refused: list[bytes] = []
    with serving(project, tmp_path, SERVICE_TIMEOUT_SECONDS="120") as server:  # what is held stays held
        assert server.predict([row])[0] == 200
        before = memory(server.process.pid)
        callers = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(12)]
        for caller in callers:
            caller.sendall(HEAD)
            with contextlib.suppress(ConnectionError):  # of one that is refused
                caller.sendall(b" " * 9_000_000)  # never to the end
        waiting = [*callers]
        while ready := select.select(waiting, [], [], 30 if len(refused) < 8 else 1)[0]:
            waiting = [caller for caller in waiting if caller not in ready]
            refused += [caller.recv(65536) for caller in ready]
        held = memory(server.process.pid) - before
        for caller in callers:
            caller.close()
        assert len(refused) == 8
        assert {answer[:12] for answer in refused} == {b"HTTP/1.1 503"}
        assert b"retry-after: 1\r\n" in refused[0]
        assert held < 60_000  # kB; the callers sent 108 MB
        assert server.predict([row])[0] == 200


def test_what_is_not_listed_of_a_body_s_violations_costs_little(onnx: Server) -> None:
    body = b'{"rows": [{%s}]}' % b",".join(b'"%05x":0' % number for number in range(900_000))
    counted = onnx.metric('model_violations_total{field="(other)"}')
    before = memory(onnx.process.pid)
    Path(f"/proc/{onnx.process.pid}/clear_refs").write_text("5", encoding="utf-8")  # the peak begins anew
    status, _, answer = onnx.ask("POST", "/predict", body)
    assert status == 400
    assert len(json.loads(answer)["violations"]) == 100
    assert onnx.metric('model_violations_total{field="(other)"}') == counted + 900_000
    status_file = Path(f"/proc/{onnx.process.pid}/status").read_text(encoding="utf-8")
    (peak,) = re.findall(r"^VmHWM:\s+(\d+) kB", status_file, re.MULTILINE)
    assert int(peak) - before < 300_000  # kB; with an entry for each it is half as much again


def test_a_number_that_32_bits_do_not_hold_is_refused_and_no_answer_holds_one(tmp_path: Path) -> None:
    lines = ["length,width,weight", *(f"{n % 97 / 1000},{n % 7},{n % 97 * 3 + n * n % 151}" for n in range(400))]
    (tmp_path / "beams.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "out").mkdir()
    made = bake(tmp_path / "out", f"dataset={tmp_path / 'beams.csv'}", "target=weight", "task=regression")
    for file, old, new in (
        ("params.yaml", "estimator: hist_gradient_boosting", "estimator: linear"),
        ("contract.yaml", r"(name: length\n(?: {8}.*\n)*? {8}logicalTypeOptions: {minimum: 0), maximum: [^}]*", r"\1"),
    ):
        text = (made / file).read_text(encoding="utf-8")
        changed = re.sub(old, new, text)
        assert changed != text
        (made / file).write_text(changed, encoding="utf-8")
    must(made, "train")
    assert result(made)["model"]["format"] == "onnx", result(made)["model"]["why"]
    with serving(made, tmp_path / "served") as server:
        assert server.predict([{"length": 0.02, "width": 3}])[0] == 200
        status, answer = server.predict([{"length": 1e39, "width": 3}])
        assert (status, answer["violations"][0]["field"]) == (400, "length")
        status, answer = server.predict([{"length": 3e38, "width": 3}])
        assert status == 400
        assert answer["error"].startswith("the model makes no number of these values")
    (tmp_path / "new.csv").write_text("length,width\n0.02,3\n1e39,3\n", encoding="utf-8")
    must(made, "predict", "--input", str(tmp_path / "new.csv"), "--output", str(tmp_path / "answers.csv"))
    assert len((tmp_path / "answers.csv").read_text(encoding="utf-8").splitlines()) == 2
    assert "1e+39" in (tmp_path / "answers.rejects.csv").read_text(encoding="utf-8")


def test_the_prometheus_page_is_valid_and_does_not_grow_with_what_callers_invent(onnx: Server) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("not run here: promtool (apt install prometheus)")
    for number in range(50):
        onnx.ask("GET", f"/{number}")
        onnx.ask(f"METHOD{number}", "/predict", X_Request_ID=f"invented-{number}")
        onnx.ask("POST", "/predict", {"rows": [{f"field {number}": number}]})
    text = onnx.ask("GET", "/metrics")[2]
    assert not re.search(rb"METHOD|invented|field \d", text)
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


COUNTED = """
import json, sys
import numpy as np
from churn import ROOT
from churn.contract import load_contract
from churn.serving import metrics, request, settings

names, rows = json.load(sys.stdin)
contract = load_contract(ROOT / "run/contract.yaml")
reader = request.Reader(contract, names, len(rows))
drift = metrics.Drift(contract, names, settings.profile(ROOT / "run/model"))
for some in (rows[:1], rows[1:50], rows[50:]):
    values = request.arrays(reader.read(json.dumps({"rows": some}).encode())[1], reader.fields)
    labels = np.array(["yes" if number % 3 else "no" for number in range(len(some))], object)
    drift.put(values, labels, np.arange(len(some)) / len(some))
drift.count()
print(metrics.page().decode())
"""


def test_what_is_counted_for_drift_is_the_histogram_of_the_rows_over_the_training_bins(project: Path) -> None:
    kinds = {"age": int, "usage_hours": float, "auto_pay": "yes".__eq__}
    names = [*kinds, "region", "last_ticket", "observed_on"]
    table = pd.read_csv(project / "data/customers.csv", dtype="str", usecols=names)
    rows = [
        {name: kinds.get(name, str)(value) if isinstance(value, str) else None for name, value in row.items()}
        for row in table.to_dict("records")
    ]
    done = subprocess.run(
        [sys.executable, "-c", COUNTED],
        input=json.dumps([names, rows]),
        env=os.environ | {"PYTHONPATH": str(project / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    pattern = r'^model_feature_values_total{bin="(.+)",feature="(.+)"} (.+)$'
    found = {(name, level): float(n) for level, name, n in re.findall(pattern, done.stdout, re.MULTILINE)}
    columns = json.loads((project / "run/profile.json").read_text(encoding="utf-8"))["columns"]
    texts = {"auto_pay": table["auto_pay"].map({"yes": "1.0", "no": "0.0"}), "region": table["region"]}
    numbers = {
        "age": table["age"].astype(float),
        "usage_hours": table["usage_hours"].astype(float),
        "observed_on": (pd.to_datetime(table["observed_on"]) - pd.Timestamp(0)).dt.total_seconds(),
    }
    for name, values in numbers.items():
        ends = [-math.inf, *columns[name]["edges"], math.inf]
        bins = pd.Series(pd.cut(values, ends, right=False))
        shown = {one: f"{one.left:.6g} to {one.right:.6g}".replace("inf", "Inf") for one in bins.cat.categories}
        texts[name] = bins.map(shown).astype("str").str.replace("to Inf", "to +Inf")
    texts["last_ticket"] = table["last_ticket"].where(table["last_ticket"].isna(), "(other)")
    expected = {
        (name, "(missing)" if pd.isna(level) else level): float(number)
        for name, values in texts.items()
        for level, number in values.value_counts(dropna=False).items()
        if number
    }
    assert found == expected
    assert ("usage_hours", "(missing)") in found
    assert f'model_predictions_total{{label="no"}} {1 + 17 + math.ceil((len(rows) - 50) / 3):.1f}' in done.stdout
    assert 'model_scores_total{bin="0.9 to 1.0"}' in done.stdout


@pytest.fixture(scope="module")
def limited(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The fast flavour with room for little."""
    settings = {"SERVICE_MAX_CONCURRENCY": "8", "SERVICE_MAX_BODY_BYTES": "100000", "SERVICE_LOG_MEGABYTES": "1"}
    with serving(project, tmp_path_factory.mktemp("limited"), **settings) as server:
        yield server


def at_once(server: Server, body: bytes, count: int) -> list[tuple[int, str | None, float]]:
    """Status, Retry-After and seconds of requests of as many callers, which the service finds all there."""
    callers = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in range(count)]
    for caller in callers:
        caller.connect()
    assert server.ask("GET", "/livez")[0] == 200  # connections are accepted in turn, so all of these are by now
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        for caller in callers:
            caller.request("POST", "/predict", body, JSON)
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    started, found = time.monotonic(), []
    for caller in callers:
        answer = caller.getresponse()
        answer.read()
        found.append((answer.status, answer.headers["Retry-After"], time.monotonic() - started))
        caller.close()
    return found


def in_the_end(server: Server, rows: Any, **headers: str) -> int:
    """The status of a prediction once this machine is not too busy for a limit of a second or two."""
    deadline = time.monotonic() + 10
    while (status := server.predict(rows, **headers)[0]) == 503 and time.monotonic() < deadline:
        time.sleep(0.5)
    return status


def test_requests_that_arrive_together_are_counted_before_the_first_is_worked_on(
    limited: Server, row: dict[str, Any]
) -> None:
    found = Counter(answer[:2] for answer in at_once(limited, json.dumps({"rows": [row]}).encode(), 200))
    assert set(found) == {(200, None), (503, "1")}
    assert 8 <= found[200, None] < 50, found
    assert limited.predict([row])[0] == 200


def test_a_model_that_is_too_slow_is_answered_with_503_at_the_deadline(
    project: Path, tmp_path: Path, row: dict[str, Any]
) -> None:
    settings = {"SERVICE_TIMEOUT_SECONDS": "1", "SERVICE_MAX_CONCURRENCY": "1000"}
    with serving(project, tmp_path, MODEL_FOLDER=str(project / "run-skops/model"), **settings) as server:
        found = at_once(server, json.dumps({"rows": [row] * 20}).encode(), 600)
        assert in_the_end(server, [row]) == 200
    answers = {answer[:2] for answer in found}
    assert (503, "1") in answers
    assert answers <= {(200, None), (503, "1")}
    assert max(seconds for *_, seconds in found) < 20


def test_the_size_of_a_body_and_of_the_log_are_what_the_settings_say(limited: Server, row: dict[str, Any]) -> None:
    rows = [row] * 300
    body = json.dumps({"rows": rows}).encode()
    assert limited.ask("POST", "/predict", body[:1] + b" " * (100_000 - len(body)) + body[1:])[0] == 200
    status, _, answer = limited.ask("POST", "/predict", body[:1] + b" " * (100_001 - len(body)) + body[1:])
    assert (status, json.loads(answer)["error"]) == (413, "the body is above 100000 bytes; send fewer rows at a time")
    for _ in range(40):
        assert limited.predict(rows)[0] == 200
    answered = limited.metric('model_requests_total{route="/predict",status="200"}')
    assert limited.metric_in_time("model_log_lines_total", answered) == answered
    files = {path.name: path.stat().st_size for path in (limited.output.parent / "logs").glob("predictions-*")}
    assert files.keys() == {"predictions-1.jsonl", *(f"predictions-1.jsonl.{number}" for number in (1, 2, 3))}
    assert 500_000 < sum(files.values()) <= 1_000_000


@pytest.fixture(scope="module")
def strict(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The slow flavour with a token, small limits, and labels on a disk that is full."""
    folder = tmp_path_factory.mktemp("strict")
    (folder / "logs").mkdir()
    (folder / "logs/feedback-1.jsonl").symlink_to("/dev/full")
    settings = {"SERVICE_TOKEN": "sesame", "SERVICE_MAX_CONCURRENCY": "2", "SERVICE_TIMEOUT_SECONDS": "2"}
    settings |= {"SERVICE_MAX_ROWS": "3", "MODEL_FOLDER": str(project / "run-skops/model")}
    with serving(project, folder, **settings) as server:
        yield server


def test_a_token_opens_all_and_health_needs_none(strict: Server, row: dict[str, Any]) -> None:
    for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "sesame"}, {"Authorization": "Bearer "}):
        status, headers, _ = strict.ask("POST", "/predict", {"rows": [row]}, **wrong)
        assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        assert strict.ask("GET", "/metrics", **wrong)[0] == 401
    assert in_the_end(strict, [row], Authorization="Bearer sesame") == 200
    assert [strict.ask("GET", path)[0] for path in ("/healthz", "/livez", "/readyz")] == [200] * 3


def test_more_rows_than_the_setting_says_are_refused(strict: Server, row: dict[str, Any]) -> None:
    assert in_the_end(strict, [row] * 3, Authorization="Bearer sesame") == 200
    status, answer = strict.predict([row] * 4, Authorization="Bearer sesame")
    assert (status, answer["error"]) == (400, '"rows" must be a list of 1 to 3 entries; 4 came')


def test_a_slow_body_is_ended_in_time(strict: Server) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer sesame\r\n"
    started = time.monotonic()
    found = raw(strict, head + b"Content-Length: 1000\r\n\r\n", b"{")
    assert found.startswith(b"HTTP/1.1 408 ")
    assert 1.5 < time.monotonic() - started < 10


def test_a_caller_that_goes_away_is_no_failure_of_the_service(onnx: Server) -> None:
    head = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    gone, failed = (f'model_requests_total{{route="/predict",status="{status}"}}' for status in (499, 500))
    before = onnx.metric(gone), onnx.metric(failed)
    with socket.create_connection(("127.0.0.1", onnx.port)) as connection:
        connection.sendall(head)
    assert onnx.metric_in_time(gone, before[0] + 1) == before[0] + 1
    assert onnx.metric(failed) == before[1]


def test_overload_is_answered_with_503_and_a_time_never_with_a_hang(strict: Server, row: dict[str, Any]) -> None:
    def one(_: int) -> tuple[int, str | None]:
        status, headers, _ = strict.ask("POST", "/predict", {"rows": [row] * 3}, Authorization="Bearer sesame")
        return status, headers["Retry-After"]

    with concurrent.futures.ThreadPoolExecutor(24) as callers:
        found = Counter(callers.map(one, range(120)))
    assert set(found) <= {(200, None), (503, "1")}
    assert min(found[200, None], found[503, "1"]) > 0
    assert in_the_end(strict, [row] * 3, Authorization="Bearer sesame") == 200


LOST = 'model_log_dropped_total{reason="not written"}'


def test_a_full_disk_fails_no_request_and_is_counted(project: Path, tmp_path: Path, row: dict[str, Any]) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/predictions-1.jsonl").symlink_to("/dev/full")
    with serving(project, tmp_path) as server:
        assert [server.predict([row])[0] for _ in range(6)] == [200] * 6
        assert server.metric_in_time(LOST, 6) == 6
        warnings = [line for line in server.output.read_text().splitlines() if "lines are lost" in line]
        assert len(warnings) == 1
        assert "No space left on device" in warnings[0]


def test_labels_that_are_not_written_are_not_said_to_be_accepted(
    strict: Server, project: Path, tmp_path: Path, onnx: Server
) -> None:
    body = {"labels": [{"request_id": "order-1", "row": 0, "label": "yes"}]}
    status, headers, answer = strict.ask("POST", "/feedback", body, Authorization="Bearer sesame")
    assert (status, headers["Retry-After"]) == (503, "60")
    assert json.loads(answer) == {"error": "the labels could not be written; send them again"}
    assert onnx.ask("POST", "/feedback", body)[0] == 200
    assert "order-1" in (onnx.output.parent / "logs/feedback-1.jsonl").read_text(encoding="utf-8")  # at once
    with serving(project, tmp_path, SERVICE_LOG_FOLDER="") as server:
        status, headers, answer = server.ask("POST", "/feedback", body)
        assert (status, headers["Retry-After"]) == (404, None)
        assert json.loads(answer) == {"error": "no labels are taken here, as SERVICE_LOG_FOLDER is empty"}
        described = json.loads(server.ask("GET", "/docs.json")[2])["paths"]["/feedback"]["post"]["responses"]
        assert "labels for a service that keeps no log" in described["404"]["description"]


@pytest.mark.parametrize(("name", "workers"), [("run", 1), ("run-skops", 1), ("run", 2)])
def test_sigterm_under_load_loses_no_accepted_request_and_no_line(
    project: Path, tmp_path: Path, row: dict[str, Any], name: str, workers: int
) -> None:
    answered: list[str] = []
    broken: list[str] = []
    stop = threading.Event()

    def caller(place: int) -> None:
        body, number = json.dumps({"rows": [row] * 5}).encode(), 0
        while not stop.is_set():
            number += 1
            request_id = f"caller-{place}-{number}"
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            try:
                connection.connect()
            except OSError:
                return  # the service takes no more
            try:
                connection.request("POST", "/predict", body, JSON | {"X-Request-ID": request_id})
                answer = connection.getresponse()
                answer.read()
                answered.append(request_id)
                assert answer.status == 200
            except (OSError, http.client.HTTPException):
                broken.append(request_id)  # connected, but never taken: nothing of it may be in the log
                return

    settings = {"MODEL_FOLDER": str(project / name / "model"), "SERVICE_WORKERS": str(workers)}
    with serving(project, tmp_path, **settings) as server:
        callers = [threading.Thread(target=caller, args=(number,)) for number in range(8)]
        for thread in callers:
            thread.start()
        logs = [tmp_path / f"logs/predictions-{worker + 1}.jsonl" for worker in range(workers)]
        limit = time.monotonic() + 60
        # one worker is ready before the other, and may take the first requests alone: each has a request to lose
        while not (len(answered) > 50 and all(log.exists() for log in logs)) and time.monotonic() < limit:
            time.sleep(0.1)
        assert all(log.exists() for log in logs)
        server.process.terminate()
        assert server.process.wait(30) == 0
        stop.set()
        for thread in callers:
            thread.join(40)
    logged = [json.loads(line) for log in logs for line in log.read_text(encoding="utf-8").splitlines()]
    assert len(answered) > 50
    assert sorted(line["request_id"] for line in logged) == sorted(answered)
    assert not {*broken} & {line["request_id"] for line in logged}


def test_a_log_folder_that_cannot_be_written_fails_no_request(
    project: Path, tmp_path: Path, row: dict[str, Any]
) -> None:
    with serving(project, tmp_path, SERVICE_LOG_FOLDER="/dev/null/logs", SERVICE_WORKERS="2") as server:
        assert {server.predict([row])[0] for _ in range(20)} == {200}
        assert server.metric_in_time(LOST, 20) == 20  # of both workers
        assert server.metric("model_rows_total") == 20


def test_what_cannot_be_served_is_said_in_one_sentence(project: Path, tmp_path: Path) -> None:
    cases: dict[str, tuple[dict[str, str], str]] = {}
    for name, source, words in (
        ("missing", "run", "no model there"),
        ("changed", "run", "but run.json says"),
        ("no run", "run", "run.json: not found"),
        ("broken", "run", "the onnx model cannot be loaded"),
        ("strange", "run-skops", "holds the type"),
    ):
        folder = Path(shutil.copytree(project / source, tmp_path / name))
        cases[name] = ({"MODEL_FOLDER": str(folder / "model")}, words)
    shutil.rmtree(tmp_path / "missing/model")
    (tmp_path / "no run/run.json").unlink()
    with (tmp_path / "changed/model/model.json").open("a") as file:
        file.write(" ")
    for name in ("broken", "strange"):  # with the digest of what is there now
        must(project, "python", "-c", DAMAGE, str(tmp_path / name), name)
    cases["setting"] = ({"SERVICE_MAX_ROWS": "many"}, "SERVICE_MAX_ROWS is 'many'; give a whole number above 0")
    started = {
        name: start(project, tmp_path / f"{name} served", free_port(), **settings)
        for name, (settings, _) in cases.items()
    }
    try:
        codes = {name: process.wait(120) for name, process in started.items()}
    finally:
        for process in started.values():
            process.kill()
    for name, code in codes.items():
        output = (tmp_path / f"{name} served/output.txt").read_text()
        assert code == 2, output
        assert "Traceback" not in output
        (sentence,) = [line for line in output.splitlines() if line.startswith("error: ")]
        assert cases[name][1] in sentence


DAMAGE = """
import json, sys, skops.io
from pathlib import Path
from collections import Counter
from churn import artifact

folder = Path(sys.argv[1])
if sys.argv[2] == "strange":
    skops.io.dump(Counter(), folder / "model/model.skops")
else:
    (folder / "model/model.onnx").write_bytes((folder / "model/model.onnx").read_bytes()[:3000])
run = json.loads((folder / "run.json").read_text())
run["model"]["digest"] = artifact.digest(folder / "model")
(folder / "run.json").write_text(json.dumps(run))
"""


def test_a_port_that_is_taken_ends_the_second_service_and_not_the_first(
    project: Path, onnx: Server, tmp_path: Path, row: dict[str, Any]
) -> None:
    for workers in ("1", "2"):
        assert start(project, tmp_path, onnx.port, SERVICE_WORKERS=workers).wait(60) == 2
        words = "Address already in use; stop the program that has it, or choose another with --port"
        output = (tmp_path / "output.txt").read_text()
        assert output == f"error: port {onnx.port} of 127.0.0.1 cannot be used: {words}\n"
    assert onnx.predict([row])[0] == 200


def conform(server: Server, examples: int) -> int:
    """Send what schemathesis makes of the OpenAPI document; the number of cases, all of which must pass."""
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{server.port}/docs.json"]
    options = ["--checks", checks, "--max-examples", str(examples), "--seed", "1", "--generation-database", "none"]
    done = subprocess.run(
        [*command, *options, "--no-color"], cwd=server.output.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    (count,) = re.findall(r"(\d+) generated, \1 passed", done.stdout)
    return int(count)


def test_no_request_made_from_the_description_meets_a_5xx_or_an_undocumented_status(onnx: Server) -> None:
    assert conform(onnx, 40) > 300


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_thousands_of_requests_made_from_the_description_meet_no_5xx(onnx: Server) -> None:
    assert conform(onnx, 1500) > 3000


def load(server: Server, seconds: float, rate: float | None, row: dict[str, Any]) -> tuple[int, Counter[int]]:
    """Four clients, each on one connection, at `rate` requests per second together or as fast as they can."""
    body, clients = json.dumps({"rows": [row]}).encode(), 4
    started = time.monotonic()

    def client(_: int) -> Counter[int]:
        connection, found = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30), Counter[int]()
        while (now := time.monotonic()) < started + seconds:
            if rate is not None:
                time.sleep(max(0.0, started + found.total() * clients / rate - now))
            connection.request("POST", "/predict", body, JSON)
            answer = connection.getresponse()
            answer.read()
            found[answer.status] += 1
        connection.close()
        return found

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        found = sum(pool.map(client, range(clients)), Counter[int]())
    return found.total(), found


def memory(process: int) -> int:
    """Memory of a process and its children, in kB, without that of files, whose share moves with who else maps them."""
    tree, total = [process], 0
    for one in tree:
        children = Path(f"/proc/{one}/task/{one}/children").read_text(encoding="utf-8")
        tree += map(int, children.split())
        (found,) = re.findall(r"^Anonymous: +(\d+)", Path(f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)
        total += int(found)
    return total


@pytest.mark.prove
@pytest.mark.timeout(1800)
def test_ten_minutes_at_80_percent_of_capacity_lose_nothing_and_hold_no_more_memory(
    project: Path, tmp_path: Path, row: dict[str, Any]
) -> None:
    seconds = float(os.environ.get("MODEL_REVIEW_SOAK_SECONDS", "600"))
    with serving(project, tmp_path, SERVICE_LOG_MEGABYTES="4000") as server:
        sent, _ = load(server, 20, None, row)
        rate = 0.8 * sent / 20
        early, answers = load(server, seconds / 10, rate, row)
        before = memory(server.process.pid)
        later, more = load(server, seconds * 0.9, rate, row)
        assert set(answers + more) == {200}
        after = memory(server.process.pid)
        print(f"{rate:.0f} requests a second for {seconds:.0f} s; memory {before} kB, then {after} kB")
        assert after < before * 1.05
    logged: list[str] = []
    for file in (tmp_path / "logs").iterdir():  # a fast machine fills the first
        with file.open("rb") as opened:
            logged += (json.loads(line)["request_id"] for line in opened)
    assert len(logged) == sent + early + later
    assert len({*logged}) == len(logged)
