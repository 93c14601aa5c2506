"""What a pull request changed in the data: schema, rows, and how far each column moved."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from model_review.comparison_details import Check, ColumnDrift, DataPart
from model_review.contract import Contract
from model_review.evaluation_table import binned, read_table
from model_review.files import SMALL, checked, read_json
from model_review.metrics.answers import Floats
from model_review.metrics.ranking import placements
from model_review.predictions import TEST
from model_review.preflight import evaluation_checks
from model_review.row_changes import duplicates, evaluation_change, overlap, read_rows, row_difference, trained_on
from model_review.runs import Run
from model_review.statistics.delong import auc_influence
from model_review.statistics.drift import homogeneity_p, psi_interval
from model_review.statistics.multiplicity import benjamini_hochberg
from model_review.text import plain

MANY_COLUMNS = 500
DOMAIN_BINS = 20
CELLS = 100


def data_part(champion: Run | None, challenger: Run, seed: int) -> tuple[DataPart, list[Check], list[str]]:
    """The data part of the comparison, what of it a person has to decide, and what could not be looked at."""
    warnings: list[str] = []
    after = read_rows(challenger.directory)
    before = None if champion is None else read_rows(champion.directory)
    if before is not None and after is not None and before.ids.equals(after.ids):
        before = replace(before, ids=after.ids)  # one copy of equal ids is enough
    compared = challenger.scenarios[TEST].row_id if challenger.scenarios else pa.array([], pa.string())
    if champion is not None and before is None:
        warnings.append("The champion's run has no rows.parquet, so added, removed and relabelled rows are not known.")
    same = None if champion is None else _same(champion.record.data.digest, challenger.record.data.digest)
    difference = row_difference(before, after) if before is not None and after is not None else None
    columns = [] if champion is None or same else _column_drift(champion.directory, challenger.directory, seed)
    domain = None if champion is None or same or not challenger.scenarios else _domain_auc(champion, challenger)
    checks = []
    if before is not None and after is not None and not same:
        checks = evaluation_checks(*evaluation_change(before, after))
    added, removed, types = _schema(champion.contract if champion else None, challenger.contract)
    part = DataPart(
        same=same,
        columns_added=added,
        columns_removed=removed,
        types_changed=types,
        rows_added=difference.added if difference else None,
        rows_removed=difference.removed if difference else None,
        rows_changed=difference.changed if difference else None,
        labels_changed=difference.relabelled if difference else None,
        rows_moved=difference.moved if difference else None,
        overlap=None if after is None else overlap(after),
        champion_overlap=None if before is None else trained_on(before, compared),
        duplicates=None if after is None else duplicates(after),
        columns=columns,
        domain_auc=domain[0] if domain else None,
        domain_low=domain[1] if domain else None,
        domain_high=domain[2] if domain else None,
    )
    return part, checks, warnings


def _same(before: str | None, after: str | None) -> bool | None:
    return None if before is None or after is None else before == after


def _schema(before: Contract | None, after: Contract | None) -> tuple[list[str], list[str], list[str]]:
    if before is None or after is None:
        return [], [], []
    types = [
        f"{plain(name)}: {before.columns[name].logical_type} became {column.logical_type}"
        for name, column in after.columns.items()
        if name in before.columns and before.columns[name].logical_type != column.logical_type
    ]
    added = [plain(name) for name in after.columns if name not in before.columns]
    return added, [plain(name) for name in before.columns if name not in after.columns], types


def _profile(directory: Path) -> dict[str, Any]:
    path = checked(directory, "profile.json", 4 * SMALL, required=False)
    if path is None:
        return {}
    data = read_json(path, 4 * SMALL)
    columns = data.get("columns")
    if data.get("schema") != "model-review/profile@1" or not isinstance(columns, dict):
        return {}
    return columns


def _column_drift(champion: Path, challenger: Path, seed: int) -> list[ColumnDrift]:
    """Effect size of every column that both profiles describe, the largest first."""
    before, after = _profile(champion), _profile(challenger)
    found = []
    for name in list(before)[:MANY_COLUMNS]:
        cells = _cells(before[name], after.get(name))
        if cells is None:
            continue
        first, second = cells
        rng = np.random.default_rng([seed, *name.encode()[:64]])
        effect, low, high = psi_interval(first, second, rng)
        missing = [one.get("missing", 0) for one in (before[name], after[name])]
        shares = [
            count / (count + float(cell.sum())) if _count(count) else 0.0
            for count, cell in zip(missing, cells, strict=True)
        ]
        found.append((name, effect, low, high, shares[1] - shares[0], homogeneity_p(first, second)))
    adjusted = benjamini_hochberg(np.array([one[5] for one in found]))
    rows = [
        ColumnDrift(
            column=plain(name),
            effect=effect,
            low=low,
            high=high,
            missing_delta=missing,
            p_value=p_value,
            p_adjusted=float(p_adjusted),
        )
        for (name, effect, low, high, missing, p_value), p_adjusted in zip(found, adjusted, strict=True)
    ]
    return sorted(rows, key=lambda row: (-row.low, -row.effect, row.column))


def _count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value) and value >= 0


def _cells(before: Any, after: Any) -> tuple[Floats, Floats] | None:
    """Counts of both sides over the same cells: the champion's deciles, or its most frequent texts."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return None
    if "top" in before and "top" in after:
        return _text_cells(before, after)
    edges = [_numbers(side.get("edges")) for side in (before, after)]
    counts = [_numbers(side.get("counts")) for side in (before, after)]
    for edge, count in zip(edges, counts, strict=True):
        if edge is None or count is None or len(edge) != len(count) + 1 or (np.diff(edge) < 0).any():
            return None
        if (count < 0).any() or not 0 < count.sum() < 1e12:
            return None
    assert edges[0] is not None
    assert edges[1] is not None
    assert counts[0] is not None
    assert counts[1] is not None
    inner = np.unique(edges[0][1:-1])
    result = []
    for edge, count in zip(edges, counts, strict=True):
        assert edge is not None
        assert count is not None
        running = np.append(0.0, np.cumsum(count))
        # At a repeated edge the step counts as passed: cells are (low, high].
        last = np.append(np.flatnonzero(np.diff(edge)), len(edge) - 1)
        result.append(
            np.rint(np.diff(np.concatenate([[0.0], np.interp(inner, edge[last], running[last]), [running[-1]]])))
        )
    if min(side.sum() for side in result) <= 0:
        return None
    return result[0], result[1]


