"""The sections of report.md, in its order. Each takes the tier: 0 everything, 1 what matters, 2 the bones."""

from model_review.comparison import Comparison, FairnessRow, MetricRow, RobustnessRow, SliceRow
from model_review.report import drawing
from model_review.report.escape import code, text
from model_review.report.tables import fold, join, mark, table
from model_review.verdict import Verdict
from model_review.wording import about, error_of, level, number, percent, signed, span

FEW = 3
MANY = 60


def objective(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """The objective's row, its interval drawn, and the models side by side."""
    bound = next(one for one in comparison.settings.bounds if one.rule == "objective")
    row = comparison.metric(bound.metric)
    if row is None:
        return ""
    if row.delta is None:
        body = (
            f"{code(row.name)} of the challenger: **{number(row.challenger)}**. There is no champion to compare with."
        )
    else:
        header = ["objective", "champion", "challenger", "change", f"{level(row.strict_level or 0.0)} interval", "n"]
        cells = [code(row.name), number(row.champion), number(row.challenger), signed(row.delta, row.se)]
        cells += [span(row.strict_low, row.strict_high, row.se), f"{row.n:,}"]
        body = table(header, [cells])
        drawn = drawing.interval(row, bound.margin)
        body = join(body, f"```text\n{drawn}\n```" if drawn and not comparison.identical else "")
    chart, bars = drawing.chart(comparison, bound.metric)
    shown = fold("Every model on these rows", f"{chart}\n\n{drawing.beside(bars)}") if chart and tier < 2 else ""
    return join(body, shown)


def _metric_cells(row: MetricRow) -> list[str]:
    return [
        code(row.name),
        row.direction,
        number(row.champion),
        number(row.challenger),
        signed(row.delta, row.se),
        span(row.low, row.high, row.se),
        "n/a" if row.p_value is None else f"{row.p_value:.2g}",
        f"{row.n:,}",
        text(row.method) + (" (too small to tell)" if row.too_small else ""),
    ]


def guardrails(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """Every rule with its status; the green ones folded, and all metrics below them."""
    rows = [[text(one.rule), mark(one.status), text(one.detail)] for one in verdict.because]
    loud = [row for row, one in zip(rows, verdict.because, strict=True) if one.status not in ("green", "info")]
    quiet = [row for row in rows if row not in loud]
    header = ["rule", "status", "detail"]
    shown = table(header, loud[:MANY]) if loud else "Every rule holds."
    folded = fold(f"{len(quiet)} rules that hold", table(header, quiet)) if quiet and tier < 2 else ""
    names = ["metric", "better", "champion", "challenger", "change", "90 % interval", "p", "n", "method"]
    metrics = table(names, [_metric_cells(row) for row in comparison.metrics]) if comparison.metrics else ""
    undefined = [f"- {code(one.name)}: {text(one.reason)}" for one in comparison.undefined if tier == 0]
    every = fold(f"All {len(comparison.metrics)} metrics", join(metrics, "\n".join(undefined))) if metrics else ""
    return join("### Rules", shown, folded, every)


def power(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """Can this test set tell?"""
    found = comparison.power
    look = f"Look {verdict.look} of {verdict.planned_looks} on this evaluation set."
    if found is None or found.mde <= found.min_effect:
        return f"**Can this test set tell?** {look}"
    line = f"**Can this test set tell?** {comparison.rows.compared:,} rows show a true gain of {number(found.mde)} in "
    line += f"{code(found.metric)} four times out of five."
    if found.rows_needed is not None:
        line += f" A gain of {number(found.effect)} would take about {about(found.rows_needed)} rows."
    if found.discordance is not None:
        line += f" In {percent(found.discordance)} of the rows exactly one model is right."
    return f"{line} {look}"


def _slice_cells(row: SliceRow) -> list[str]:
    error = error_of(row.low, row.high)
    name = f"{code(row.column)} = {code(row.value)}" + (" (gated)" if row.family == "gated" else "")
    sides = f"{number(row.champion)} \u2192 {number(row.challenger)}"
    p_value = "n/a" if row.p_adjusted is None else f"{row.p_adjusted:.2g}"
    interval = span(row.low, row.high, error).replace(" ", "\u00a0")
    return [name, f"{row.n:,}", sides, signed(row.delta, error), interval, p_value, mark(row.status)]


def slices(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """Groups, weak slices, fairness and scenarios."""
    return join(
        _slices(comparison, tier), _weak(comparison), _fairness(comparison, tier), _robustness(comparison, tier)
    )


def _slices(comparison: Comparison, tier: int) -> str:
    rows = [row for row in comparison.slices if row.delta is not None]
    if not rows:
        return ""
    direction = next((one.direction for one in comparison.metrics if one.name == rows[0].metric), "higher")
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
    folded = fold(f"{len(rest)} more slices (in all: {counts})", table(header, [_slice_cells(row) for row in rest]))
    folded = folded if rest else ""
    notes = [
        f"\u26a0\ufe0f Simpson's reversal: {code(one.metric)} changes by {signed(one.delta)} on the whole and the other way "
        f"in each of the {one.groups} groups of {code(one.column)}."
        for one in comparison.reversals[:FEW]
    ]
    return join(title, table(header, [_slice_cells(row) for row in ends]), *notes, folded)


def _weak(comparison: Comparison) -> str:
    if not comparison.weak_slices:
        return ""
    header = ["where the challenger's loss grew", "n", "found on one half", "confirmed on the other", "adjusted p"]
    rows = [
        [text(one.where), f"{one.n:,}", signed(one.discovered), signed(one.confirmed), f"{one.p_adjusted:.2g}"]
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
        gaps.append(span(row.low, row.high, error))
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
        sides.append(span(row.low, row.high, error))
        fall = f"{number(row.fall_champion)} / {number(row.fall_challenger)}"
        return [code(row.scenario), code(row.metric), *sides, fall, mark(row.status)]

    loud = [row for row in comparison.robustness if row.status == "worse"]
    quiet = [row for row in comparison.robustness if row not in loud]
    shown = table(header, [cells(row) for row in loud[:MANY]]) if loud else ""
    folded = fold(f"{len(quiet)} scenarios of faulty input", table(header, [cells(row) for row in quiet[:MANY]]))
    return join("### Robustness", shown, folded if quiet and tier < 2 else "")


def flips(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """Rows that changed sides, or how far predictions moved; then calibration."""
    parts = []
    found, moved = comparison.flips, comparison.moves
    if found is not None and comparison.champion is not None:
        line = f"**Flips:** +{found.fixed:,} fixed, -{found.broken:,} broken of {comparison.rows.compared:,} rows"
        line += f" (negative flips {percent(found.nfr, 2)}, churn {percent(found.churn, 2)}"
        own = "not known: give a re-seeded champion" if found.self_churn is None else percent(found.self_churn, 2)
        parts.append(f"{line}; another seed alone: {own}).")
    if moved is not None:
        parts.append(
            f"**Moves:** predictions move by {number(moved.median)} (median), {number(moved.p95)} (95th percentile)."
        )
    pair = comparison.calibration
    if pair is not None and tier < 2:
        sides = [(name, side) for name, side in (("champion", pair.champion), ("challenger", pair.challenger)) if side]
        rows = [
            [name, number(side.slope), number(side.intercept), number(side.brier), number(side.ece)]
            for name, side in sides
        ]
        header = ["", "slope (1 is right)", "intercept (0 is right)", "Brier score", "calibration error, ten bins"]
        parts.append(fold("Calibration", table(header, rows)))
    return join(*parts)


def data(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """What changed in the data."""
    found = comparison.data
    if comparison.champion is None:
        return ""
    if found.same:
        return "**Data:** unchanged."
    counts = [
        (found.rows_added, "rows added"),
        (found.rows_removed, "removed"),
        (found.rows_changed, "changed"),
        (found.labels_changed, "relabelled"),
        (found.rows_moved, "moved across the split"),
    ]
    known = [f"{count:,} {word}" for count, word in counts if count is not None]
    parts = ["**Data:** " + (", ".join(known) if known else "changed, row by row not known") + "."]
    for names, word in (
        (found.columns_added, "new"),
        (found.columns_removed, "gone"),
        (found.types_changed, "retyped"),
    ):
        if names:
            parts.append(f"Columns {word}: " + ", ".join(code(name) for name in names[:20]) + ".")
    if found.domain_auc is not None:
        parts.append(
            f"A classifier tells the old from the new evaluation rows with AUC {number(found.domain_auc)} "
            f"({number(found.domain_low)} to {number(found.domain_high)}; 0.5 is not at all)."
        )
    rows = [
        [code(row.column), number(row.effect), f"{number(row.low)} to {number(row.high)}", f"{row.p_adjusted:.2g}"]
        for row in comparison.data.columns[: 20 if tier == 0 else 5]
    ]
    drift = fold("How far the training columns moved", table(["column", "PSI", "95 % interval", "adjusted p"], rows))
    return join(*parts, drift if rows and tier < 2 else "")


def cost(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """Seconds and bytes."""
    if not comparison.cost:
        return ""
    rows = [
        [row.name.replace("_", " "), number(row.champion), number(row.challenger), number(row.ratio)]
        for row in comparison.cost
    ]
    return fold("Cost", table(["cost", "champion", "challenger", "ratio"], rows)) if tier < 2 else ""


def changed(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """What is not the same on both sides."""
    if comparison.champion is None:
        return ""
    found = comparison.changes
    lines = []
    for name, value in (("code", found.code), ("lock file", found.lock), ("data", found.data), ("model", found.model)):
        if value is not None:
            lines.append(f"- {name}: {'changed' if value else 'the same'}")
    for names, word in ((found.features_added, "added"), (found.features_removed, "removed")):
        if names:
            lines.append(f"- features {word}: " + ", ".join(code(name) for name in names[:30]))
    lines += [f"- role of a column: {text(role)}" for role in found.roles[:30]]
    for change in [*found.params, *found.environment][: 40 if tier == 0 else 10]:
        old, new = (("absent" if value is None else code(value)) for value in (change.champion, change.challenger))
        lines.append(f"- {code(change.name)}: {old} \u2192 {new}")
    return fold("What changed", "\n".join(lines))


def reproduce(comparison: Comparison, verdict: Verdict, tier: int) -> str:
    """Digests, levels and seeds: all that it takes to get the same numbers."""
    made = comparison.settings
    lines = [f"- engine {code(comparison.engine)}, seed {made.seed}, up to {made.replicates:,} draws"]
    lines.append(
        f"- alpha {made.alpha:g} over {made.planned_looks} looks; guardrails at {made.bound_alpha:g}, one-sided"
    )
    for name, side in (("champion", comparison.champion), ("challenger", comparison.challenger)):
        if side is not None:
            dirty = " (with uncommitted changes)" if side.dirty else ""
            lines.append(
                f"- {name}: commit {code(side.commit or 'none')}{dirty}, model {code(side.model_digest or 'n/a')}"
            )
    lines.append(f"- evaluation rows {code(comparison.rows.evaluation_digest)}")
    lines.append(f"- policy {code(made.policy_digest)}, contract {code(made.contract_digest or 'none')}")
    lines += [f"- \u26a0\ufe0f {text(warning)}" for warning in comparison.warnings[:20]]
    lines += [
        f"- the challenger warns: {text(warning)}" for warning in comparison.challenger.warnings[:10] if tier == 0
    ]
    return fold("Reproducibility and warnings", "\n".join(lines))
