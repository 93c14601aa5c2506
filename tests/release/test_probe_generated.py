"""The probe asks the service of a generated project, which it starts itself."""

import json
import sys
from pathlib import Path

import pytest
from bake import bake
from loopback import free_port
from project import SETTINGS, must

from model_review.cli import main


def test_the_generated_service_answers_as_its_offline_predictions_and_refuses_what_breaks_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    project = bake(tmp_path / "out")
    table = project / "data/customers.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:700] + lines[-200:]), encoding="utf-8")
    must(project, "train")
    home = {"BENTOML_HOME": str(tmp_path / "bentoml"), "PYTHONPATH": str(project / "src")}
    token = {"SERVICE_TOKEN": "token-quince-xyz", "MODEL_REVIEW_SERVICE_TOKEN": "token-quince-xyz"}
    for name, value in (SETTINGS | home | token).items():
        monkeypatch.setenv(name, value)
    port = free_port()
    start = f"{sys.executable} -m churn.serving.serve --port {port}"
    given = ["--url", f"http://127.0.0.1:{port}", "--run", str(project / "run"), "--out", str(tmp_path / "probe.json")]
    code = main(["probe", *given, "--start", start, "--wait", "120", "--seconds", "0.3"])
    found = json.loads((tmp_path / "probe.json").read_text(encoding="utf-8"))
    assert code == 0, found["failures"]
    assert found["golden"]["rows"] == 200
    assert found["cold_start_seconds"] > 0
    assert found["memory"]["bytes"] > 50_000_000
    assert all(one["refused"] for one in found["violations"])
    assert len(found["violations"]) > 10
    printed = capsys.readouterr()
    assert "Cold start" in printed.out
    assert "quince" not in printed.out + printed.err + (tmp_path / "probe.json").read_text(encoding="utf-8")
    # Its token left the environment with the first probe.
    assert main(["probe", *given, "--start", start, "--wait", "120", "--seconds", "0.05"]) == 1
    found = json.loads((tmp_path / "probe.json").read_text(encoding="utf-8"))
    assert found["failures"][0].startswith("The service asks for a bearer token (401)")
