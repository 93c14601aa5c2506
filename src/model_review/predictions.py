"""predictions.parquet (or .csv): what a model said about the evaluation rows, checked and put in order."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from model_review.errors import ReviewError, UnusablePredictions
from model_review.files import TABLE, checked
from model_review.metrics.answers import Answers, Floats
from model_review.run_record import RunRecord
from model_review.text import plain

MANY_ROWS = 50_000_000
MANY_SCENARIOS = 100
MANY_SLICES = 500
MANY_BYTES = 16 * 2**30
SUM_SLACK = 1e-3
MOST = 1e30  # fourth powers of numbers up to this, and sums of them, are still numbers
TEST = "test"
FAULTS = (pa.ArrowException, OSError, ValueError, KeyError, NotImplementedError)  # what a broken table raises


@dataclass(frozen=True)
class Scenario:
    """One scenario's rows, sorted by row_id.

    Attributes:
        row_id: Row ids, rising, each once.
        answers: Truth, predictions and scores in that order.
        entity: Entity of each row, or None.
        groups: Slice column to each row's value.
    """

    row_id: pa.Array
    answers: Answers
    entity: pa.Array | None
    groups: dict[str, pa.DictionaryArray]


def read_predictions(directory: Path, record: RunRecord) -> dict[str, Scenario]:
    """Every scenario of a run, `test` among them."""
    path = checked(directory, "predictions.parquet", TABLE, required=False)
    name = "predictions.parquet"
    if path is None:
        name = "predictions.csv"
        path = checked(directory, name, TABLE)
    assert path is not None
    where = plain(path)
    table = _read(path, where, record)
    if not 0 < table.num_rows <= MANY_ROWS:
        raise ReviewError(f"{where} has {table.num_rows:,} rows; 1 to {MANY_ROWS:,} can be compared.")
    for column in ("row_id", "y_true", "y_pred"):
        if column not in table.column_names:
            raise ReviewError(f"{where} has no column {column}; the contract of the run directory asks for it.")
    if "scenario" not in table.column_names:
        return {TEST: _scenario(where, table, record, TEST)}
    names = pc.unique(table["scenario"].cast(pa.string()))
    if names.null_count or len(names) > MANY_SCENARIOS:
        raise ReviewError(f"{where}: column scenario must be filled and have at most {MANY_SCENARIOS} values.")
    if TEST not in names.to_pylist():
        raise ReviewError(f"{where}: column scenario has no rows of scenario test, which is what is compared.")
    result = {}
    for scenario in sorted(names.to_pylist(), key=lambda name: (name != TEST, name)):
        rows = table if len(names) == 1 else table.filter(pc.equal(table["scenario"].cast(pa.string()), scenario))
        result[scenario] = _scenario(where, rows, record, scenario)
    return result


def _wanted(columns: list[str], record: RunRecord) -> list[str]:
    scores = ["score"] if record.task == "binary" else [f"score_{label}" for label in record.classes]
    known = {"row_id", "scenario", "y_true", "y_pred", "entity", "value", *scores}
    return [name for name in columns if name in known or name.startswith("slice:")]


def _read(path: Path, where: str, record: RunRecord) -> pa.Table:
    try:
        if path.suffix == ".csv":
            with pacsv.open_csv(path) as reader:
                header = reader.schema.names
            wanted = _unique(where, _wanted(header, record))
            numbers = [name for name in wanted if _is_number(name, record)]
            types = {name: pa.float64() if name in numbers else pa.string() for name in wanted}
            options = pacsv.ConvertOptions(column_types=types, include_columns=wanted, strings_can_be_null=False)
            return pacsv.read_csv(path, convert_options=options)
        file = pq.ParquetFile(path)
        wanted = _unique(where, _wanted(file.schema_arrow.names, record))
        groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
        if file.metadata.num_rows > MANY_ROWS or sum(group.total_byte_size for group in groups) > MANY_BYTES:
            raise ReviewError(f"{where} is too large when unpacked; at most {MANY_ROWS:,} rows are read.")
        repeated = [name for name in wanted if name != "row_id" and not _is_number(name, record)]
        return pq.read_table(path, columns=wanted, read_dictionary=repeated)
    except FAULTS as error:
        raise ReviewError(f"{where} cannot be read as a table: {plain(error)}.") from None


def _unique(where: str, names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        raise ReviewError(f"{where} has two columns of one name; keep one.")
    if sum(name.startswith("slice:") for name in names) > MANY_SLICES:
        raise ReviewError(f"{where} has more than {MANY_SLICES} slice columns; keep those that matter.")
    return names


def _is_number(name: str, record: RunRecord) -> bool:
    if name in ("y_true", "y_pred"):
        return record.task == "regression"
    return name == "value" or name == "score" or name.startswith("score_")


def _scenario(where: str, table: pa.Table, record: RunRecord, scenario: str) -> Scenario:
    row_id = _text(where, table, "row_id")
    if not rising(row_id):
        order = pc.sort_indices(row_id)
        table, row_id = table.take(order), row_id.take(order)
    same = pc.equal(row_id[1:], row_id[:-1])
    if pc.any(same).as_py():
        first = row_id[pc.index(same, True).as_py()].as_py()
        raise ReviewError(f"{where}: row_id {plain(first)} occurs twice in scenario {plain(scenario)}; ids are unique.")
    entity = _text(where, table, "entity") if "entity" in table.column_names else None
    groups = {
        name.removeprefix("slice:"): _encoded(where, table, name)
        for name in table.column_names
        if name.startswith("slice:")
    }
    return Scenario(row_id, _answers(where, table, record), entity, groups)


def rising(values: pa.Array) -> bool:
    """Whether the values rise from one to the next, which makes them unique as well."""
    return len(values) < 2 or bool(pc.all(pc.less(values[:-1], values[1:])).as_py())


def _filled(where: str, table: pa.Table, name: str) -> pa.Array:
    column = table[name].combine_chunks()
    if column.null_count:
        raise ReviewError(f"{where}: column {plain(name)} is empty in {column.null_count:,} rows; fill them.")
    return column


def _text(where: str, table: pa.Table, name: str) -> pa.Array:
    """A column as text without gaps."""
    column = _filled(where, table, name)
    wide = column.nbytes > 2**30
    try:
        return column.cast(pa.large_string() if wide else pa.string())
    except pa.ArrowException:
        raise ReviewError(f"{where}: column {plain(name)} must hold text, not {plain(column.type)}.") from None


def _encoded(where: str, table: pa.Table, name: str) -> pa.DictionaryArray:
    """A column of few different texts, as codes in the order of the texts: the rows' order must not show."""
    column = _filled(where, table, name)
    known = isinstance(column, pa.DictionaryArray) and column.dictionary.type == pa.string()
    if not known or column.dictionary.null_count or len(column.dictionary.unique()) < len(column.dictionary):
        column = _text(where, table, name).dictionary_encode()
    order = pc.sort_indices(column.dictionary)
    place = np.empty(len(order), dtype=np.int32)
    place[order.to_numpy()] = np.arange(len(order), dtype=np.int32)
    codes = place[column.indices.to_numpy(zero_copy_only=False)]
    return pa.DictionaryArray.from_arrays(pa.array(codes), column.dictionary.take(order))


