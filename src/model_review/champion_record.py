"""champion.json, `model-review/champion@1`: what became of main's side, each case told apart."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_review.errors import ReviewError
from model_review.files import read_json, to_json, write_text
from model_review.kinds import Kind
from model_review.run_record import first_problem
from model_review.text import plain

Status = Literal[
    "found",  # main has something to train; not trained or scored yet
    "nothing-relevant-changed",
    "first-run",
    "other-question",
    "base-does-not-install",
    "base-fails-to-train",
    "cannot-score",
    "scored",
]
RECORD = "champion.json"
NOT_COMPARABLE = ("other-question", "base-does-not-install", "base-fails-to-train", "cannot-score")


class ChampionRecord(BaseModel):
    """What became of main's side.

    Attributes:
        status: Which case it is.
        sentence: The case, for a person.
        commit: Main's commit: the first parent.
        key: Its content key; None where it has no lock yet.
        challenger_key: The content key of what is checked out.
        from_cache: Whether a saved run of main was scored, instead of one trained here.
        changed: Of what determines a run: the kinds that this pull request changes.
        warnings: What a person should know.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    schema_: Literal["model-review/champion@1"] = Field(alias="schema", default="model-review/champion@1")
    status: Status
    sentence: str
    commit: str
    key: str | None
    challenger_key: str
    from_cache: bool = False
    changed: list[Kind] = []
    warnings: list[str] = []

    def write(self, path: Path) -> None:
        """Write it beside and rename."""
        write_text(path, to_json(self.model_dump(mode="json", by_alias=True)))


def read_champion(path: Path) -> ChampionRecord:
    """Read champion.json."""
    try:
        return ChampionRecord.model_validate(read_json(path))
    except ValidationError as error:
        raise ReviewError(f"{plain(path)}: {first_problem(error)}; let `model-review base` write it again.") from None