def _text_cells(before: dict[str, Any], after: dict[str, Any]) -> tuple[Floats, Floats] | None:
    sides = []
    for side in (before, after):
        top, other = side["top"], side.get("other", 0)
        if not isinstance(top, dict) or not _count(other) or not all(_count(one) for one in top.values()):
            return None
        sides.append((top, float(other)))
    names = list(sides[0][0])[:CELLS] + [name for name in sides[1][0] if name not in sides[0][0]][:CELLS]
    counts = [np.array([*(float(top.get(name, 0)) for name in names), other]) for top, other in sides]
    if min(count.sum() for count in counts) <= 0 or max(count.sum() for count in counts) >= 1e12:
        return None
    return counts[0], counts[1]


def _numbers(values: object) -> Floats | None:
    if not isinstance(values, list) or not 1 <= len(values) <= 1000 or not all(_real(one) for one in values):
        return None
    return np.array(values, dtype=float)


def _real(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(float(value)) < 1e300
    except OverflowError:
        return False


def _domain_auc(champion: Run, challenger: Run) -> tuple[float, float, float] | None:
    """How well the two evaluation tables can be told apart: AUC of a naive Bayes classifier, cross-fitted on halves."""
    if not champion.scenarios:
        return None
    rows = [run.scenarios[TEST].row_id for run in (champion, challenger)]
    tables = [read_table(run.directory, None, ids) for run, ids in zip((champion, challenger), rows, strict=True)]
    if tables[0] is None or tables[1] is None:
        return None
    side = np.repeat([False, True], [len(rows[0]), len(rows[1])])
    fold = np.arange(len(side)) % 2
    score = np.zeros(len(side))
    for name in tables[0]:
        if name not in tables[1] or tables[0][name].type != tables[1][name].type:
            continue
        cut = binned(pa.concat_arrays([tables[0][name], tables[1][name]]), DOMAIN_BINS)
        if cut is None:
            continue
        size = len(cut.names)
        for part in (0, 1):
            learn = fold != part
            counts = [np.bincount(cut.codes[learn & (side == which)], minlength=size) + 0.5 for which in (True, False)]
            ratio = np.log(counts[0] / counts[0].sum()) - np.log(counts[1] / counts[1].sum())
            score[~learn] += ratio[cut.codes[~learn]]
    one = placements(score[side], score[~side])
    error = float(np.std(auc_influence(side, one), ddof=1) / np.sqrt(len(side)))
    return one.auc, max(one.auc - 1.96 * error, 0.0), min(one.auc + 1.96 * error, 1.0)
