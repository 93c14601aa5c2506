"""How every command ends: with a result, or with one sentence about what is wrong with its input."""

import sys
from collections.abc import Callable


class InputError(Exception):
    """Something a person can mend: the message names the file or column, what is wrong and what to do."""


def run(command: Callable[[], None]) -> None:
    """Run `command`; an `InputError` becomes one sentence and exit code 2, never a traceback."""
    try:
        command()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
