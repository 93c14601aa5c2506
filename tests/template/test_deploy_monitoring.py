"""Alert rules and dashboard of a deployment: Prometheus reads them, each alert is tried, each metric exists."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from bake import bake

ADDED = {"le", "job", "instance", "pod"}  # labels that Prometheus, not the service, gives


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bake(tmp_path_factory.mktemp("monitoring"), "deploy_to=compose")


def promtool(*command: str | Path, cwd: Path) -> str:
    """Run it; what it refuses fails the test."""
    if shutil.which("promtool") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("not run here: promtool (apt install prometheus)")
    done = subprocess.run(["promtool", *map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules(project: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load((project / "deploy/monitoring/alerts.yaml").read_text(encoding="utf-8"))
    return [rule for group in content["groups"] for rule in group["rules"]]


def panels(project: Path) -> list[dict[str, Any]]:
    content = json.loads((project / "deploy/monitoring/dashboard.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = content["panels"]
    return found


def queries(project: Path) -> list[str]:
    """Every query of the dashboard, with Grafana's own variable filled in."""
    return [
        target["expr"].replace("$__rate_interval", "5m") for panel in panels(project) for target in panel["targets"]
    ]


def test_prometheus_reads_the_rules_and_they_fire_when_they_should_and_only_then(project: Path) -> None:
    folder = project / "deploy/monitoring"
    assert f"{len(rules(project))} rules found" in promtool("check", "rules", "alerts.yaml", cwd=folder)
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yaml", cwd=folder)


def test_every_alert_is_seen_to_fire_and_seen_to_keep_quiet(project: Path) -> None:
    text = (project / "deploy/monitoring/alerts.test.yaml").read_text(encoding="utf-8")
    tried = [one for test in yaml.safe_load(text)["tests"] for one in test["alert_rule_test"]]
    names = {rule["alert"] for rule in rules(project)}
    assert {one["alertname"] for one in tried if one.get("exp_alerts")} == names
    assert {one["alertname"] for one in tried if not one.get("exp_alerts")} == names


def test_prometheus_reads_its_configuration_with_the_rules(project: Path, tmp_path: Path) -> None:
    text = (project / "deploy/compose/prometheus.yaml").read_text(encoding="utf-8")
    shutil.copy(project / "deploy/monitoring/alerts.yaml", tmp_path)
    (tmp_path / "prometheus.yaml").write_text(text.replace("/etc/prometheus/", f"{tmp_path}/"), encoding="utf-8")
    assert "SUCCESS" in promtool("check", "config", "prometheus.yaml", cwd=tmp_path)
    assert {job["job_name"] for job in yaml.safe_load(text)["scrape_configs"]} == {"service"}  # the alerts say so


def test_the_dashboard_asks_the_provisioned_source_questions_that_prometheus_understands(
    project: Path, tmp_path: Path
) -> None:
    asked = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries(project))]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": asked}]}))
    assert f"{len(asked)} rules found" in promtool("check", "rules", "rules.yaml", cwd=tmp_path)
    provisioned = yaml.safe_load((project / "deploy/compose/grafana/datasource.yaml").read_text(encoding="utf-8"))
    (source,) = provisioned["datasources"]
    for panel in panels(project):
        assert [panel["datasource"]["uid"], *(target["datasource"]["uid"] for target in panel["targets"])] == [
            source["uid"]
        ] * (1 + len(panel["targets"]))


def test_the_panels_stand_beside_each_other(project: Path) -> None:
    taken: set[tuple[int, int]] = set()
    assert len({panel["id"] for panel in panels(project)}) == len(panels(project)) >= 10
    for panel in panels(project):
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


EXPOSED = """
import importlib, json, sys
import prometheus_client
importlib.import_module(sys.argv[1] + ".serving.metrics")
names = {}
for collector in list(prometheus_client.REGISTRY._collector_to_names):
    for name in prometheus_client.REGISTRY._collector_to_names[collector]:
        names[name] = list(getattr(collector, "_labelnames", ()))
print(json.dumps(names))
"""


def test_every_metric_and_label_that_is_asked_for_is_exposed_by_the_service(project: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(project / "src")}
    command = [sys.executable, "-c", EXPOSED, project.name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    exposed: dict[str, list[str]] = json.loads(done.stdout)
    used = 0
    for query in [*queries(project), *(rule["expr"] for rule in rules(project))]:
        names = re.findall(r"\bmodel_\w+", query)
        used += len(names)
        assert set(names) <= set(exposed), query
        known = {label for name in names for label in exposed[name]} | ADDED
        by = {label for group in re.findall(r"by \(([^)]*)\)", query) for label in re.split(r",\s*", group)}
        matched = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!=|!~|=)", query))
        assert by | matched <= known, query
    assert used > 20


def test_every_setting_that_a_deployment_gives_is_one_that_the_service_reads(tmp_path: Path) -> None:
    for answer in ("compose", "kubernetes"):
        project = bake(tmp_path, f"deploy_to={answer}", f"project_slug={answer}-model")
        read = (project / "src" / f"{answer}_model" / "serving/settings.py").read_text(encoding="utf-8")
        files = [path for path in (project / "deploy").rglob("*") if path.is_file()]
        named = {name for path in files for name in re.findall(r"SERVICE_[A-Z_]+", path.read_text(encoding="utf-8"))}
        assert "SERVICE_LOG_FOLDER" in named
        assert {name for name in named if f'"{name}"' not in read} == set()
