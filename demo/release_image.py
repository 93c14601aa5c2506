"""Releases as containers: the project's own release.yml and rollback.yml under act, against a registry on this machine.

GitHub is the tests' fake one, other people's actions are their stand-ins. The registry, the image and its containers
are real. Going forward again is done by hand, with the verb that the workflow calls.
"""

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import stand_ins
from act import ACT, Finished, Runner
from console import say, shown, step, took
from containers import HARDENED
from fake_forge import TOKEN, Forge, forge
from hosted import Hosted
from loopback import free_port
from pulls import Answer, keep, kept, merge
from releases import engine, production, say_answer, say_log, say_release, short
from repositories import git
from serve import ready
from tools import Tools

HERE = Path(__file__).resolve().parent
READY_SECONDS = 60
PLACES = ("CONTAINERS_STORAGE_CONF", "CONTAINERS_CONF", "BUILDAH_ISOLATION", "DOCKER_HOST")


@dataclass(frozen=True)
class Place:
    """Where releases are made.

    Attributes:
        image: Its name in the registry.
        documents: Where a release's documents go, each in a folder of its own.
        runner: The machine of release.yml; its workspaces lie below no hidden folder, which BentoML refuses.
    """

    hosted: Hosted
    forge: Forge
    tools: Tools
    image: str
    documents: Path
    runner: Runner


@dataclass(frozen=True)
class Released:
    """One release: what is in production by it, where its documents are, and what its workflow printed."""

    digest: str
    documents: Path
    printed: str
    seconds: float


def first(place: Place) -> None:
    """Release main for the first time: floors alone decide."""
    _tell(place, release(place, "release-1"), "push to main: release.yml, a first release")


def merged(place: Place, answer: Answer) -> None:
    """Merge a pull request, release it, go back, go forward again; ask the service each time."""
    before = production(place.image)
    commit, head = merge(place.hosted, answer.number)
    place.forge.pulls[commit] = (answer.number, head)
    place.forge.comparisons[head] = answer.comparison.read_bytes()
    released = release(place, "release-2")
    _tell(place, released, "merge: release.yml, compared with production")
    _ask(place)
    started = time.monotonic()
    _act(place, "workflow_dispatch", "rollback", {"inputs": {"to": "previous"}, "ref": "refs/heads/main"}, "rollback")
    took("one click back: rollback.yml", started)
    assert production(place.image) == before
    say(f"    production is {short(before)} again; it was pulled by digest and probed first")
    _ask(place)
    _forward(place, released)
    _ask(place)


def release(place: Place, name: str) -> Released:
    """Run release.yml for main's newest commit."""
    started = time.monotonic()
    repository = {"full_name": place.forge.name, "private": False}
    done = _act(place, "push", "release", {"ref": "refs/heads/main", "repository": repository}, name)
    seconds = time.monotonic() - started
    return Released(production(place.image), place.documents / name / "model-review-release", done.printed, seconds)


def _tell(place: Place, released: Released, title: str) -> None:
    say(f"  {title:<45} {released.seconds:5.1f} s")
    probe = json.loads((released.documents / "probe.json").read_text(encoding="utf-8"))
    size = f"an image of {probe['image']['bytes'] / 1e6:.0f} MB, by {place.tools.builder}"
    say_release(released.documents, f"{place.image}@{released.digest}", size)
    if numbers := re.search(r"::set-output:: reproduced=(\S.*)", released.printed):
        say(f"    numbers    {numbers[1]}")


def _act(place: Place, event: str, workflow: str, payload: Mapping[str, object], name: str) -> Finished:
    store = place.documents / name
    store.mkdir(parents=True)
    checkout = place.hosted.checkout("refs/heads/main", workflow, depth=0)
    variables = {"ARTIFACT_STORE": str(store), **kept("second")}
    done = place.runner.run(checkout, event, workflow, payload, token=TOKEN, variables=variables)
    keep(name, done.printed)
    if not done.succeeded:
        sys.exit(f"{done.printed}\ndemo: {workflow}.yml failed; its output is above.")
    shutil.rmtree(store / "model-review-image", ignore_errors=True)  # the registry has it now
    return done


