"""The promotion log: one JSON line for each time that another image went to production. It is only ever added to."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_review.comparison_basics import Text
from model_review.errors import ReviewError
from model_review.files import read_text, write_text
from model_review.probe.record import Digest
from model_review.run_record import first_problem
from model_review.text import plain

SCHEMA = "model-review/promotion@1"
CAP = 64 * 2**20


class Registered(BaseModel):
    """A version in MLflow's registry."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: Text
    version: Text


class Promotion(BaseModel):
    """One line: what went to production, and what it took the place of."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    schema_: Literal["model-review/promotion@1"] = Field(alias="schema", default="model-review/promotion@1")
    time: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    action: Literal["promote", "rollback"]
    image: Text
    digest: Digest
    previous: Digest | None
    commit: Text | None
    version: Text | None
    model_digest: Text | None
    contract_digest: Text | None
    verdict: Literal["promote", "hold"] | None
    mlflow: Registered | None
    by: Text | None

    def line(self) -> str:
        """As it stands in the log."""
        return json.dumps(self.model_dump(mode="json", by_alias=True), ensure_ascii=False)


def parse_promotion(where: str, text: str) -> Promotion:
    """Check one line; `where` names it in the refusal."""
    try:
        return Promotion.model_validate(json.loads(text))
    except ValidationError as error:
        raise ReviewError(f"{where}: {first_problem(error)}.") from None
    except (ValueError, RecursionError):
        raise ReviewError(f"{where} is not valid JSON; restore the log from its branch.") from None


def read_log(path: Path) -> list[Promotion]:
    """Every line; a file that is not there is an empty log."""
    if not path.exists() and not path.is_symlink():
        return []
    lines = enumerate(read_text(path, CAP).split("\n"), 1)
    return [parse_promotion(f"{plain(path)}, line {number}", line) for number, line in lines if line.strip()]


def append(path: Path, new: Promotion, *, late: bool = False) -> bool:
    """Add a line, unless the one before it tells the same; whether one was added.

    Args:
        path: The log.
        new: The line.
        late: The image is not in production any more: its line stands by its time, before those of what followed.
    """
    log = read_log(path)
    followed = (place for place, one in enumerate(log) if one.image == new.image and one.time > new.time)
    place = next(followed, len(log)) if late else len(log)
    last = latest(log[:place], new.image)
    # The same image again, and yet a line: it took the place of one whose release was stopped before its own line.
    if last is not None and last.digest == new.digest and new.previous in (None, last.digest, last.previous):
        return False
    write_text(path, "".join(f"{one.line()}\n" for one in [*log[:place], new, *log[place:]]))
    return True


def latest(log: list[Promotion], image: str) -> Promotion | None:
    """What the log says is in production."""
    return next((one for one in reversed(log) if one.image == image), None)


def half_made(log: list[Promotion], digest: str | None) -> bool:
    """An image in production that no line tells of: its release was stopped before its line."""
    return not any(one.digest == digest for one in log)


def before(log: list[Promotion], image: str, digest: str) -> str | None:
    """What an image took the place of when it was last promoted: where a rollback from it leads."""
    found = next(
        (one for one in reversed(log) if (one.image, one.digest, one.action) == (image, digest, "promote")), None
    )
    return None if found is None else found.previous


def promoted(log: list[Promotion], image: str, digest: str) -> Promotion | None:
    """The line by which an image was first promoted, after a probe; None where it never was."""
    return next((one for one in log if (one.image, one.digest, one.action) == (image, digest, "promote")), None)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One promotion at a time for each log."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(path.name + ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise ReviewError(f"{plain(path)} cannot be written: {error.strerror}.") from None
