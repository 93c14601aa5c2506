"""rows.parquet: which rows came, went, changed or sit on both sides of the split."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from model_review.errors import ReviewError
from model_review.files import TABLE, checked
from model_review.text import plain

COLUMNS = ("row_id", "part", "features_digest", "label_digest")
MANY_ROWS = 100_000_000
PATTERN = r"^[0-9a-f]{20}-[0-9]+$"


@dataclass(frozen=True)
class RowTable:
    """Every row of a run's table, by id."""

    ids: pa.Array
    part: pa.Array
    features: pa.Array
    labels: pa.Array

    def of_part(self, part: str) -> pa.Array:
        """Mask of the rows of that part."""
        return pc.equal(self.part, part)


def read_rows(directory: Path) -> RowTable | None:
    """A run's rows.parquet; None where there is none."""
    path = checked(directory, "rows.parquet", TABLE, required=False)
    if path is None:
        return None
    where = plain(path)
    try:
        file = pq.ParquetFile(path)
        missing = [name for name in COLUMNS if name not in file.schema_arrow.names]
        if missing:
            raise ReviewError(f"{where} has no column {missing[0]}; the contract of the run directory asks for it.")
        if file.metadata.num_rows > MANY_ROWS:
            raise ReviewError(f"{where} has {file.metadata.num_rows:,} rows; at most {MANY_ROWS:,} are read.")
        table = pq.read_table(path, columns=list(COLUMNS))
        columns = [table[name].combine_chunks().cast(pa.large_string()) for name in COLUMNS]
    except (pa.ArrowException, OSError, ValueError, KeyError, NotImplementedError) as error:
        raise ReviewError(f"{where} cannot be read as a table: {plain(error)}.") from None
    for name, column in zip(COLUMNS, columns, strict=True):
        if column.null_count:
            raise ReviewError(f"{where}: column {name} has {column.null_count:,} missing values; fill them.")
    if pc.count_distinct(columns[0]).as_py() != len(columns[0]):
        raise ReviewError(f"{where}: column row_id has repeated values; ids are unique.")
    return RowTable(*columns)


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
    place = pc.index_in(challenger.ids, champion.ids)
    shared = pc.is_valid(place)
    partner = place.drop_null()
    common = len(partner)

    def differing(before: pa.Array, after: pa.Array) -> int:
        return int(pc.sum(pc.not_equal(before.take(partner), after.filter(shared))).as_py() or 0)

    return RowDifference(
        added=len(challenger.ids) - common,
        removed=len(champion.ids) - common,
        changed=differing(champion.features, challenger.features),
        relabelled=differing(champion.labels, challenger.labels),
        moved=differing(champion.part, challenger.part),
    )


def overlap(table: RowTable) -> int:
    """Evaluation rows whose key is also among the training rows: repeats that were split apart."""
    train, evaluation = (_keys(table.ids.filter(table.of_part(part))) for part in ("train", "evaluation"))
    return int(pc.sum(pc.is_in(evaluation, train)).as_py() or 0)


def trained_on(table: RowTable, compared: pa.Array) -> int:
    """How many of the compared rows are this run's training rows."""
    train = table.ids.filter(table.of_part("train"))
    return int(pc.sum(pc.is_in(compared.cast(pa.large_string()), train)).as_py() or 0)


def duplicates(table: RowTable) -> int:
    """Evaluation rows whose values and label are those of a training row; with few columns that can be chance."""
    both = pc.binary_join_element_wise(table.features, table.labels, pa.scalar(":", pa.large_string()))
    train, evaluation = (both.filter(table.of_part(part)) for part in ("train", "evaluation"))
    return int(pc.sum(pc.is_in(evaluation, train)).as_py() or 0)


def _keys(ids: pa.Array) -> pa.Array:
    """Ids without their occurrence number, where they are made as the contract says."""
    made = pc.match_substring_regex(ids, PATTERN)
    return pc.if_else(made, pc.utf8_slice_codeunits(ids, 0, 20), ids)
