"""Whether a comparison that somebody else wrote hangs together: each part for itself is checked by the schema."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from model_review.comparison import Comparison
from model_review.comparison_basics import MetricRow
from model_review.comparison_groups import FairnessRow, RobustnessRow, SliceRow
from model_review.metrics.catalog import find
from model_review.text import plain

SLACK = 1e-6  # what rounding may do to sums over millions of rows, relative to the numbers themselves
GroupRow = SliceRow | FairnessRow | RobustnessRow


def contradictions(comparison: Comparison) -> Iterator[str]:
    """What is wrong, each as a phrase that starts with the field."""
    yield from _settings(comparison)
    yield from _rows(comparison)
    yield from _measured(comparison)
    for place, row in enumerate(comparison.metrics):
        yield from _metric(f"field metrics.{place}", row, comparison)
    yield from _power(comparison)
    yield from _groups(comparison)
    yield from _shapes(comparison)


def _unknown(comparison: Comparison, field: str, name: str) -> Iterator[str]:
    if find(comparison.task, name) is None:
        yield f"{field} is {plain(name)}, which is no metric of a {comparison.task} task"


def _share(field: str, value: float | None) -> Iterator[str]:
    if value is not None and not 0 <= value <= 1:
        yield f"{field} is {value:g} and must lie between 0 and 1"


def _settings(comparison: Comparison) -> Iterator[str]:
    made = comparison.settings
    for place, bound in enumerate(made.bounds):
        field = f"field settings.bounds.{place}"
        yield from _unknown(comparison, f"{field}.metric", bound.metric)
        yield from _share(f"{field}.level", bound.level)
    if [bound.rule for bound in made.bounds].count("objective") != 1:
        yield "field settings.bounds must hold one objective"
    if not 0 < made.alpha < 0.5:
        yield f"field settings.alpha is {made.alpha:g} and must lie between 0 and 0.5"
    if abs(made.alpha_look * made.planned_looks - made.alpha) > SLACK * made.alpha:
        yield "field settings.alpha_look is not alpha shared over planned_looks"


def _rows(comparison: Comparison) -> Iterator[str]:
    rows, flips = comparison.rows, comparison.flips
    for name, count in (("positives", rows.positives), ("entities", rows.entities)):
        if comparison.metrics and count is not None and count > rows.compared:
            yield f"field rows.{name} is {count:,}, more than the {rows.compared:,} rows compared"
    if comparison.metrics and rows.classes and sum(rows.classes.values()) != rows.compared:
        yield f"field rows.classes does not add up to the {rows.compared:,} rows compared"
    if flips is not None:
        if flips.fixed + flips.broken > rows.compared:
            yield f"field flips counts more rows than the {rows.compared:,} compared"
        for name in ("nfr", "pfr", "churn", "trust", "errors_kept", "self_churn"):
            yield from _share(f"field flips.{name}", getattr(flips, name))


def _measured(comparison: Comparison) -> Iterator[str]:
    """Each metric once, the objective among them; none only where a check says why."""
    names = [row.name for row in comparison.metrics] + [one.name for one in comparison.undefined]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        yield f"field metrics names {plain(twice)} twice"
    for place, one in enumerate(comparison.undefined):
        yield from _unknown(comparison, f"field undefined.{place}.name", one.name)
    objective = next(bound.metric for bound in comparison.settings.bounds if bound.rule == "objective")
    if not names:
        if all(check.status == "green" for check in comparison.checks):
            yield "field metrics is empty and no check says why"
    elif objective not in names:
        yield f"field metrics lacks the objective, {plain(objective)}"
    if comparison.identical and any(row.delta for row in comparison.metrics):
        yield "field identical is true and a metric changes"


def _metric(field: str, row: MetricRow, comparison: Comparison) -> Iterator[str]:
    known = find(comparison.task, row.name)
    if known is None:
        yield from _unknown(comparison, f"{field}.name", row.name)
    elif row.direction != known.direction:
        yield f"{field}.direction: {row.name} is not better when {row.direction}"
    parts = [row.champion, row.delta, row.low, row.high, row.level, row.se, row.p_value]
    strict = [row.strict_low, row.strict_high, row.strict_level]
    alone = comparison.champion is None
    if any((part is None) != alone for part in parts):
        yield f"{field}: a champion, a difference and its interval are given all together or, without a champion, not"
    if len({part is None for part in strict}) > 1 or (alone and strict[0] is not None):
        yield f"{field}: the strict interval has both ends and a level, or none"
    yield from _share(f"{field}.p_value", row.p_value)
    if row.n != comparison.rows.compared or row.units > row.n:
        yield f"{field}.n: {row.n:,} rows and {row.units:,} units of {comparison.rows.compared:,} rows compared"
    if row.champion is not None and row.delta is not None:
        scale = abs(row.champion) + abs(row.challenger)
        if abs(row.challenger - row.champion - row.delta) > SLACK * scale:
            yield f"{field}.delta is not challenger minus champion"
    if row.se is not None and row.se < 0:
        yield f"{field}.se is below 0"
    for ends, level in (((row.low, row.high), row.level), (strict[:2], row.strict_level)):
        yield from _interval(field, *ends)
        if level is not None and not 0 < level < 1:
            yield f"{field}.level is {level:g} and must lie between 0 and 1"
    yield from _nested(field, row)


def _nested(field: str, row: MetricRow) -> Iterator[str]:
    """The interval at the higher level holds the other one."""
    if row.low is None or row.high is None or row.strict_low is None or row.strict_high is None:
        return
    slack = SLACK * (row.strict_high - row.strict_low)
    if (row.strict_level or 0.0) >= (row.level or 0.0) and (
        row.strict_low > row.low + slack or row.strict_high < row.high - slack
    ):
        yield f"{field}: the interval at the higher level does not hold the other"


def _interval(field: str, low: float | None, high: float | None) -> Iterator[str]:
    if (low is None) != (high is None):
        yield f"{field}: the interval has one end"
    if low is not None and high is not None and low > high:
        yield f"{field}.low is above high"


def _power(comparison: Comparison) -> Iterator[str]:
    found = comparison.power
    if found is None:
        return
    objective = next(bound.metric for bound in comparison.settings.bounds if bound.rule == "objective")
    if found.metric != objective or comparison.metric(objective) is None or comparison.champion is None:
        yield "field power.metric is not an objective that was compared"
    yield from _share("field power.discordance", found.discordance)


def _groups(comparison: Comparison) -> Iterator[str]:
    families: list[tuple[str, Sequence[GroupRow]]] = [
        ("slices", comparison.slices),
        ("fairness", comparison.fairness),
        ("robustness", comparison.robustness),
    ]
    for name, rows in families:
        bound = next((bound for bound in comparison.settings.bounds if bound.rule == name), None)
        metrics = {row.metric for row in rows}
        if len(metrics) > 1 or (bound is not None and metrics - {bound.metric}):
            yield f"field {name} holds rows of another metric than its bound"
        for place, row in enumerate(rows):
            field = f"field {name}.{place}"
            yield from _unknown(comparison, f"{field}.metric", row.metric)
            yield from _interval(field, row.low, row.high)
            yield from _share(f"{field}.p_value", row.p_value)
            yield from _share(f"{field}.p_adjusted", row.p_adjusted)
            if (row.p_value is None) != (row.p_adjusted is None) or (row.low is None) != (row.delta is None):
                yield f"{field}: a difference comes with its interval, and a p with the adjusted one"
            if row.delta is None and row.status != "cannot tell":
                yield f"{field}.status is {row.status} and there is no difference"
            if row.family == "gated" and (bound is None or _place(row) not in map(plain, bound.columns)):
                yield f"{field}.family is gated, and no bound names {plain(_place(row))}"
            if isinstance(row, SliceRow) and row.n > comparison.rows.compared:
                yield f"{field}.n is {row.n:,}, more than the {comparison.rows.compared:,} rows compared"


def _place(row: GroupRow) -> str:
    return row.scenario if isinstance(row, RobustnessRow) else row.column


def _shapes(comparison: Comparison) -> Iterator[str]:
    """Plots: lists that belong together have one length, shares lie between 0 and 1."""
    pair, curves = comparison.calibration, comparison.curves
    for name, side in (("champion", pair.champion), ("challenger", pair.challenger)) if pair is not None else ():
        for place, one in enumerate(side.bins if side is not None else ()):
            for share in (one.forecast, one.observed, one.low, one.high):
                yield from _share(f"field calibration.{name}.bins.{place}", share)
    for name, curve in (("roc", curves.roc), ("pr", curves.pr)):
        if curve is not None:
            lists = (curve.grid, curve.champion, curve.challenger, curve.low, curve.high)
            if len({len(one) for one in lists}) > 1 or not curve.grid:
                yield f"field curves.{name}: its lists are empty or differ in length"
            for share in (share for one in lists for share in one):
                yield from _share(f"field curves.{name}", share)
    edges = curves.score_edges
    if {len(curves.score_champion), len(curves.score_challenger)} != {max(len(edges) - 1, 0)}:
        yield "field curves.score_edges: one edge more than there are counts on either side"
    if any(first >= second for first, second in pairwise(edges)):
        yield "field curves.score_edges must rise"
