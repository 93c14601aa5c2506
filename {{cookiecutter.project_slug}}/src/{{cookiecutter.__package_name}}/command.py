"""How every command starts and ends: with its options read, and with a result or one sentence about its input."""

import argparse
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import ROOT, InputError

MODEL = {"type": Path, "default": ROOT / "run/model", "help": "a run's model folder (default: run/model)"}


def line(**options: dict[str, Any]) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Make a command of a function with these options; an `InputError` becomes one sentence and exit code 2."""
    return lambda work: functools.partial(_run, work, options)


def _run(work: Callable[..., None], options: dict[str, dict[str, Any]]) -> None:
    parser = argparse.ArgumentParser(description=work.__doc__)
    for name, settings in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", **settings)
    try:
        work(**vars(parser.parse_args()))
    except (InputError, OSError) as error:  # an OSError: a folder that cannot be written, a full disk
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
