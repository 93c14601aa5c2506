"""Releases without a container tool: the bento itself is released, by the verbs that the workflows call.

The registry holds any files by digest, so the bento goes into it as the one layer of an image that cannot start: with
the labels of a release, and so with the same promotion, rollback and log. Main's own workflow trains, as it does
where publishing is off.
"""

import hashlib
import io
import json
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from console import ROOT, say, shown, step
from hosted import Hosted
from loopback import DIRECT, free_port
from pulls import Answer, kept, merge, train_main
from releases import engine, production, say_answer, say_log, say_release, short
from repositories import git
from serve import serving

from model_review.release.registry import Registry

PACKAGE = ROOT / ".github/actions/package/bento.sh"
KINDS = "application/vnd.oci.image"


@dataclass(frozen=True)
class Release:
    """A commit of main, released: its digest, its checkout with the run in it, its documents."""

    digest: str
    checkout: Path
    documents: Path


@dataclass(frozen=True)
class Place:
    """Where releases are made.

    Attributes:
        image: Its name in the registry.
        documents: Where a release's documents go, each in a folder of its own.
        rows: A run directory with the evaluation rows, which no saved run has.
        folder: For what goes away; no hidden one, which BentoML refuses.
    """

    hosted: Hosted
    image: str
    documents: Path
    rows: Path
    folder: Path

    @property
    def log(self) -> Path:
        """The promotion log."""
        return self.documents / "promotions.jsonl"


@contextmanager
def place(hosted: Hosted, image: str, documents: Path, rows: Path) -> Iterator[Place]:
    """Where releases are made, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="model-review-demo-", dir="/tmp") as folder:
        yield Place(hosted, image, documents, rows, Path(folder))


def first(place: Place) -> Release:
    """Release main for the first time: floors alone decide."""
    return release(place, "release-1", None)


def merged(place: Place, answer: Answer, before: Release) -> None:
    """Merge a pull request, release it, go back, go forward again; ask the service each time."""
    merge(place.hosted, answer.number)
    after = release(place, "release-2", before)
    _ask(place, after)
    named = ["--image", place.image, "--log", str(place.log)]
    step("one step back: model-review rollback", *engine("rollback"), *named)
    assert production(place.image) == before.digest
    say(f"    production is {short(before.digest)} again")
    _ask(place, after)
    _promote(place, after, "promoted again: model-review promote")
    _ask(place, after)
    say_log(place.log)
    say(f"    the bentos stay in {shown(before.documents / 'bento')} and {shown(after.documents / 'bento')}")


def release(place: Place, name: str, before: Release | None) -> Release:
    """Train, build, push, probe, compare, promote."""
    train_main(place.hosted, name)
    commit = git(place.hosted.remote, "rev-parse", "refs/heads/main")
    checkout, documents = place.folder / name, place.documents / name
    documents.mkdir(parents=True)
    git(place.folder, "clone", "--quiet", str(place.hosted.remote), str(checkout))
    (checkout / ".venv").symlink_to(Path(kept("second")["KEPT_ENVIRONMENTS"]) / "model")
    shutil.copytree(_saved(place.hosted, commit), checkout / "run")
    _give_rows(checkout / "run", place.rows)
    bento = _built(checkout, documents / "bento")
    made_of = f"a bento in one layer, {_size(bento) / 1e6:.1f} MB"
    pushed = documents / "layers"
    digest = _packed(bento, pushed, checkout)
    step("push it: model-review push", *engine("push"), "--folder", str(pushed), "--image", place.image)
    shutil.rmtree(pushed)
    port = free_port()
    start = shlex.join([*_serve(checkout, bento), "--host", "127.0.0.1", "--port", str(port)])
    probe = ["--run", str(checkout / "run"), "--url", f"http://127.0.0.1:{port}", "--start", start]
    probe += ["--digest", digest, "--out", str(documents / "probe.json")]
    step("start and probe it: model-review probe", *engine("probe"), *probe)
    champion = ["--champion", "none" if before is None else str(before.checkout / "run")]
    rules = ["--policy", str(checkout / "model-review.toml"), "--contract", str(checkout / "contract.yaml")]
    sides = ["--challenger", str(checkout / "run"), "--challenger-probe", str(documents / "probe.json")]
    if before is not None:
        sides += ["--champion-probe", str(before.documents / "probe.json")]
    step("compare with production", *engine("compare"), *champion, *sides, *rules, "--out", str(documents))
    made = Release(digest, checkout, documents)
    _promote(place, made, "promote it: model-review promote")
    say_release(documents, f"{place.image}@{digest}", made_of)
    return made


def _built(checkout: Path, target: Path) -> Path:
    """Let the package action's script build the bento; it is moved to the documents."""
    scratch = checkout.parent / f"{checkout.name}-scratch"
    scratch.mkdir()
    given = {"RUNNER_TEMP": str(scratch), "GITHUB_OUTPUT": str(scratch / "outputs")}
    variables = [f"{name}={value}" for name, value in given.items()]
    step("build the bento: bentoml build", "env", *variables, "bash", str(PACKAGE), cwd=checkout)
    (found,) = (path.parent for path in (scratch / "model-review/bentoml/bentos").glob("*/*/bento.yaml"))
    shutil.copytree(found, target)
    return target


