"""A real Prometheus watches a real service with the generated configuration, and every panel has something to show."""

import json
import os
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from bake import bake
from loopback import DIRECT, free_port
from project import service

# What a few seconds of good traffic cannot show: a refused value, a lost line, a value unseen in training.
MAY_BE_EMPTY = ("model_violations_total", "model_log_dropped_total", '"(other)"', '"(missing)"')


@pytest.fixture(scope="module")
def watched(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The demo's service under a little traffic, watched; gives Prometheus's address and the generated files."""
    if shutil.which("prometheus") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("not run here: prometheus (apt install prometheus)")
    folder = tmp_path_factory.mktemp("watched")
    deploy = bake(tmp_path_factory.mktemp("files"), "deploy_to=compose") / "deploy"
    port = free_port()
    with service(demo, folder, demo / "src") as url:
        settings = yaml.safe_load((deploy / "compose/prometheus.yaml").read_text(encoding="utf-8"))
        settings["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        settings["rule_files"] = [str(deploy / "monitoring/alerts.yaml")]
        settings["scrape_configs"][0]["static_configs"][0]["targets"] = [urllib.parse.urlsplit(url).netloc]
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        options = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={folder / 'data'}"]
        with (folder / "prometheus.log").open("w") as log:
            watcher = subprocess.Popen(
                ["prometheus", f"--config.file={folder / 'prometheus.yaml'}", *options], stdout=log, stderr=log
            )
        try:
            address = f"http://127.0.0.1:{port}"
            body = (demo / "tests/example-request.json").read_bytes()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                request = urllib.request.Request(f"{url}/predict", body, {"Content-Type": "application/json"})
                DIRECT.open(request, timeout=30).read()
                assert watcher.poll() is None, (folder / "prometheus.log").read_text()
                if len(ask(address, "count_over_time(model_rows_total[1m]) > 5")):
                    break
                time.sleep(0.2)
            yield address, deploy
        finally:
            watcher.terminate()
            watcher.wait(30)


def ask(address: str, query: str) -> list[dict[str, Any]]:
    """The result of a query, now; nothing while Prometheus starts."""
    try:
        with DIRECT.open(f"{address}/api/v1/query?{urllib.parse.urlencode({'query': query})}", timeout=10) as answer:
            result: list[dict[str, Any]] = json.loads(answer.read())["data"]["result"]
            return result
    except OSError:
        return []


def test_every_panel_shows_what_happened(watched: tuple[str, Path]) -> None:
    address, deploy = watched
    panels = json.loads((deploy / "monitoring/dashboard.json").read_text(encoding="utf-8"))["panels"]
    for panel in panels:
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "1m")
            values = [float(one["value"][1]) for one in ask(address, query)]
            if not any(word in query for word in MAY_BE_EMPTY):
                assert values, (panel["title"], query)
                assert max(values) > 0, (panel["title"], query)


def test_a_healthy_service_raises_no_alert(watched: tuple[str, Path]) -> None:
    address, deploy = watched
    with DIRECT.open(f"{address}/api/v1/rules", timeout=10) as answer:
        groups = json.loads(answer.read())["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    written = yaml.safe_load((deploy / "monitoring/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    assert len(rules) == sum(len(group["rules"]) for group in written)
    assert {(rule["name"], rule["health"]) for rule in rules if rule["health"] == "err"} == set()
    measured = "ServiceDown|ServiceSlow"  # pending after one slow second of a busy machine, and no more
    assert ask(address, f'ALERTS{{alertname!~"{measured}"}}') == []
    assert ask(address, 'ALERTS{alertstate="firing"}') == []
    assert {*measured.split("|")} < {rule["name"] for rule in rules}
