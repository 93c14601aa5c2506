"""The image beside the one that `bentoml containerize` makes by default from the same bento, both built by buildah.

Run: python benchmarks/image.py
"""

import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.extend(
    str(Path(__file__).resolve().parents[1] / name)
    for name in ("hooks", "tests/template", "tests/workflows", "tests/image")
)

import containers as tools
from containers import BASE, HARDENED, Containers, containers, make_base, started
from loopback import registry
from packaging_steps import change_model, earlier, trained_project
from repositories import ACTIONS, commit_all, step
from serving import cpu_seconds

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 3
WITH_PIP = "localhost/model-review-base-with-pip:1"


@dataclass(frozen=True)
class Measured:
    """What one recipe costs."""

    name: str
    build: float
    size: int
    pushed: int
    ready: float
    cpu: float
    rebuild: float
    new_size: int
    new_pushed: int


def main() -> None:
    """Build both, print both, and say which aims are met."""
    missing = tools.missing()
    if missing:
        print(f"image: not measured here: {missing}")
        return
    with containers() as world, registry(world.folder) as host, tempfile.TemporaryDirectory() as place:
        python = make_base(world)
        folder = Path(place)
        (folder / "p").mkdir()
        project = trained_project(folder / "p", python)
        by_default = plain_recipe(world, project, folder / "default", python)
        ours = measure(world, host, "two-stage recipe", project, folder / "ours", BASE)
        theirs = measure(world, host, "bentoml's default", by_default, folder / "theirs", WITH_PIP)
        form = json.loads((project / "run/run.json").read_text(encoding="utf-8"))["model"]["format"]
    show(ours, theirs, form)


def plain_recipe(world: Containers, project: Path, target: Path, python: str) -> Path:
    """The same project without a recipe of its own; a base that has pip on the PATH, as official images have."""
    container = world.must("buildah", "from", BASE)
    world.must("buildah", "run", container, "python3", "-m", "venv", "/usr/local/pip")
    for program in ("pip", "uv"):  # uv is put there by the default recipe
        world.must("buildah", "run", container, "ln", "-s", f"../pip/bin/{program}", f"/usr/local/bin/{program}")
    world.must("buildah", "commit", "--quiet", "--rm", container, WITH_PIP)
    copy = Path(shutil.copytree(project, target, symlinks=True))
    settings = copy / "bentofile.yaml"
    text, _, _ = settings.read_text(encoding="utf-8").partition("docker:\n")
    settings.write_text(text, encoding="utf-8")
    # The action replaces what stands here by the test's base; nothing else reads it.
    (copy / "Dockerfile").write_text(f"FROM python:{python}-slim AS base\n", encoding="utf-8")
    commit_all(copy)
    return copy


def measure(world: Containers, host: str, name: str, project: Path, scratch: Path, base: str) -> Measured:
    """Build, push, start; then the same after a change of the model."""
    hardened = HARDENED if base == BASE else ()  # the default does not start on a read-only system
    build, first = timed_build(world, project, scratch / "first", base)
    before = push(world, first, f"{host}/{scratch.name}")
    seconds, cpu = [], []
    for _ in range(ROUNDS):
        with started(world, first, hardened=hardened) as (container, _, ready):
            seconds.append(ready)
            cpu.append(cpu_seconds(int(world.must("podman", "inspect", "--format", "{{.State.Pid}}", container))))
    again = change_model(project, scratch / "changed")
    rebuild, second = timed_build(world, again, scratch / "second", base)
    after = push(world, second, f"{host}/{scratch.name}")
    return Measured(
        name=name,
        build=build,
        size=size(world, first),
        pushed=sum(before.values()),
        ready=statistics.median(seconds),
        cpu=statistics.median(cpu),
        rebuild=rebuild,
        new_size=new_layers(world, first, second),
        new_pushed=sum(length for digest, length in after.items() if digest not in before),
    )


def timed_build(world: Containers, project: Path, scratch: Path, base: str) -> tuple[float, str]:
    """Seconds of the package action's build of the image, and the image."""
    scratch.mkdir(parents=True)
    given = world.environment | {"image": "", "builder": "buildah", "base-image": base}
    made = step(ACTIONS / "package", "Build the bento", project, scratch, **given)
    start = time.perf_counter()
    built = step(ACTIONS / "package", "Build the image", project, scratch, **given, **earlier(made))
    return time.perf_counter() - start, built["image"]


def push(world: Containers, image: str, remote: str) -> dict[str, int]:
    """The compressed layers as the registry holds them: digest to bytes."""
    world.must("buildah", "push", "--tls-verify=false", image, f"docker://{remote}")
    manifest = world.must("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{remote}")
    return {layer["digest"]: layer["size"] for layer in json.loads(manifest)["layers"]}


def size(world: Containers, image: str) -> int:
    """Bytes of an image, unpacked."""
    return int(json.loads(world.must("podman", "image", "inspect", image))[0]["Size"])


def new_layers(world: Containers, first: str, second: str) -> int:
    """Bytes of the layers that the second image does not share with the first."""
    shared = set(json.loads(world.must("podman", "image", "inspect", first))[0]["RootFS"]["Layers"])
    layers = json.loads(world.must("podman", "image", "inspect", second))[0]["RootFS"]["Layers"]
    sizes = [one["size"] for one in json.loads(world.must("podman", "history", "--format", "json", second))]
    filled = [one for one in reversed(sizes) if one]  # oldest first; what holds no layer has no size
    return sum(bytes_ for layer, bytes_ in zip(layers[-len(filled) :], filled, strict=True) if layer not in shared)


def show(ours: Measured, theirs: Measured, form: str) -> None:
    """One line for each figure."""
    print(f"Image of the demo project ({form}); the base is made with debootstrap and comparable to python:slim")
    print(f"{'':34s}{ours.name:>18s}{theirs.name:>20s}")
    rows = [
        ("size, MB", "size", 1e6), ("pushed, compressed, MB", "pushed", 1e6), ("ready after start, s", "ready", 1),
        ("  CPU time until then, s", "cpu", 1),
        ("build, s", "build", 1), ("build after a change of model, s", "rebuild", 1),
        ("  new layers, MB", "new_size", 1e6), ("  newly pushed, MB", "new_pushed", 1e6),
    ]  # fmt: skip
    for title, field, unit in rows:
        print(f"{title:34s}{getattr(ours, field) / unit:18.1f}{getattr(theirs, field) / unit:20.1f}")
    aims = [
        (f"{ours.size / theirs.size:.0%} of the default's size (aim: at most 35 %)", ours.size <= 0.35 * theirs.size),
        (f"{ours.size / 1e6:.0f} MB (aim: at most 400 MB for ONNX)", ours.size <= 400e6),
        (f"ready after {ours.ready:.2f} s (aim: 1.7 s on a quiet machine)", ours.ready <= 1.7),
        (f"rebuilt after a change of model in {ours.rebuild:.1f} s (aim: under 20 s)", ours.rebuild < 20),
        (f"{ours.new_size / 1e6:.2f} MB of new layers (aim: under 5 MB)", ours.new_size < 5e6),
    ]
    for sentence, met in aims:
        print(f"  {'met' if met else 'MISSED'}: {sentence}")


if __name__ == "__main__":
    main()
