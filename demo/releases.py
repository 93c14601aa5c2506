"""What both ways of releasing share: where the documents are, and how a release is told and asked."""

import json
import sys
import urllib.request
from pathlib import Path

from console import FOLDER, say, shown
from loopback import DIRECT
from serve import answer_of

from model_review.release.registry import Registry

RELEASES = FOLDER / "releases"
LABEL = "io.model-review.model-digest"


def engine(verb: str) -> list[str]:
    """The command that starts a verb of the engine."""
    return [str(Path(sys.executable).parent / "model-review"), verb]


def short(digest: str) -> str:
    """Enough of a digest to know it again."""
    return digest[: len("sha256:") + 12]


def production(image: str) -> str:
    """The digest of what is in production."""
    found = Registry(image).resolve("production")
    if found is None:
        sys.exit(f"demo: {image} has no tag production.")
    return found


def say_release(documents: Path, image: str, made_of: str) -> None:
    """What was built, what the probe and the comparison said, and where it can be read."""
    probe = json.loads((documents / "probe.json").read_text(encoding="utf-8"))
    verdict = json.loads((documents / "verdict.json").read_text(encoding="utf-8"))
    passed = [one["name"] for one in probe["checks"] if one["status"] == "passed"]
    one_row = next(one for one in probe["load"] if (one["rows"], one["clients"]) == (1, 1))
    name, _, digest = image.partition("@")
    say(f"    built      {name}@{short(digest)}: {made_of}")
    say(f"    probed     passed: {', '.join(passed)}; one row takes {one_row['p50_ms']:.1f} ms (median)")
    say(f"    verdict    {verdict['verdict']}: {verdict['reason']}")
    say(f"    promoted   production is {digest}")
    files = sorted(file.name for file in documents.iterdir() if file.suffix in (".md", ".html") or ".cdx." in file.name)
    say(f"    documents  in {shown(documents)}: {', '.join(files)}")


def say_answer(url: str, image: str) -> None:
    """Ask the service, which has to serve the model that the image's labels name."""
    registry = Registry(image)
    manifest = registry.manifest("production")
    assert manifest is not None
    with DIRECT.open(urllib.request.Request(f"{url}/model"), timeout=30) as answer:
        model = json.loads(answer.read())["model"]["digest"]
    if model != registry.labels(manifest)[LABEL]:
        sys.exit(f"demo: production is {manifest.digest}, and the service answers with the model {model}.")
    say(f"    answers    {answer_of(url)} (model {short(model)})")


def say_log(log: Path) -> None:
    """The promotion log, one line for each time that something went to production."""
    say(f"    the log    {shown(log)}")
    for line in log.read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        was = f"before: {short(one['previous'])}" if one["previous"] else "the first release"
        say(f"      {one['time']}  {one['action']:<8}  {short(one['digest'])}  {was}")
