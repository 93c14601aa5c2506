"""A pull request that takes away or relabels rows that main was evaluated on is held for a person."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_review.preflight import evaluation_checks
from model_review.row_changes import RowTable, evaluation_change, read_rows


def table(folder: Path, **rows: tuple[str, str]) -> RowTable:
    """A run's rows: name to part and label."""
    folder.mkdir()
    parts, labels = zip(*rows.values(), strict=True)
    columns = {"row_id": list(rows), "part": parts, "features_digest": ["f"] * len(rows), "label_digest": labels}
    pq.write_table(pa.table(columns), folder / "rows.parquet")
    found = read_rows(folder)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({"a": ("train", "1"), "b": ("evaluation", "0"), "c": ("evaluation", "1")}, (0, 0)),
        (
            {"c": ("evaluation", "1"), "b": ("evaluation", "0"), "d": ("evaluation", "1")},
            (0, 0),
        ),  # new ones are no loss
        ({"a": ("train", "1"), "b": ("evaluation", "0")}, (1, 0)),
        ({"a": ("train", "1"), "b": ("train", "0"), "c": ("evaluation", "1")}, (1, 0)),  # it moved
        ({"a": ("train", "0"), "b": ("evaluation", "1"), "c": ("evaluation", "1")}, (0, 1)),  # of a training row: no
        ({"a": ("train", "1"), "x": ("evaluation", "1")}, (2, 0)),
    ],
)
def test_rows_that_main_was_evaluated_on_are_followed(
    tmp_path: Path, after: dict[str, tuple[str, str]], expected: tuple[int, int]
) -> None:
    before = table(tmp_path / "before", a=("train", "1"), b=("evaluation", "0"), c=("evaluation", "1"))
    assert evaluation_change(before, table(tmp_path / "after", **after)) == expected


def test_what_is_gone_or_relabelled_is_for_a_person_and_nothing_else_is_said() -> None:
    assert evaluation_checks(0, 0) == []
    (check,) = evaluation_checks(1200, 3)
    assert (check.name, check.status) == ("rows", "person")
    assert "1,200 are gone and 3 have another label" in check.detail
