"""Two probes in a comparison: the report's cost block and the policy's limits."""

import json
from pathlib import Path
from typing import Any

import pytest
from probed import CONTRACT, Service, serve, write_run

from model_review.cli import main

POLICY = """schema = "model-review/policy@1"
[objective]
metric = "roc_auc"
[cost]
image_bytes = 1.5
latency_p50_ms = 1000.0
cold_start_seconds = 2.0
"""


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and two probes of it: the second image is twice as large."""
    folder = tmp_path_factory.mktemp("cost")
    run, out = write_run(folder / "run"), folder / "champion.json"
    with serve(Service()) as url:
        assert main(["probe", "--url", url, "--run", str(run), "--out", str(out), "--seconds", "0.1"]) == 0
    data: dict[str, Any] = json.loads(out.read_text())
    for name, size in (("champion", 100), ("challenger", 200)):
        data["image"] = {"reference": "shop", "digest": None, "bytes": size * 10**6}
        (folder / f"{name}.json").write_text(json.dumps(data))
    (folder / "contract.yaml").write_text(CONTRACT)
    (folder / "policy.toml").write_text(POLICY)
    return folder


def test_a_larger_image_is_shown_and_a_person_weighs_it(probes: Path, tmp_path: Path) -> None:
    sides = ["--champion", str(probes / "run"), "--challenger", str(probes / "run"), "--out", str(tmp_path)]
    sides += ["--policy", str(probes / "policy.toml"), "--contract", str(probes / "contract.yaml")]
    measured = [f"--{side}-probe={probes / side}.json" for side in ("champion", "challenger")]
    assert main(["compare", *sides, *measured]) == 0
    rows = {row["name"]: row for row in json.loads((tmp_path / "comparison.json").read_text())["cost"]}
    assert rows["image_bytes"] == {"name": "image_bytes", "champion": 1e8, "challenger": 2e8, "ratio": 2.0}
    assert rows["rows_per_second"]["ratio"] == 1.0
    because = {one["rule"]: one for one in json.loads((tmp_path / "verdict.json").read_text())["because"]}
    assert because["cost image_bytes"]["status"] == "person"
    assert because["cost latency_p50_ms"]["status"] == "green"
    assert because["cost cold_start_seconds"]["status"] == "info"  # nothing was started, so it is not known
    assert "image bytes" in (tmp_path / "report.md").read_text()
