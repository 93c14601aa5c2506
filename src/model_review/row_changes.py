"""rows.parquet: which rows came, went, changed or sit on both sides of the split."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from model_review.errors import ReviewError
from model_review.files import TABLE, checked
from model_review.predictions import FAULTS, rising
from model_review.text import plain

COLUMNS = ("row_id", "part", "features_digest", "label_digest")
MANY_ROWS = 100_000_000
PATTERN = r"^[0-9a-f]{20}-[0-9]+$"


@dataclass(frozen=True)
class RowTable:
    """Every row of a run's table, by id. The digests are read when they are asked for: they are large."""

    path: Path
    ids: pa.Array
    part: pa.Array

    def of_part(self, part: str) -> pa.Array:
        """Mask of the rows of that part."""
        return pc.equal(self.part, part)

    def column(self, name: str) -> pa.Array:
        """Another column, as text."""
        return _column(self.path, name)


def read_rows(directory: Path) -> RowTable | None:
    """A run's rows.parquet; None where there is none."""
    path = checked(directory, "rows.parquet", TABLE, required=False)
    if path is None:
        return None
    where = plain(path)
    try:
        file = pq.ParquetFile(path)
        names, rows = file.schema_arrow.names, file.metadata.num_rows
    except FAULTS as error:
        raise ReviewError(f"{where} cannot be read as a table: {plain(error)}.") from None
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ReviewError(f"{where} has no column {missing[0]}; the contract of the run directory asks for it.")
    if rows > MANY_ROWS:
        raise ReviewError(f"{where} has {rows:,} rows; at most {MANY_ROWS:,} are read.")
    ids = _column(path, "row_id")
    if not rising(ids) and pc.count_distinct(ids).as_py() != len(ids):
        raise ReviewError(f"{where}: column row_id has repeated values; ids are unique.")
    return RowTable(path, ids, _column(path, "part"))


def _column(path: Path, name: str) -> pa.Array:
    where = plain(path)
    try:
        repeated = [name] if name == "part" else None
        column = pq.read_table(path, columns=[name], read_dictionary=repeated)[name].combine_chunks()
        column = column if pa.types.is_dictionary(column.type) else column.cast(pa.large_string())
    except FAULTS as error:
        raise ReviewError(f"{where}: column {name} cannot be read: {plain(error)}.") from None
    if column.null_count:
        raise ReviewError(f"{where}: column {name} has {column.null_count:,} missing values; fill them.")
    return column


@dataclass(frozen=True)
class RowDifference:
    """How two tables differ, row by row."""

    added: int
    removed: int
    changed: int
    relabelled: int
    moved: int


def row_difference(champion: RowTable, challenger: RowTable) -> RowDifference:
    """Rows that came, went, changed their values, changed their label, or changed sides of the split."""
    if champion.ids.equals(challenger.ids):
        partner = shared = None
        common = len(champion.ids)
    else:
        place = pc.index_in(challenger.ids, champion.ids)
        shared, partner = pc.is_valid(place), place.drop_null()
        common = len(partner)

    def differing(name: str) -> int:
        sides = [side.part if name == "part" else side.column(name) for side in (champion, challenger)]
        if partner is not None:
            sides = [sides[0].take(partner), sides[1].filter(shared)]
        return int(pc.sum(pc.not_equal(*map(_decoded, sides))).as_py() or 0)

    return RowDifference(
        added=len(challenger.ids) - common,
        removed=len(champion.ids) - common,
        changed=differing("features_digest"),
        relabelled=differing("label_digest"),
        moved=differing("part"),
    )


def evaluation_change(champion: RowTable, challenger: RowTable) -> tuple[int, int]:
    """Of the rows that the champion was evaluated on: how many the challenger was not, and how many changed label."""
    before, after = (side.ids.filter(side.of_part("evaluation")) for side in (champion, challenger))
    kept = pc.is_in(before, after)
    shared = before.filter(kept)
    labels = [side.column("label_digest").take(pc.index_in(shared, side.ids)) for side in (champion, challenger)]
    relabelled = int(pc.sum(pc.not_equal(*labels)).as_py() or 0)
    return len(before) - len(shared), relabelled


def _decoded(column: pa.Array) -> pa.Array:
    return column.cast(pa.large_string()) if pa.types.is_dictionary(column.type) else column


def overlap(table: RowTable) -> int:
    """Evaluation rows whose key is also among the training rows: repeats that were split apart."""
    train, evaluation = (_keys(table.ids.filter(table.of_part(part))) for part in ("train", "evaluation"))
    if not len(train) or not len(evaluation):
        return 0
    return int(pc.sum(pc.is_in(evaluation, train)).as_py() or 0)


def trained_on(table: RowTable, compared: pa.Array) -> int:
    """How many of the compared rows are this run's training rows."""
    train = table.ids.filter(table.of_part("train"))
    return int(pc.sum(pc.is_in(compared.cast(pa.large_string()), train)).as_py() or 0)


def duplicates(table: RowTable) -> int:
    """Evaluation rows whose values and label are those of a training row; with few columns that can be chance."""
    if not pc.any(table.of_part("train")).as_py():
        return 0
    both = pc.binary_join_element_wise(
        table.column("features_digest"), table.column("label_digest"), pa.scalar(":", pa.large_string())
    )
    train, evaluation = (both.filter(table.of_part(part)) for part in ("train", "evaluation"))
    return int(pc.sum(pc.is_in(evaluation, train)).as_py() or 0)


def _keys(ids: pa.Array) -> pa.Array:
    """Ids without their occurrence number, where they are made as the contract says."""
    made = pc.match_substring_regex(ids, PATTERN)
    return pc.if_else(made, pc.utf8_slice_codeunits(ids, 0, 20), ids)
