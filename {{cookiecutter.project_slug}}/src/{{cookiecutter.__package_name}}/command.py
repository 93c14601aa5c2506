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
        _stop(error)
    except OSError as error:  # a folder that cannot be written, a full disk
        _stop(f"{error.filename or 'input or output'}: {error.strerror or error}")


def _stop(sentence: object) -> None:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(2)
