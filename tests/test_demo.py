"""The demo script stops what it started, says which command failed, and releases without any container tool."""

import gzip
import io
import json
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import bench_release
import comments
import console
import generate
import local_registry
import pytest
import serve
import stand_in_skopeo
import tools
from loopback import DIRECT
from registries import image_folder, labels, write_probe

from model_review.cli import main
from model_review.release.push import labels_of_folder, read_folder
from model_review.release.registry import Registry


def test_stopping_the_service_ends_its_workers_too() -> None:
    command = ["sh", "-c", "sleep 600 & wait"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    serve.stop(process)
    assert process.stdout is not None
    assert process.stdout.read() == b""  # the pipe ends when the last process that holds it has ended


def test_stopping_a_service_that_ended_by_itself_is_no_error() -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()
    serve.stop(process)


def test_failing_command_is_named_with_its_output(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        console.step("fail", sys.executable, "-c", "import sys; print('why'); sys.exit(3)", cwd=tmp_path)
    assert "why" in str(stopped.value)
    assert f"failed in {tmp_path}" in str(stopped.value)


def test_earlier_project_is_kept_once_and_its_environment_moves_into_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "customer-churn"
    monkeypatch.setattr(console, "PROJECT", project)
    for run in ("first", "second", "third"):
        generate.move_earlier_aside()
        project.mkdir()
        (project / "run").write_text(run, encoding="utf-8")
        generate.reuse_environment()
        (project / ".venv").mkdir(exist_ok=True)
        (project / ".venv" / run).touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["customer-churn", "customer-churn.previous"]
    assert (tmp_path / "customer-churn.previous" / "run").read_text(encoding="utf-8") == "second"
    assert {path.name for path in (project / ".venv").iterdir()} == {"first", "second", "third"}


def test_comment_is_shown_as_its_reader_sees_it_first() -> None:
    comment = """## \u2705 Promote

`roc_auc` gets better by 0.1 \\(much\\), see [the guide](https://example.org/guide).

**Next:** Merge, if you agree.

| objective | change |
|---|---|
| `roc_auc` | +0.1 |

```text
[==o==]
```

<details><summary>Every model</summary>

| folded | away |
|---|---|

</details>

### Rules

| rule | status |
|---|---|

<sub>Commit 1234567</sub>
"""
    assert comments.rendered(comment).splitlines() == [
        "\u2705 PROMOTE",
        "",
        "roc_auc gets better by 0.1 (much), see the guide.",
        "",
        "Next: Merge, if you agree.",
        "",
        "objective  change",
        "roc_auc    +0.1",
        "",
        "[==o==]",
    ]


def test_small_registry_takes_what_the_engine_pushes_promotes_and_rolls_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no docker-registry here
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with local_registry.registry(tmp_path) as (host, kind):
        assert kind == "the demo's own small one"
        image, log = f"{host}/you/shop", tmp_path / "promotions.jsonl"
        held = Registry(image)
        assert held.resolve("production") is None
        digests = []
        for name in ("a", "b"):
            folder, digest = image_folder(tmp_path / name, labels(commit=name * 40))
            assert main(["push", "--folder", str(folder), "--image", image]) == 0
            probe = write_probe(tmp_path / f"{name}.json", digest)
            assert main(["promote", "--image", f"{image}@{digest}", "--probe", str(probe), "--log", str(log)]) == 0
            assert held.resolve("production") == digest
            digests.append(digest)
        assert main(["rollback", "--image", image, "--log", str(log)]) == 0
        assert held.resolve("production") == digests[0] != digests[1]

        forged = urllib.request.Request(f"http://{host}/v2/you/shop/blobs/uploads/1?digest={digests[0]}", b"other")
        forged.method = "PUT"
        with pytest.raises(urllib.error.HTTPError, match="400"):
            DIRECT.open(forged)


def test_stand_in_for_skopeo_writes_the_image_that_docker_saved(tmp_path: Path) -> None:
    layers = [b"a layer" * 1000, gzip.compress(b"a layer that is compressed")]
    config = json.dumps({"config": {"Labels": labels()}}).encode()
    content = [{"Config": "config.json", "RepoTags": ["shop:1"], "Layers": ["0/layer.tar", "1/layer.tar"]}]
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        for name, data in (
            ("manifest.json", json.dumps(content).encode()),
            ("config.json", config),
            ("0/layer.tar", layers[0]),
            ("1/layer.tar", layers[1]),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    source = f"docker-archive:{tmp_path / 'image.tar'}"
    stand_in_skopeo.main(["copy", "--quiet", "--dest-compress", source, f"dir:{tmp_path / 'image'}"])
    assert labels_of_folder(tmp_path / "image") == labels()
    manifest, blobs = read_folder(tmp_path / "image")
    stored = [blobs[one["digest"]].read_bytes() for one in manifest.parsed()["layers"]]
    assert gzip.decompress(stored[0]) == layers[0]
    assert stored[1] == layers[1]


def test_machine_without_container_tools_is_told_which_packages_bring_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python:3.11-slim AS base\n", encoding="utf-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    with tools.available(tmp_path) as found:
        packages = "(apt install buildah podman skopeo jq)"
        assert (
            found == f"buildah and podman and skopeo and jq are not installed {packages}, and no Docker engine answers"
        )


def test_duration_is_read_as_act_prints_it() -> None:
    for printed, value in (("1m46.5s", 106.5), ("2.25s", 2.25), ("771ms", 0.771), ("490µs", 49e-5)):
        assert bench_release.seconds(printed) == pytest.approx(value)