def _packed(bento: Path, folder: Path, checkout: Path) -> str:
    """Write the bento as an image's files, as `skopeo copy ... dir:` lays them out; its digest."""
    folder.mkdir()
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as layer:
        layer.add(bento, "bento")
    listed = subprocess.run(
        [*engine("labels"), "--run", "run"], cwd=checkout, capture_output=True, text=True, check=True
    ).stdout
    labels = dict(line.split("=", 1) for line in listed.splitlines())
    layers = {"type": "layers", "diff_ids": [_digest(plain.getvalue())]}
    config = {"architecture": "amd64", "os": "linux", "config": {"Labels": labels}, "rootfs": layers}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{KINDS}.manifest.v1+json",
        "config": _blob(folder, json.dumps(config).encode(), f"{KINDS}.config.v1+json"),
        "layers": [_blob(folder, plain.getvalue(), f"{KINDS}.layer.v1.tar")],
    }
    data = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(data)
    return _digest(data)


def _blob(folder: Path, data: bytes, kind: str) -> dict[str, object]:
    digest = _digest(data)
    (folder / digest.removeprefix("sha256:")).write_bytes(data)
    return {"mediaType": kind, "size": len(data), "digest": digest}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _promote(place: Place, made: Release, title: str) -> None:
    named = ["--image", f"{place.image}@{made.digest}", "--probe", str(made.documents / "probe.json")]
    verdict = ["--verdict", str(made.documents / "verdict.json")]
    step(title, *engine("promote"), *named, *verdict, "--log", str(place.log))
    assert production(place.image) == made.digest


def _ask(place: Place, made: Release) -> None:
    """Take what is in production out of the registry, start it, and ask it."""
    manifest = Registry(place.image).manifest("production")
    assert manifest is not None
    host, _, name = place.image.partition("/")
    layer = f"http://{host}/v2/{name}/blobs/{manifest.parsed()['layers'][0]['digest']}"
    target = place.folder / f"pulled-{time.monotonic_ns()}"
    with DIRECT.open(layer, timeout=30) as blob, tarfile.open(fileobj=io.BytesIO(blob.read())) as files:
        files.extractall(target, filter="data")
    with serving("pull, start and ask production", *_serve(made.checkout, target / "bento"), cwd=target) as url:
        say_answer(url, place.image)


def _serve(checkout: Path, bento: Path) -> list[str]:
    """The command that serves a bento, in the environment of a project; its log goes away with the demo."""
    log = f"SERVICE_LOG_FOLDER={checkout.parent / 'logs'}"
    return [
        "env",
        log,
        "uv",
        "run",
        "--project",
        str(checkout),
        "--frozen",
        "--no-sync",
        "bentoml",
        "serve",
        str(bento),
    ]


def _saved(hosted: Hosted, commit: str) -> Path:
    """The run of that commit, as main's workflow saved it."""
    runs = [path.parent for path in hosted.cache.glob("*/run.json")]
    return next(run for run in runs if json.loads((run / "run.json").read_text(encoding="utf-8"))["commit"] == commit)


def _give_rows(run: Path, other: Path) -> None:
    """The evaluation rows of a run on the same table, for the golden requests; they have to be the same rows."""
    digests = [
        json.loads((one / "run.json").read_text(encoding="utf-8"))["data"]["evaluation_digest"] for one in (run, other)
    ]
    if digests[0] != digests[1]:
        sys.exit(f"demo: {shown(other)} was evaluated on other rows than main's run.")
    shutil.copy(other / "evaluation.parquet", run)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
