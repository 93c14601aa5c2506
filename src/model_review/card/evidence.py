"""The numbers of both files as tables, straight from run.json, profile.json, comparison.json and verdict.json."""

from model_review.card.sources import Sources
from model_review.comparison_basics import MetricRow
from model_review.metrics.catalog import find
from model_review.report.escape import code, text
from model_review.report.tables import join, mark, table
from model_review.wording import error_of, level, number, signed, span

MANY = 200


def listed(names: list[str] | tuple[str, ...], most: int = MANY) -> str:
    """Names in code spans."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(code(name) for name in names[:most]) or "none") + more


def capped(header: list[str], rows: list[list[str]]) -> str:
    """A table, cut after so many rows, and saying so."""
    more = f"and {len(rows) - MANY:,} more, see the files above" if len(rows) > MANY else ""
    return join(table(header, rows[:MANY]), more) if rows else ""


def metrics(sources: Sources) -> str:
    """Every metric; where two models were compared, with the interval of the change."""
    found, record = sources.comparison, sources.record
    if found is None or not found.metrics:
        rows = [[code(name), _direction(sources, name), number(value)] for name, value in record.metrics.items()]
        return capped(["metric", "better", "this model"], rows) or "The run gives no metric."
    header = ["metric", "better", "before", "this model", "change", "interval of the change", "level", "method", "n"]
    return capped(header, [_cells(row) for row in found.metrics])


def _direction(sources: Sources, name: str) -> str:
    known = find(sources.record.task, name)
    return "n/a" if known is None else known.direction


def _cells(row: MetricRow) -> list[str]:
    cells = [code(row.name), row.direction, number(row.champion), number(row.challenger), signed(row.delta, row.se)]
    cells += [span(row.low, row.high, row.se), "n/a" if row.level is None else level(row.level)]
    return [*cells, text(row.method), f"{row.n:,}"]


def baselines(sources: Sources) -> str:
    """What simpler models score on the same rows."""
    names = list(sources.record.metrics)[:6]
    rows = [
        [code(name), *(number(one.get(metric)) for metric in names)] for name, one in sources.record.baselines.items()
    ]
    header = ["simpler model, same rows", *(code(metric) for metric in names)]
    return capped(header, rows) if names else ""


def groups(sources: Sources) -> str:
    """Single factors: slices, and the gaps between the groups of sensitive columns."""
    found = sources.comparison
    if found is None:
        return "Results per group need a comparison (`--comparison`); none was given."
    rows = []
    for row in found.slices:
        error = error_of(row.low, row.high)
        cells = [f"{code(row.column)} = {code(row.value)}", f"{row.n:,}", code(row.metric), number(row.challenger)]
        rows.append([*cells, signed(row.delta, error), span(row.low, row.high, error), mark(row.status)])
    slices = capped(["group", "n", "metric", "this model", "change", "90 % interval of the change", "status"], rows)
    gaps = []
    for gap in found.fairness:
        error = error_of(gap.low, gap.high)
        each = ", ".join(f"{code(one.value)} {number(one.challenger)} (n={one.n:,})" for one in gap.groups[:20])
        cells = [code(gap.column), code(gap.metric), each, number(gap.gap_challenger), signed(gap.delta, error)]
        gaps.append([*cells, span(gap.low, gap.high, error), mark(gap.status)])
    header = ["sensitive column", "metric", "groups", "gap", "change of the gap", "90 % interval", "status"]
    weak = "\n".join(
        f"- found by search, and confirmed on other rows: {text(one.where)} (n={one.n:,}), "
        f"{code(one.metric)} changes by {signed(one.confirmed)}"
        for one in found.weak_slices[:10]
    )
    return (
        join(slices, capped(header, gaps), weak) or "No group was measured: no column has the role slice or sensitive."
    )


def robustness(sources: Sources) -> str:
    """Faulty input."""
    rows = [
        [code(row.scenario), code(row.metric), number(row.challenger), number(row.fall_challenger), mark(row.status)]
        for row in (sources.comparison.robustness if sources.comparison else [])
    ]
    return capped(["faulty input", "metric", "this model", "falls by", "against the model before"], rows)


def calibration(sources: Sources) -> str:
    """Do forecasts mean what they say?"""
    pair = None if sources.comparison is None else sources.comparison.calibration
    if pair is None:
        return ""
    side = pair.challenger
    return (
        f"Calibration: slope {number(side.slope)} (1 is right), intercept {number(side.intercept)} (0 is right), "
        f"Brier score {number(side.brier)}, calibration error over ten bins {number(side.ece)}."
    )


def verdict(sources: Sources) -> str:
    """The verdict and the rules behind it."""
    found = sources.verdict
    if found is None:
        return ""
    rows = [[text(one.rule), mark(one.status), text(one.detail)] for one in found.because]
    return join(f"Verdict: **{found.verdict}**. {text(found.reason)}", capped(["rule", "status", "detail"], rows))


def evaluation_data(sources: Sources) -> str:
    """The rows that the numbers are from."""
    data = sources.record.data
    lines = [
        f"- table {code(data.path or 'not recorded')}, {code(data.digest or 'no digest')}, {amount(data.rows)} rows",
        f"- {amount(data.evaluation_rows)} evaluation rows, held out of training; every number is from these; set "
        f"{code(data.evaluation_digest or 'no digest')}",
    ]
    if data.unlabelled_rows:
        lines.append(f"- {amount(data.unlabelled_rows)} rows without a target, used for neither")
    return "\n".join(lines)


def training_data(sources: Sources) -> str:
    """The training rows, column by column."""
    lines = f"- {amount(sources.record.data.train_rows)} training rows of the same table"
    known = sources.contract.columns if sources.contract else {}
    rows = []
    for name, entry in sources.columns.items():
        roles = ", ".join(known[name].roles) if name in known else "not in the contract"
        rows.append(
            [code(name), text(entry.get("type", "n/a"), 40), roles, _whole(entry, "missing"), _whole(entry, "distinct")]
        )
    return join(lines, capped(["column", "type", "role", "missing", "different values"], rows))


def _whole(entry: dict[str, object], field: str) -> str:
    value = entry.get(field)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else "n/a"


def amount(value: int | None) -> str:
    """A count, or that there is none."""
    return "an unrecorded number of" if value is None else f"{value:,}"


def inputs(sources: Sources) -> str:
    """What goes in."""
    known = sources.contract.columns if sources.contract else {}
    rows = [
        [code(name), text(known[name].logical_type) if name in known else "n/a"] for name in sources.record.features
    ]
    return capped(["input column", "type"], rows)
