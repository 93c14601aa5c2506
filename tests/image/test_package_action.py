"""The package action: what is put into it arrives, what it promises comes out, and what it cannot do it says."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from packaging_steps import NAME, PACKAGE, Packaged
from repositories import commit, content, git


@pytest.mark.xdist_group("image")
def test_every_output_is_there(packaged: Packaged) -> None:
    action = content(PACKAGE)
    promised = {one["value"].removeprefix("${{ steps.").removesuffix(" }}") for one in action["outputs"].values()}
    assert promised == {f"{step}.outputs.{name}" for step, name in OUTPUTS.items() for name in name.split()}
    assert {name: bool(packaged.outputs[name]) for name in action["outputs"]} == dict.fromkeys(action["outputs"], True)


OUTPUTS = {"bento": "bento", "image": "image id builder", "probe": "probe"}


@pytest.mark.xdist_group("image")
def test_the_probe_asked_the_image_that_was_built(packaged: Packaged) -> None:
    probe = json.loads(Path(packaged.outputs["probe"]).read_text(encoding="utf-8"))
    assert probe["passed"] is True
    assert probe["image"]["reference"] == packaged.image
    assert probe["subject"]["commit"] is not None
    assert probe["cold_start_seconds"] > 0
    assert {check["name"]: check["status"] for check in probe["checks"]} == dict.fromkeys(
        ("ready", "openapi", "model", "golden", "canary", "violations", "load"), "passed"
    )
    running = packaged.world.must("podman", "ps", "--all", "--format", "{{.Names}}").split()
    assert not [name for name in running if name.startswith("model-review-")], "the probe left its container behind"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A committed folder that says which image it is."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet")
    commit(folder, pyproject_dot_toml=f'[tool.model-review]\nactions = "a/b"\nimage = "{NAME}"\n')
    return folder


@pytest.mark.parametrize(
    ("script", "variables", "words"),
    [
        ("bento", {}, "uv.lock is missing"),
        ("image", {"IMAGE": "Acme/Churn"}, '"Acme/Churn" is no name of an image'),
        ("image", {"IMAGE": "acme/churn:1"}, '"acme/churn:1" is no name of an image'),
        ("image", {"IMAGE": "acme/churn\nx"}, "is no name of an image"),
        ("image", {"BUILDER": "kaniko"}, 'builder is "kaniko"; docker and buildah are known'),
        ("image", {"PATH": ""}, "buildah is not installed"),
        ("probe", {"BUILDER": "buildah", "PATH": ""}, "podman is not installed"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_built(
    project: Path, tmp_path: Path, script: str, variables: dict[str, str], words: str
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "git", "sed"):  # and neither docker nor buildah
        (tools / name).symlink_to(
            next(Path(p) / name for p in os.environ["PATH"].split(":") if (Path(p) / name).exists())
        )
    known = {"IMAGE": "", "BUILDER": "", "BASE_IMAGE": "", "BENTO": "churn:1", "ID": "", "RUNNER_TEMP": str(tmp_path)}
    known |= {"GITHUB_ACTION_PATH": str(PACKAGE), "GITHUB_OUTPUT": str(tmp_path / "outputs")} | variables
    known["PATH"] = str(tools)
    command = ["bash", str(PACKAGE / f"{script}.sh")]
    done = subprocess.run(command, cwd=project, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert words in done.stdout
    assert not (tmp_path / "outputs").exists()


def test_the_image_s_name_is_the_project_s_unless_another_is_given(project: Path) -> None:
    line = next(
        line for line in (PACKAGE / "image.sh").read_text(encoding="utf-8").splitlines() if "IMAGE=$(sed" in line
    )
    done = subprocess.run(
        ["bash", "-c", f'{line.strip()}; printf %s "$IMAGE"'], cwd=project, capture_output=True, text=True
    )
    assert done.stdout == NAME
