"""Seconds from a merge until its image is in production: the project's release.yml under act, step by step.

Warm: one release was made before, so that uv's cache, the job's environment and the image's packages are there. The
second changes the model alone. Without a container tool the same is measured with bentos.
"""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import release_bento
import release_image
import yaml
from console import ROOT, SETTINGS, say, step
from fake_github import FakeGitHub, tls_certificate
from hosted import Hosted
from local_registry import registry
from pulls import OWNER
from repositories import git
from tools import Tools, available

REBUILD = ("Build the bento", "Build the image")
DONE = re.compile(r"^\[release/(\w+) *\].*Success - Main (.+) \[([\d.hmsµn]+)\]$", re.MULTILINE)
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


def seconds(duration: str) -> float:
    """What act prints as `1m46.63s`."""
    return sum(float(value) * UNITS[unit] for value, unit in re.findall(r"([\d.]+)(h|ms|m|s|µs|ns)", duration))


def show_release(project: Path) -> None:
    """Release a generated project twice, and print what the second release cost."""
    place = project.parent / "release"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with (
        available(project) as found,
        registry(place) as (host, _),
        FakeGitHub(repository=OWNER, certificate=tls_certificate(place)) as fake,
    ):
        image = f"{host}/{OWNER}"
        settings = _named(project, image)
        hosted = Hosted(fake, place / "github", f"{settings['actions']}@{settings['actions-commit']}", SETTINGS)
        hosted.push(project, "main", "refs/heads/main")
        if isinstance(found, Tools):
            with release_image.place(hosted, found, image, place / "documents") as where:
                release_image.release(where, "first")
                _change_the_model(hosted, project)
                _show(release_image.release(where, "second"), project)
            return
        say(f"\nfrom a merge to what is in production: no container is built ({found}), so with bentos")
        step("train once, for the evaluation rows", "uv", "run", "train", cwd=project)
        with release_bento.place(hosted, image, place / "documents", project / "run") as without:
            before = release_bento.release(without, "first", None)
            _change_the_model(hosted, project)
            say("the second release, warm")
            release_bento.release(without, "second", before)


def _named(project: Path, image: str) -> dict[str, str]:
    """Give the project's image the name that it has in this registry, and commit it all."""
    file = project / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    settings: dict[str, str] = tomllib.loads(text)["tool"]["model-review"]
    file.write_text(text.replace(settings["image"], image), encoding="utf-8")
    subprocess.run(["uv", "lock", "--quiet"], cwd=project, check=True)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "The project as generated")
    return settings


def _change_the_model(hosted: Hosted, project: Path) -> None:
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    changed = text.replace("max_iter: 100 ", "max_iter: 90 ")
    assert changed != text
    params.write_text(changed, encoding="utf-8")
    git(project, "commit", "--quiet", "--all", "--message", "Fewer trees")
    hosted.push(project, "main", "refs/heads/main")


def _show(released: release_image.Released, project: Path) -> None:
    workflow = yaml.safe_load((project / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    package = yaml.safe_load((ROOT / ".github/actions/package/action.yml").read_text(encoding="utf-8"))
    inner = {one["name"] for one in package["runs"]["steps"]}
    outer = {(name, one["name"]) for name, job in workflow["jobs"].items() for one in job["steps"] if "name" in one}
    took = {(job, name): seconds(duration) for job, name, duration in DONE.findall(released.printed)}
    say("\nfrom a merge to what is in production: release.yml under act, warm (attest and staging run side by side)")
    for (job, name), value in took.items():
        if (job, name) in outer or name in inner:
            say(f"  {job:<11}{('  ' if name in inner else '') + name:<58}{value:7.2f} s")
    say(f"  {'from the merge to promoted and recorded':<69}{released.seconds:7.2f} s")
    rebuilt = sum(took["model", name] for name in REBUILD)
    met = "met" if rebuilt < 20 else "MISSED"
    say(f"  {met}: bento and image rebuilt after a change of model in {rebuilt:.1f} s (aim: under 20 s)")
