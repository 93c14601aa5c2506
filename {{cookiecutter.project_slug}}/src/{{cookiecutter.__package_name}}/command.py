"""How every command starts and ends: with its options read, and with a result or one sentence about its input."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from . import ROOT

MODEL = {"type": Path, "default": ROOT / "run/model", "help": "a run's model folder (default: run/model)"}


class InputError(Exception):
    """Something a person can mend: the message names the file or column, what is wrong and what to do."""


def run(work: Callable[..., None], options: Mapping[str, Mapping[str, Any]]) -> None:
    """Call `work` with the command line's options; an `InputError` becomes one sentence and exit code 2."""
    parser = argparse.ArgumentParser(description=work.__doc__)
    for name, settings in options.items():
        parser.add_argument(name, **settings)
    try:
        work(**vars(parser.parse_args()))
    except InputError as error:
        sentence = str(error)
    except OSError as error:  # a folder that cannot be written, a full disk
        sentence = f"{error.filename or 'input or output'}: {error.strerror or error}"
    else:
        return
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(2)
