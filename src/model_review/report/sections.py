"""The sections of report.md, in its order. Each takes the tier: 0 everything, 1 what matters, 2 the bones."""

from collections.abc import Sequence

from model_review.comparison import Comparison
from model_review.comparison_basics import MetricRow
from model_review.comparison_details import Changes
from model_review.report import drawing
from model_review.report.escape import code, text
from model_review.report.tables import fold, join, mark, table, whole
from model_review.verdict import Verdict
from model_review.wording import about, level, number, p_of, percent, signed, span

MANY = 60
LOUD = 5  # warnings that stand above the evidence


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
        cells += [whole(span(row.strict_low, row.strict_high, row.se)), f"{row.n:,}"]
        body = table(header, [cells])
        drawn = drawing.interval(row, bound.margin)
        body = join(body, f"```text\n{drawn}\n```" if drawn and not comparison.identical else "")
    chart, bars = drawing.chart(comparison, bound.metric)
    shown = fold("Every model on these rows", f"{chart}\n\n{drawing.beside(bars)}") if chart and tier < 2 else ""
    return join(body, shown)


def _metric_cells(row: MetricRow, currency: str) -> list[str]:
    money = f" ({code(currency)} per row)" if row.name == "business_value" and currency else ""
    return [
        code(row.name) + money,
        row.direction,
        number(row.champion),
        number(row.challenger),
        signed(row.delta, row.se),
        whole(span(row.low, row.high, row.se)),
        whole(p_of(row.p_value)),
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
    metrics = (
        table(names, [_metric_cells(row, comparison.currency) for row in comparison.metrics])
        if comparison.metrics
        else ""
    )
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
        [code(row.column), number(row.effect), f"{number(row.low)} to {number(row.high)}", p_of(row.p_adjusted)]
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
    return fold(f"What changed{kinds(found.kinds)}", "\n".join(lines))


def known_changes(found: Changes) -> list[str]:
    """What is not the same, by kind where a workflow asked git, else by what the two runs say of themselves."""
    if found.kinds is not None:
        return list(found.kinds)
    told = {"code": found.code, "dependencies": found.lock or bool(found.environment), "parameters": bool(found.params)}
    return [name for name, differs in told.items() if differs]


def kinds(found: Sequence[str] | None) -> str:
    """What determines a run and is not the same, for the end of a title."""
    return "" if not found else f": {', '.join(found)}{' alone' if len(found) == 1 else ''}"


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
    lines += [f"- \u26a0\ufe0f {text(warning)}" for warning in comparison.warnings[LOUD : LOUD + 20]]
    lines += [
        f"- the challenger warns: {text(warning)}" for warning in comparison.challenger.warnings[:10] if tier == 0
    ]
    return fold("Reproducibility and other warnings", "\n".join(lines))
