"""`make demo`: from a table to a served model, then three pull requests, each answered with a verdict.

One module per step. Everything stays in `.demo`.
"""

import signal
import sys
import time

import generate
import pulls
import serve
from console import PROJECT, say, shown


def main() -> None:
    """Run the demo."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    started = time.monotonic()
    say("model-review demo: from a table to a served model, then three pull requests\n")
    say("1. From a table to a trained model")
    generate.run()
    say("\n2. The model as a service")
    serve.run()
    say("\n3. Three pull requests: act runs the project's workflows, against a fake GitHub on this machine")
    pulls.run()
    say(f"\nThe project is in {shown(PROJECT)}; its README.md says how to go on, its branches are the pull requests.")
    say(f"Done in {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("demo: stopped")
