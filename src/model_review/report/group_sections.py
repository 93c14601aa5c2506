"""The section on groups in report.md: slices, weak slices, fairness and scenarios."""

from model_review.comparison import Comparison
from model_review.comparison_groups import CAUTIOUS, FairnessRow, RobustnessRow, SliceRow
from model_review.report.escape import code, text
from model_review.report.tables import fold, join, mark, table, whole
from model_review.verdict import Verdict
from model_review.wording import error_of, number, p_of, signed, span

FEW = 3
MANY = 60


def slice_direction(comparison: Comparison) -> str:
    """Whether higher or lower is better in the metric of the slices."""
    named = comparison.slices[0].metric
    return next((one.direction for one in comparison.metrics if one.name == named), "higher")


def slice_mark(row: SliceRow, direction: str) -> str:
    """The status, and whether what is no breach of a declared slice's margin is a loss all the same."""
    status: str = row.status
    if row.family == "gated" and row.low is not None and row.high is not None:
        lost = row.high < 0 if direction == "higher" else row.low > 0
        if lost and status == "no worse":
            status = "worse, within the margin"
        elif lost and status == "cannot tell":
            status = "worse, perhaps past the margin"
    return mark(status) + whole(f" (n={row.n:,})" if row.status == "cannot tell" else "")


def _slice_cells(row: SliceRow, direction: str) -> list[str]:
    error = error_of(row.low, row.high)
    name = f"{code(row.column)} = {code(row.value)}" + (" (gated)" if row.family == "gated" else "")
    sides = f"{number(row.champion)} \u2192 {number(row.challenger)}"
    p_value = whole(p_of(row.p_adjusted))
    interval = whole(span(row.low, row.high, error))
    return [name, f"{row.n:,}", sides, signed(row.delta, error), interval, p_value, slice_mark(row, direction)]


def slices(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """Groups, weak slices, fairness and scenarios."""
    return join(
        _slices(comparison, tier), _weak(comparison), _fairness(comparison, tier), _robustness(comparison, tier)
    )


def _slices(comparison: Comparison, tier: int) -> str:
    rows = [row for row in comparison.slices if row.delta is not None]
    if not rows:
        return ""
    direction = slice_direction(comparison)
    sign = 1 if direction == "higher" else -1
    ranked = sorted(rows, key=lambda row: (sign * (row.delta or 0.0), row.column, row.value))
    ends = ranked if len(ranked) <= 2 * FEW else ranked[:FEW] + ranked[-FEW:]
    # What broke a gate is always in sight; what was only explored unfolds.
    ends = [row for row in ranked if row in ends or (row.family == "gated" and row.status == "worse")][:MANY]
    rest = [row for row in ranked if row not in ends][: MANY if tier == 0 else 0]
    header = ["slice", "n", "before \u2192 now", "change", "90 % interval", "adjusted p", "status"]
    counts = ", ".join(
        f"{sum(row.status == name for row in rows)} {name}" for name in ("worse", "better", "cannot tell")
    )
    title = f"### Slices ({code(rows[0].metric)}, {direction} is better): the worst and the best of {len(rows)}"
    folded = fold(
        f"{len(rest)} more slices (in all: {counts})", table(header, [_slice_cells(row, direction) for row in rest])
    )
    folded = folded if rest else ""
    notes = [
        f"\u26a0\ufe0f Simpson's reversal: {code(one.metric)} changes by {signed(one.delta)} on the whole "
        f"and the other way in each of the {one.groups} groups of {code(one.column)}."
        for one in comparison.reversals[:FEW]
    ]
    return join(title, table(header, [_slice_cells(row, direction) for row in ends]), *notes, folded)


def _weak(comparison: Comparison) -> str:
    if not comparison.weak_slices:
        return ""
    header = ["where the challenger's loss grew", "n", "found on one half", "confirmed on the other", "adjusted p"]
    rows = [
        [text(one.where), f"{one.n:,}", signed(one.discovered), signed(one.confirmed), p_of(one.p_adjusted)]
        for one in comparison.weak_slices[:5]
    ]
    return join("**Weak slices that nobody declared**", table(header, rows))


def _fairness(comparison: Comparison, tier: int) -> str:
    if not comparison.fairness:
        return ""
    header = ["sensitive column", "metric", "gap before", "gap now", "change in gap", "90 % interval", "status"]

    def cells(row: FairnessRow) -> list[str]:
        error = error_of(row.low, row.high)
        gaps = [number(row.gap_champion), number(row.gap_challenger), signed(row.delta, error)]
        gaps.append(whole(span(row.low, row.high, error)) + (" (cautious)" if CAUTIOUS in row.note else ""))
        return [code(row.column), code(row.metric), *gaps, mark(row.status)]

    groups = "\n".join(
        f"- {code(row.column)}: "
        + ", ".join(f"{code(one.value)} {number(one.challenger)} (n={one.n:,})" for one in row.groups[:20])
        for row in comparison.fairness
    )
    folded = fold("Groups of the challenger", groups) if tier == 0 else ""
    return join("### Fairness", table(header, [cells(row) for row in comparison.fairness[:MANY]]), folded)


def _robustness(comparison: Comparison, tier: int) -> str:
    if not comparison.robustness:
        return ""
    header = ["scenario", "metric", "champion", "challenger", "change", "90 % interval", "falls by", "status"]

    def cells(row: RobustnessRow) -> list[str]:
        error = error_of(row.low, row.high)
        sides = [number(row.champion), number(row.challenger), signed(row.delta, error)]
        sides.append(whole(span(row.low, row.high, error)))
        fall = f"{number(row.fall_champion)} / {number(row.fall_challenger)}"
        return [code(row.scenario), code(row.metric), *sides, fall, mark(row.status)]

    loud = [row for row in comparison.robustness if row.status == "worse"]
    quiet = [row for row in comparison.robustness if row not in loud]
    shown = table(header, [cells(row) for row in loud[:MANY]]) if loud else ""
    folded = fold(f"{len(quiet)} scenarios of faulty input", table(header, [cells(row) for row in quiet[:MANY]]))
    return join("### Robustness", shown, folded if quiet and tier < 2 else "")
