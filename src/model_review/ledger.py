"""The ledger: how often each evaluation set was looked at. JSON lines, appended whole or not at all."""

import fcntl
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_review.errors import ReviewError
from model_review.files import read_text, write_text
from model_review.run_record import first_problem
from model_review.sketch import DIGITS, SIZE, shared_share
from model_review.text import plain

CAP = 64 * 2**20
INHERITS = 0.5
DIGEST = r"^sha256:[0-9a-f]{64}$"


class Look(BaseModel):
    """One look: a distinct pair of content keys on one evaluation set."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    evaluation_digest: Annotated[str, Field(pattern=DIGEST)]
    row_count: Annotated[int, Field(ge=0, le=10**12)]
    time: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    challenger_key: Annotated[str, Field(pattern=DIGEST)]
    champion_key: Annotated[str, Field(pattern=DIGEST)]
    alpha: Annotated[float, Field(gt=0, lt=1)]
    sketch: Annotated[str, Field(pattern=r"^[0-9a-f]*$", max_length=DIGITS * SIZE)] = ""

    @property
    def pair(self) -> tuple[str, str]:
        """What was looked at."""
        return self.champion_key, self.challenger_key


def parse_look(where: str, data: object) -> Look:
    """Check one look; `where` names it in the refusal."""
    try:
        return Look.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise ReviewError(f"{where}: {first_problem(error)}.") from None


def read_ledger(path: Path) -> list[Look]:
    """Every look; a file that is not there is an empty ledger."""
    if not path.exists() and not path.is_symlink():
        return []
    looks = []
    for number, line in enumerate(read_text(path, CAP).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{plain(path)}, line {number}"
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            raise ReviewError(f"{where} is not valid JSON; restore the ledger from its branch.") from None
        looks.append(parse_look(where, data))
    return looks


def related(looks: list[Look], new: Look) -> list[Look]:
    """Looks at this set, and at every earlier set whose looks it inherits, over any number of renewals."""
    reached = [new]
    found: list[Look] = []
    left = list(looks)
    while reached:
        one = reached.pop()
        near = [other for other in left if _inherits(one, other)]
        left = [other for other in left if other not in near]
        found += near
        reached += {other.evaluation_digest: other for other in near}.values()
    return [look for look in looks if look in found]


def _inherits(new: Look, old: Look) -> bool:
    if new.evaluation_digest == old.evaluation_digest:
        return True
    return shared_share(new.sketch, new.row_count, old.sketch, old.row_count) > INHERITS


def look_number(looks: list[Look], new: Look) -> int:
    """Which look this is; one that was made before keeps its number."""
    pairs = list(dict.fromkeys(look.pair for look in related(looks, new)))
    return pairs.index(new.pair) + 1 if new.pair in pairs else len(pairs) + 1


def reveals(look: Look) -> bool:
    """Whether the look tells anything: two sides with equal answers do not."""
    return look.champion_key != look.challenger_key


def append_look(path: Path, new: Look) -> int:
    """Record a look once, and give its number."""
    with _locked(path):
        looks = read_ledger(path)
        number = look_number(looks, new)
        known = any(look.pair == new.pair for look in related(looks, new))
        if not known and reveals(new):
            lines = [json.dumps(look.model_dump()) for look in [*looks, new]]
            write_text(path, "\n".join(lines) + "\n")
    return number


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    beside = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise ReviewError(f"{plain(path)} cannot be written: {error.strerror}.") from None


def is_digest(text: str) -> bool:
    """Whether the text is a SHA-256 digest as the contract writes it."""
    return re.match(DIGEST, text) is not None
