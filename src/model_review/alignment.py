"""The same rows on both sides, and the digests that name them."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from model_review.metrics.answers import Answers
from model_review.paired import repeats
from model_review.predictions import Scenario


@dataclass(frozen=True)
class Match:
    """How the row ids of two scenarios meet. Rows are sorted by id, so equal ids are in equal places."""

    shared: int
    only_champion: int
    only_challenger: int

    @property
    def complete(self) -> bool:
        """Whether both sides answered the very same rows."""
        return not self.only_champion and not self.only_challenger


def match(champion: Scenario, challenger: Scenario) -> Match:
    """Count shared and lone rows."""
    if champion.row_id.equals(challenger.row_id):
        return Match(len(champion.row_id), 0, 0)
    wide = pa.large_string()
    place = pc.index_in(challenger.row_id.cast(wide), champion.row_id.cast(wide))
    shared = len(place) - place.null_count
    return Match(shared, len(champion.row_id) - shared, len(challenger.row_id) - shared)


def identical(champion: Answers, challenger: Answers) -> bool:
    """Whether all predictions and scores are equal."""
    if not np.array_equal(champion.predicted, challenger.predicted):
        return False
    if champion.score is None or challenger.score is None:
        return champion.score is challenger.score
    return bool(np.array_equal(champion.score, challenger.score))


def entity_codes(champion: Scenario | None, challenger: Scenario) -> NDArray[np.int64] | None:
    """Codes of the entities; None where there are none or none repeats. The champion's are taken where it has them."""
    entity = challenger.entity if champion is None or champion.entity is None else champion.entity
    if entity is None:
        return None
    return repeats(entity.dictionary_encode().indices.to_numpy(zero_copy_only=False))


def evaluation_digest(scenario: Scenario) -> str:
    """Digest of the sorted row ids joined by newline, as run.json's `data.evaluation_digest` is defined."""
    wide = pa.large_string()
    lines = pc.binary_join_element_wise(scenario.row_id.cast(wide), pa.scalar("", wide), pa.scalar("\n", wide))
    return "sha256:" + hashlib.sha256(memoryview(lines.buffers()[2])[:-1]).hexdigest()


def content_key(scenario: Scenario, rows_digest: str) -> str:
    """What a look reveals: digest of the rows and of every answer to them."""
    found = hashlib.sha256(rows_digest.encode())
    for array in (scenario.answers.truth, scenario.answers.predicted, scenario.answers.score):
        if array is not None:
            found.update(np.ascontiguousarray(array).tobytes())
    return "sha256:" + found.hexdigest()
