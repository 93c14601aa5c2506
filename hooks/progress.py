"""The one line that says how far a long read has come: written over again where a person watches, else once."""

import sys

LARGE_BYTES = 20_000_000
MANY_CELLS = 2_000_000


def show(text: str) -> None:
    """Write over the line before, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


def finish(text: str) -> None:
    """Write the last state of the line, and end it."""
    print(f"\r{text:<60}" if sys.stderr.isatty() else text, file=sys.stderr)