def _forward(place: Place, released: Released) -> None:
    """Promote by hand, with the log and the probe that the branch holds; the new line goes to the branch."""
    digest, records = released.digest, place.documents / "model-review"
    git(place.documents, "clone", "--quiet", "--branch", "model-review", str(place.hosted.remote), str(records))
    named = ["--image", f"{place.image}@{digest}", "--probe", str(records / f"probes/{digest.replace(':', '-')}.json")]
    verdict = ["--verdict", str(released.documents / "verdict.json")]
    log = records / "promotions.jsonl"
    step("promoted again, by hand: model-review promote", *engine("promote"), *named, *verdict, "--log", str(log))
    git(records, "add", "promotions.jsonl")
    git(records, "commit", "--quiet", "--message", f"In production: {digest}")
    git(records, "push", "--quiet", "origin", "HEAD")
    assert production(place.image) == digest
    say_log(log)


def _ask(place: Place) -> None:
    """Start what is in production as production would, and send the project's example request."""
    started = time.monotonic()
    digest, port = production(place.image), free_port()
    name = f"model-review-demo-{port}"
    runner, published = place.tools.runner, f"127.0.0.1:{port}:3000"
    command = [runner, "run", "--detach", "--name", name, *HARDENED, "--publish", published, f"{place.image}@{digest}"]
    try:
        begun = place.tools.run(*command)
        url = f"http://127.0.0.1:{port}"
        while begun.returncode == 0 and not ready(url):
            if time.monotonic() - started > READY_SECONDS:
                begun = place.tools.run(runner, "logs", name)
                begun.returncode = begun.returncode or 1
            time.sleep(0.2)
        if begun.returncode:
            sys.exit(f"{begun.stdout}{begun.stderr}\ndemo: the container of production did not get ready.")
        took(f"start and ask what is in production ({runner})", started)
        say_answer(url, place.image)
    finally:
        place.tools.run(runner, "kill", name)  # it has answered; nothing is to be waited for
        place.tools.run(runner, "rm", "--force", name)


@contextmanager
def place(hosted: Hosted, tools: Tools, image: str, documents: Path) -> Iterator[Place]:
    """Where releases are made, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="model-review-demo-", dir="/tmp") as folder, forge(hosted.remote) as fake:
        fake.name = hosted.fake.repository
        # Git finds the repository of this GitHub on the disk.
        config = Path(folder) / "gitconfig"
        config.write_text(f'[url "{hosted.remote.as_uri()}"]\n  insteadOf = {fake.url}/{fake.name}\n', encoding="utf-8")
        variables = {"GITHUB_API_URL": fake.url, "GITHUB_SERVER_URL": fake.url, "GIT_CONFIG_GLOBAL": str(config)}
        variables |= {name: tools.environment[name] for name in PLACES if name in tools.environment}
        if shutil.which("skopeo") is None:
            found = [one for one in os.environ["PATH"].split(os.pathsep) if Path(one) != ACT.parent]
            variables["PATH"] = os.pathsep.join([str(_skopeo(Path(folder))), *found])
        mapped = hosted.runner.mapped
        if tools.base:
            mapped = stand_ins.place(Path(folder) / "actions", hosted.actions)
            _build_on(tools.base, Path(folder) / "actions/model-review/.github/actions/package/action.yml")
        runner = Runner(Path(folder) / "runner", mapped, {**hosted.runner.variables, **variables})
        try:
            yield Place(hosted, fake, tools, image, documents, runner)
        except BaseException:
            runner.stop()
            raise


def _skopeo(folder: Path) -> Path:
    """A folder with the stand-in for skopeo; Docker's users rarely have the real one."""
    program = folder / "bin/skopeo"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I {HERE / "stand_in_skopeo.py"} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program.parent


def _build_on(base: str, action: Path) -> None:
    """Let the package action build on another image than the recipe's, as its input of that name does."""
    text = action.read_text(encoding="utf-8")
    given = re.sub(r'(  base-image:\n.*\n.*\n    default: )""', rf"\g<1>{base}", text)
    if given == text:
        sys.exit(f"demo: {shown(action)} has no input base-image; the action changed, so change the demo too.")
    action.write_text(given, encoding="utf-8")
