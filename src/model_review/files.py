"""Reading and writing files that are not trusted: never through a link, never without bound, never half written."""

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model_review.errors import ReviewError
from model_review.text import plain

Pairs = Callable[[list[tuple[str, Any]]], Any]
SMALL = 4 * 2**20
TABLE = 4 * 2**30
MOST = 1e100  # no number in a JSON file may be larger: squares and ratios of such numbers are still numbers


def checked(directory: Path, name: str, cap: int, *, required: bool = True) -> Path | None:
    """The path of a regular file directly inside `directory`, no larger than `cap`; None where it may be absent."""
    path = directory / name
    try:
        state = path.lstat()
    except OSError as error:
        if not required and isinstance(error, FileNotFoundError):
            return None
        raise ReviewError(f"{plain(path)} cannot be read ({error.strerror}); a run directory must hold it.") from None
    if stat.S_ISLNK(state.st_mode):
        raise ReviewError(f"{plain(path)} is a link; put the file itself there, links out of a run are not followed.")
    if not stat.S_ISREG(state.st_mode):
        raise ReviewError(f"{plain(path)} is not a regular file; put the file itself there.")
    if state.st_size > cap:
        raise ReviewError(f"{plain(path)} has {state.st_size:,} bytes; at most {cap:,} are read.")
    return path


def read_bytes(path: Path, cap: int = SMALL) -> bytes:
    """A small file's bytes, read without following a link and never more than `cap` of them."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise ReviewError(f"{plain(path)} is not a regular file; name the file itself.")
            data = stream.read(cap + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the name is not valid"
        raise ReviewError(f"{plain(path)} cannot be read: {why}.") from None
    if len(data) > cap:
        raise ReviewError(f"{plain(path)} is larger than {cap:,} bytes; more is not read.")
    return data


def read_text(path: Path, cap: int = SMALL) -> str:
    """A small UTF-8 file."""
    try:
        return read_bytes(path, cap).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReviewError(f"{plain(path)} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None


def read_json(path: Path, cap: int = SMALL) -> dict[str, Any]:
    """A JSON object; NaN and infinities are refused, as JSON has none."""
    return parse_json(plain(path), read_bytes(path, cap))


def parse_json(where: str, data: bytes) -> dict[str, Any]:
    """A JSON object whose numbers can be computed with, from bytes that are not trusted."""
    found = parse_object(where, data)
    field = _beyond(found)
    if field is not None:
        raise ReviewError(f"{where}: field {plain(field)} is a number beyond {MOST:g}, with which nothing is computed.")
    return found


def parse_object(where: str, data: bytes, pairs: Pairs | None = None) -> dict[str, Any]:
    """A JSON object from bytes that are not trusted; `where` names them in the refusal, `pairs` makes each object."""

    def refuse(constant: str) -> float:
        raise ValueError(f"it holds {constant}, which is no JSON number")

    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise ReviewError(f"{where} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from None
    except RecursionError:
        raise ReviewError(f"{where} is nested too deeply; write it again.") from None
    except ValueError as error:
        raise ReviewError(f"{where} is not valid JSON: {plain(str(error))}.") from None
    if not isinstance(found, dict):
        raise ReviewError(f"{where} must hold a JSON object, not a {type(found).__name__}.")
    return found


def _beyond(data: object) -> str | None:
    """The field of the first number whose square could not be held; a walk without recursion, for deep data."""
    waiting: list[tuple[str, object]] = [("", data)]
    while waiting:
        field, found = waiting.pop()
        if isinstance(found, dict):
            waiting += [(f"{field}.{name}" if field else str(name), inner) for name, inner in found.items()]
        elif isinstance(found, list):
            waiting += [(f"{field}.{place}", inner) for place, inner in enumerate(found)]
        elif isinstance(found, int | float) and abs(found) > MOST:
            return field
    return None


def digest(data: bytes) -> str:
    """`sha256:` and the hash of some bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as `write_bytes` does."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write beside and rename, so that a reader sees the old file or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ReviewError(f"{plain(path)} cannot be written: {error.strerror}.") from None


def to_json(data: dict[str, Any]) -> str:
    """The one way JSON is written here: two spaces, no NaN, a newline at the end."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
