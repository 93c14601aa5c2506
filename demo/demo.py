"""`make demo`: from a table to a served model, three pull requests, each answered with a verdict, and a release.

One module per step. Everything stays in `.demo`.
"""

import shutil
import signal
import sys
import time

import generate
import local_registry
import pulls
import release_bento
import release_image
import serve
import tools
from console import FOLDER, PROJECT, say, shown
from hosted import Hosted
from pulls import OWNER, repository
from releases import RELEASES

PULLS = "\n4. Three pull requests"
BETTER = "\n5. The better one is merged, released, taken back, and released again"


def main() -> None:
    """Run the demo."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()
    say("model-review demo: from a table to a served model, three pull requests, and a release\n")
    say("1. From a table to a trained model")
    generate.run()
    say("\n2. The model as a service")
    serve.run()
    say("\n3. Main is released: act runs the project's workflows, against a fake GitHub on this machine")
    shutil.rmtree(RELEASES, ignore_errors=True)
    with (
        tools.available(PROJECT) as found,
        local_registry.registry(FOLDER) as (host, kind),
        repository(f"{host}/{OWNER}") as hosted,
    ):
        say(f"  the registry on this machine is {kind}")
        if isinstance(found, tools.Tools):
            _as_images(hosted, found, f"{host}/{OWNER}")
        else:
            _as_bentos(hosted, found, f"{host}/{OWNER}")
    say(f"\nThe project is in {shown(PROJECT)}; its README.md says how to go on, its branches are the pull requests.")
    say(f"Done in {time.monotonic() - started:.0f} s.")


def _as_images(hosted: Hosted, found: tools.Tools, image: str) -> None:
    with release_image.place(hosted, found, image, RELEASES) as place:
        release_image.first(place)
        say(PULLS)
        answers = pulls.run(hosted)
        say(BETTER)
        release_image.merged(place, answers[0])


def _as_bentos(hosted: Hosted, why: str, image: str) -> None:
    say(f"  no container: {why}.")
    say("  So the bento is released by hand. Not done: image, container, attestations, staging, GitHub Release.")
    with release_bento.place(hosted, image, RELEASES, PROJECT / "run") as place:
        released = release_bento.first(place)
        say(PULLS)
        answers = pulls.run(hosted)
        say(BETTER)
        release_bento.merged(place, answers[0], released)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("demo: stopped")