def _numbers(where: str, table: pa.Table, name: str) -> Floats:
    column = table[name].combine_chunks()
    if column.null_count:
        raise UnusablePredictions(
            f"{where}: column {plain(name)}: {column.null_count:,} of {len(column):,} values are missing."
        )
    try:
        values = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowException:
        raise ReviewError(f"{where}: column {plain(name)} must hold numbers, not {plain(column.type)}.") from None
    odd = int((~(np.abs(values) <= MOST)).sum())
    if odd:
        of = f"{odd:,} of {len(values):,} values are not finite numbers of at most {MOST:g}"
        if name == "y_true":
            raise ReviewError(f"{where}: column y_true: {of}; leave rows without a truth out.")
        raise UnusablePredictions(f"{where}: column {plain(name)}: {of}.")
    return np.asarray(values, dtype=float)


def _codes(where: str, table: pa.Table, name: str, record: RunRecord) -> NDArray[np.int16]:
    """Labels as codes; a binary task's positive class is 1."""
    labels = list(record.classes)
    if record.task == "binary" and labels[0] == record.positive_class:
        labels.reverse()
    column = _encoded(where, table, name)
    found = pc.index_in(column.dictionary, pa.array(labels, pa.string()))
    place = column.indices.to_numpy(zero_copy_only=False)
    known = found.is_valid().to_numpy(zero_copy_only=False)
    if not known.all():
        used = np.bincount(place, minlength=len(known)) > 0
        strange = np.flatnonzero(used & ~known)
        if len(strange):
            text = plain(repr(column.dictionary[int(strange[0])].as_py()))
            problem = f"{where}: column {name} holds {text}, which is none of run.json's classes"
            raise (ReviewError if name == "y_true" else UnusablePredictions)(problem + ".")
    return np.asarray(found.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int16)[place])


def _answers(where: str, table: pa.Table, record: RunRecord) -> Answers:
    value = _numbers(where, table, "value") if "value" in table.column_names else None
    if record.task == "regression":
        truth, predicted = _numbers(where, table, "y_true"), _numbers(where, table, "y_pred")
        return Answers("regression", truth, predicted, None, 0, value)
    truth_codes, codes = (_codes(where, table, name, record) for name in ("y_true", "y_pred"))
    if value is None:
        value = _matrix_value(where, record, truth_codes, codes)
    names = ["score"] if record.task == "binary" else [f"score_{label}" for label in record.classes]
    if not all(name in table.column_names for name in names):
        return Answers(record.task, truth_codes, codes, None, len(record.classes), value)
    score = np.column_stack([_numbers(where, table, name) for name in names])
    outside = int(((score < 0) | (score > 1)).any(axis=1).sum())
    if outside:
        raise UnusablePredictions(f"{where}: column {names[0]}: {outside:,} rows lie outside 0 to 1.")
    if record.task == "multiclass":
        off = int((np.abs(score.sum(axis=1) - 1) > SUM_SLACK).sum())
        if off:
            raise UnusablePredictions(f"{where}: the score columns of {off:,} rows do not sum to 1.")
        return Answers("multiclass", truth_codes, codes, score, len(record.classes), value)
    return Answers("binary", truth_codes, codes, score[:, 0], 2, value)


def _matrix_value(
    where: str, record: RunRecord, truth: NDArray[np.int16], predicted: NDArray[np.int16]
) -> Floats | None:
    if record.business_value is None or record.business_value.matrix is None:
        return None
    labels = list(record.classes)
    if record.task == "binary" and labels[0] == record.positive_class:
        labels.reverse()
    matrix = record.business_value.matrix
    try:
        money = np.array([[matrix[row][column] for column in labels] for row in labels])
    except KeyError as error:
        raise ReviewError(f"run.json: field business_value.matrix lacks {plain(error)}; give every outcome.") from None
    if float(np.abs(money).max()) > MOST:
        raise ReviewError(f"run.json: field business_value.matrix holds more than {MOST:g}; count in a larger unit.")
    return np.asarray(money[truth, predicted])
