"""`model-review probe` against services that are all well or wrong in one way."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from loopback import free_port
from probed import REQUIRED, SECRET, TYPES, Prober, Service, openapi, serve, write_run

from model_review.cli import main
from model_review.schemas import schema_text


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("probed") / "run")


@pytest.fixture
def probe(run_folder: Path, tmp_path: Path) -> Prober:
    """Probe a service; the exit code and probe.json (empty where none was written)."""

    def ask(service: Service, *arguments: str) -> tuple[int, dict[str, Any]]:
        out = tmp_path / "probe.json"
        given = arguments if "--expect" in arguments else ("--run", str(run_folder), *arguments)
        with serve(service) as url:
            code = main(["probe", "--url", url, "--out", str(out), "--seconds", "0.1", "--wait", "30", *given])
        return code, json.loads(out.read_text()) if out.exists() else {}

    return ask


def states(found: dict[str, Any]) -> dict[str, str]:
    """Each check and how it ended."""
    return {one["name"]: one["status"] for one in found["checks"]}


def test_a_service_that_is_all_well_passes_and_is_measured(probe: Prober, capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema checks the file from outside")
    code, found = probe(Service(), "--pid", str(os.getpid()))
    assert (code, found["failures"], found["passed"]) == (0, [], True)
    assert set(states(found).values()) == {"passed"}
    assert found["golden"] == {
        "rows": 120,
        "requests": 32,
        "different_labels": 0,
        "largest_difference": 0.0,
        "tolerance": 1e-6,
    }
    assert [(one["rows"], one["clients"]) for one in found["load"]] == [(1, 1), (1, 8), (100, 1), (100, 8)]
    for one in found["load"]:
        assert 0 < one["p50_ms"] <= one["p95_ms"] <= one["p99_ms"]
        assert one["errors"] == 0
        assert one["rows_per_second"] == pytest.approx(one["rows"] * one["requests_per_second"])
    assert found["memory"]["method"] == "pss"
    assert found["memory"]["bytes"] > 10_000_000
    jsonschema.validate(found, json.loads(schema_text("probe@1")))
    assert "Passed: ready, openapi, model, golden, canary, violations, load." in capsys.readouterr().out


def test_every_kind_of_rule_that_the_contract_has_is_broken_once(probe: Prober) -> None:
    _, found = probe(Service())
    kinds = [one["kind"] for one in found["violations"]]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) == {
        *("empty list", "no list", "not JSON", "unknown field", "missing", "null", "fraction", "NaN", "Infinity"),
        *(f"wrong type: no {kind}" for kind in ("number", "integer", "boolean", "date", "text")),
        *("number too low", "number too high", "date too low", "date too high", "unknown category", "text too long"),
    }


def test_no_value_of_the_table_and_no_unused_column_reaches_the_output_or_the_service(
    probe: Prober, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(echo=True)
    code, found = probe(service)
    printed = capsys.readouterr()
    shown = json.dumps(found) + printed.out + printed.err
    assert code == 1
    assert SECRET[:12] not in shown
    assert SECRET.encode() not in b"".join(service.bodies)
    assert b"mail" not in b"".join(service.bodies)


@pytest.mark.parametrize(
    ("service", "check", "sentence"),
    [
        (Service(ready=503), "ready", "The service was not ready within 0.5 s: /readyz answers 503."),
        (Service(status=500), "golden", "A request of 1 golden row was answered with 500, not 200."),
        (Service(shift=1e-5), "golden", "Golden rows differ from the offline predictions by up to 1e-05; 1e-06 is"),
        (Service(flip=True), "golden", "labels of golden rows are not the offline predictions."),
        (Service(html=True), "openapi", "/docs.json is no OpenAPI document (answered with 200)."),
        (Service(html=True), "golden", "The answer to 1 golden row has no list `predictions` with one entry for"),
        (Service(lenient=True), "violations", "(unknown category, column region) was answered with 200, not 4xx."),
        (Service(model="sha256:" + "b" * 64), "model", "/model names another model than the one that was to be"),
        (Service(status=500), "load", "Under load (8 clients, 1 row)"),
    ],
    ids=[
        "never ready",
        "500",
        "wrong numbers",
        "wrong labels",
        "HTML",
        "HTML answers",
        "lenient",
        "other model",
        "load",
    ],
)
def test_a_service_that_is_wrong_fails_with_a_sentence_that_says_how(
    probe: Prober, capsys: pytest.CaptureFixture[str], service: Service, check: str, sentence: str
) -> None:
    code, found = probe(service, *(("--wait", "0.5") if check == "ready" else ()))
    assert code == 1
    assert found["passed"] is False
    assert states(found)[check] == "failed"
    assert any(sentence in one for one in found["failures"]), found["failures"]
    assert sentence in capsys.readouterr().out


def test_numbers_within_the_tolerance_pass(probe: Prober) -> None:
    assert probe(Service(shift=5e-7))[0] == 0


def test_a_service_without_its_model_s_address_is_not_said_to_serve_it(probe: Prober) -> None:
    code, found = probe(Service(model=None))
    assert code == 0
    assert states(found)["model"] == "skipped"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("drop", "/docs.json has no column items, which the model uses."),
        ("type", "/docs.json says that column items is null, string; by the contract it is integer."),
        ("optional", "/docs.json does not say that column region is required."),
        ("demanded", "/docs.json demands column note, which may be missing by the contract."),
    ],
)
def test_openapi_must_agree_with_the_contract(probe: Prober, change: str, sentence: str) -> None:
    documents = openapi()
    row = documents["components"]["schemas"]["Row"]
    if change == "drop":
        del row["properties"]["items"]
    elif change == "type":
        row["properties"]["items"] = {"type": ["string", "null"], "minimum": 1}
    elif change == "optional":
        row["required"].remove("region")
    else:
        row["properties"]["note"] = {"type": "string", "maxLength": 30}
        row["required"].append("note")
    code, found = probe(Service(documents=documents))
    assert (code, found["failures"]) == (1, [sentence])


@pytest.mark.parametrize(
    ("column", "schema", "sentence"),
    [
        (
            "amount",
            {"minimum": 1, "maximum": 100},
            "says 1 for the minimum of column amount; by the contract it is 0.0.",
        ),
        ("amount", {"maximum": 100}, "says nothing for the minimum of column amount; by the contract it is 0.0."),
        (
            "amount",
            {"minimum": 0, "maximum": 99},
            "says 99 for the maximum of column amount; by the contract it is 100.0.",
        ),
        (
            "items",
            {"minimum": 1, "maximum": 9},
            "says 9 for the maximum of column items; by the contract it is nothing.",
        ),
        ("note", {"maxLength": 31}, "says 31 for the maxLength of column note; by the contract it is 30."),
        ("region", {"enum": ["north"]}, "does not list the values that column region may have by the contract."),
        ("region", {}, "does not list the values that column region may have by the contract."),
    ],
)
def test_openapi_must_state_the_limits_of_the_contract(
    probe: Prober, column: str, schema: dict[str, Any], sentence: str
) -> None:
    documents = openapi()
    properties = documents["components"]["schemas"]["Row"]["properties"]
    kind = {"type": TYPES.get(column, "string")} | schema
    properties[column] = kind if column in REQUIRED else {"anyOf": [kind, {"type": "null"}]}
    assert probe(Service(documents=documents))[1]["failures"] == [f"/docs.json {sentence}"]
    again = {"anyOf": [kind | {"minimum": [], "enum": [[], {}], "maxLength": "x"}]}  # what a server may send
    properties[column] = again
    assert probe(Service(documents=documents))[0] == 1


def test_hostile_documents_end_in_a_sentence(probe: Prober) -> None:
    loop: dict[str, Any] = {"paths": {"$ref": "#/paths"}}
    endless = openapi()
    endless["components"]["schemas"]["Row"]["properties"]["items"] = {
        "anyOf": [{"$ref": "#/components/schemas/Row/properties/items"}] * 9
    }
    no_post: dict[str, Any] = {"paths": {"/predict": {"post": {"requestBody": 1}}}}
    for documents in (endless, loop, {"paths": []}, no_post, [], {"paths": None}):
        code, found = probe(Service(documents=documents))  # type: ignore[arg-type]  # what a server may send
        assert code == 1
        assert states(found)["openapi"] == "failed"


def test_a_service_with_a_token_is_asked_with_the_one_of_the_environment_which_nobody_sees(
    probe: Prober, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    service = Service(token="token-quince-xyz")  # pragma: allowlist secret
    for given, sentence in (
        ("", "The service asks for a bearer token (401); set the environment variable MODEL_REVIEW_SERVICE_TOKEN"),
        ("token-fig-xyz", "The service takes another bearer token than the one that MODEL_REVIEW_SERVICE_TOKEN holds"),
    ):
        monkeypatch.setenv("MODEL_REVIEW_SERVICE_TOKEN", given)
        code, found = probe(service)
        assert code == 1
        assert found["failures"][0].startswith(sentence)
        assert states(found)["violations"] == "failed", "401 is no answer to what breaks the contract"
    service.denied = 0
    monkeypatch.setenv("MODEL_REVIEW_SERVICE_TOKEN", service.token)
    code, found = probe(service)
    assert (code, service.denied) == (0, 0)
    assert "MODEL_REVIEW_SERVICE_TOKEN" not in os.environ, "nothing that is started later sees it"
    printed = capsys.readouterr()
    assert "-xyz" not in json.dumps(found) + printed.out + printed.err  # digits may be those of a time


def test_a_token_that_the_service_gives_back_or_that_no_header_holds_is_not_written_anywhere(
    probe: Prober, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for token, says, sentence in (
        ("token-quince-xyz", "token-quince-xyz", "The service gives back what MODEL_REVIEW_SERVICE_TOKEN holds"),
        ("token-quince\nxyz", "", "holds spaces or signs that no header can hold"),
    ):
        monkeypatch.setenv("MODEL_REVIEW_SERVICE_TOKEN", token)
        assert probe(Service(token=token, says=says)) == (2, {})
        printed = capsys.readouterr()
        assert sentence in printed.err
        assert "quince" not in printed.out + printed.err
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and b"quince" in file.read_bytes()]


def test_a_slow_service_is_not_waited_for_without_end(probe: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_review.probe.verb.TIMEOUT", 0.05)
    monkeypatch.setattr("model_review.probe.load.TIMEOUT", 0.05)
    monkeypatch.setattr("model_review.probe.load.MANY_ERRORS", 1)
    begin = time.monotonic()
    code, found = probe(Service(delay=0.3))
    assert code == 1
    assert "A request of 1 golden row got no answer: no answer in time." in found["failures"]
    assert time.monotonic() - begin < 30


def test_nothing_that_listens_is_no_failure_of_a_service(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "probe.json"
    arguments = ["--url", "http://127.0.0.1:9", "--run", str(run_folder), "--out", str(out), "--wait", "0.1"]
    assert main(["probe", *arguments]) == 2
    assert "start the service first" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--url", "ftp://host"], "is not an address"),
        (["--url", "http://127.0.0.1:9", "--expect", "x.json"], "Give either --run, or --expect"),
        (["--url", "http://127.0.0.1:9", "--start", "no-such-program-here"], "cannot be run"),
        (["--url", "http://127.0.0.1:9", "--start", "'"], "is no command"),
    ],
)
def test_what_cannot_be_tried_is_said_in_one_sentence(
    run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    given = ["--run", str(run_folder), "--out", str(tmp_path / "probe.json"), "--wait", "0.1", *arguments]
    assert main(["probe", *given]) == 2
    assert sentence in capsys.readouterr().err


def test_a_later_probe_needs_no_data_and_sees_that_the_model_is_another(
    probe: Prober, run_folder: Path, tmp_path: Path
) -> None:
    assert probe(Service())[0] == 0
    earlier = tmp_path / "earlier.json"
    (tmp_path / "probe.json").rename(earlier)
    without_data = ("--expect", str(earlier), "--contract", str(run_folder / "contract.yaml"))
    code, found = probe(Service(), *without_data)
    assert code == 0
    assert (states(found)["golden"], states(found)["canary"]) == ("skipped", "passed")
    code, found = probe(Service(shift=1e-4), *without_data)
    assert code == 1
    assert "The canary rows are not answered as when this image was released" in found["failures"][0]


def test_a_contract_of_another_commit_is_refused(
    probe: Prober, run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe(Service())
    earlier, other = tmp_path / "earlier.json", tmp_path / "contract.yaml"
    (tmp_path / "probe.json").rename(earlier)
    other.write_text((run_folder / "contract.yaml").read_text() + "# changed\n")
    assert probe(Service(), "--expect", str(earlier), "--contract", str(other))[0] == 2
    assert "is not the contract of" in capsys.readouterr().err


@pytest.mark.skipif(
    not shutil.which("podman") and not shutil.which("docker"), reason="needs podman (apt install podman)"
)
def test_a_container_that_ended_on_the_way_is_a_failure_and_one_that_never_ran_cannot_be_tried(probe: Prober) -> None:
    gone = ("--container", f"model-review-gone-{os.getpid()}")
    code, found = probe(Service(status=500), *gone)
    assert code == 1
    assert found["memory"] is None
    assert probe(Service(), *gone)[0] == 2


SLOW_START = """
import http.server, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def gone(pid: int) -> bool:
    """Whether the process has ended; one that nobody has collected counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("stopped", [False, True], ids=["at its end", "told to stop"])
def test_what_a_probe_started_ends_with_it_children_too(run_folder: Path, tmp_path: Path, stopped: bool) -> None:
    script, port, out = tmp_path / "slow.py", free_port(), tmp_path / "probe.json"
    script.write_text(SLOW_START)
    command = [sys.executable, "-c", "from model_review.cli import main; raise SystemExit(main())", "probe"]
    command += ["--url", f"http://127.0.0.1:{port}", "--run", str(run_folder), "--out", str(out)]
    command += ["--start", f"{sys.executable} {script} {port}", "--wait", "60" if stopped else "5"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = tmp_path / "probe.json.log"
    while not log.exists() or not log.read_text().partition("\n")[1]:
        assert process.poll() is None
        time.sleep(0.05)
    child = int(log.read_text().split()[0])
    if stopped:
        process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == (128 + signal.SIGTERM if stopped else 1)
    assert stopped or "not ready within 5 s: /readyz answers 503" in printed
    deadline = time.monotonic() + 5
    while not gone(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(child)


def test_a_command_that_ends_at_once_is_not_waited_for(run_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "probe.json"
    start = f"{sys.executable} -c 'raise SystemExit(3)'"
    arguments = ["--url", f"http://127.0.0.1:{free_port()}", "--run", str(run_folder), "--out", str(out)]
    assert main(["probe", *arguments, "--start", start]) == 1
    assert json.loads(out.read_text())["failures"] == ["The command ended with exit code 3 before it was ready."]
