"""The plots of report.html, from the comparison's own numbers."""

from dataclasses import dataclass

from markupsafe import Markup

from model_review.comparison import Comparison
from model_review.comparison_details import Curve
from model_review.report import svg

WIDE = 1e4


@dataclass(frozen=True)
class Figure:
    """A plot and the sentence that says what to see in it."""

    title: str
    caption: str
    plot: Markup
    wide: bool = False


def figures(comparison: Comparison) -> list[Figure]:
    """Every plot that has something to show."""
    found = [
        _changes(comparison),
        *_curves(comparison),
        _calibration(comparison),
        _shift(comparison),
        _slices(comparison),
        _flips(comparison),
        _robustness(comparison),
        _importances(comparison),
    ]
    return [figure for figure in found if figure is not None and figure.plot]


def _style(low: float, high: float, sign: float) -> str:
    if low * sign > 0 and high * sign > 0:
        return "good"
    return "bad" if low * sign < 0 and high * sign < 0 else "same"


def _changes(comparison: Comparison) -> Figure | None:
    """Gains of all metrics, each in units of its standard error, so that they fit one axis."""
    rows: list[svg.Row] = []
    for row in comparison.metrics:
        if row.delta is None or row.low is None or row.high is None or not row.se:
            continue
        if max(abs(row.low), abs(row.high)) > WIDE * row.se:
            continue  # its standard error is no unit to draw it in
        sign = 1.0 if row.direction == "higher" else -1.0
        ends = sorted((sign * row.low / row.se, sign * row.high / row.se))
        rows.append((row.name, ends[0], sign * row.delta / row.se, ends[1], _style(row.low, row.high, sign)))
    caption = "The gain of each metric with its 90 % interval, in standard errors: right of the line is better."
    return Figure("All metrics", caption, svg.forest("Gain of every metric", rows, "no change"), True) if rows else None


def _curves(comparison: Comparison) -> list[Figure]:
    found = []
    for curve, title, names, caption in (
        (comparison.curves.roc, "ROC curve", ("false positive rate", "true positive rate"), "Higher is better"),
        (comparison.curves.pr, "Precision and recall", ("recall", "precision"), "Higher is better"),
    ):
        if curve is not None and _whole(curve):
            plot = svg.Plot(title, (0, 1), (0, 1), names)
            plot.band(curve.grid, curve.low, curve.high)
            plot.line(list(zip(curve.grid, curve.champion, strict=True)), "old")
            plot.line(list(zip(curve.grid, curve.challenger, strict=True)), "new")
            found.append(Figure(title, f"{caption}; the band is the challenger's, 95 % at each point.", plot.render()))
    return found


def _whole(curve: Curve) -> bool:
    sizes = {len(side) for side in (curve.grid, curve.champion, curve.challenger, curve.low, curve.high)}
    return len(sizes) == 1 and sizes != {0}


def _calibration(comparison: Comparison) -> Figure | None:
    pair = comparison.calibration
    if pair is None:
        return None
    plot = svg.Plot("Calibration", (0, 1), (0, 1), ("forecast", "observed share"))
    plot.line([(0, 0), (1, 1)], "ideal")
    for side, style in ((pair.champion, "old"), (pair.challenger, "new")):
        if side is None:
            continue
        plot.line([(one.forecast, one.observed) for one in side.bins], style)
        for one in side.bins:
            if style == "new":
                plot.line([(one.forecast, one.low), (one.forecast, one.high)], "whisker")
            plot.dot(one.forecast, one.observed, style, f"{one.n:,} rows")
    caption = "On the dotted line a forecast of 0.3 happens three times in ten; whiskers are 95 % intervals."
    return Figure("Calibration", caption, plot.render())


def _shift(comparison: Comparison) -> Figure | None:
    curves = comparison.curves
    edges, before, after = curves.score_edges, curves.score_champion, curves.score_challenger
    if len(edges) != len(before) + 1 or len(before) != len(after) or not before:
        return None
    totals = max(sum(before), 1), max(sum(after), 1)
    heights = [[count / total for count in side] for side, total in zip((before, after), totals, strict=True)]
    plot = svg.Plot("Scores", (edges[0], edges[-1]), (0, max(map(max, heights))), ("score", "share of rows"))
    for place, (old, new) in enumerate(zip(*heights, strict=True)):
        middle = (edges[place] + edges[place + 1]) / 2
        plot.bar(edges[place], middle, old, "old fill")
        plot.bar(middle, edges[place + 1], new, "new fill")
    return Figure("Score shift", "How the scores are spread: the champion's beside the challenger's.", plot.render())


def _slices(comparison: Comparison) -> Figure | None:
    singles = [row for row in comparison.slices if " & " not in row.column]
    rows: list[svg.Row] = []
    direction = next(
        (one.direction for one in comparison.metrics if singles and one.name == singles[0].metric), "higher"
    )
    sign = 1.0 if direction == "higher" else -1.0
    for row in singles[:40]:
        if row.delta is not None and row.low is not None and row.high is not None:
            low, high = sorted((sign * row.low, sign * row.high))
            style = {"worse": "bad", "better": "good"}.get(row.status, "same")
            rows.append((f"{row.column} = {row.value}", low, sign * row.delta, high, style))
    if not rows:
        return None
    caption = f"The gain of {singles[0].metric} in each group with its 90 % interval: right of the line is better."
    return Figure("Slices", caption, svg.forest("Slices", rows, "no change"), True)


def _flips(comparison: Comparison) -> Figure | None:
    rows = [
        (f"{row.column} = {row.value}", -float(row.broken), float(row.fixed))
        for row in comparison.slices
        if " & " not in row.column and row.fixed is not None and row.broken is not None
    ][:20]
    if not any(first or second for _, first, second in rows):
        return None
    shown = [(name, abs(first), second) for name, first, second in rows]
    caption = (
        "Rows that were right and are wrong (first bar, red); rows that were wrong and are right (second bar, green)."
    )
    plot = svg.pairs("Flips by slice", shown, ("broken", "fixed"), ("bad", "good"))
    return Figure("Flips by slice", caption, plot, True)


def _robustness(comparison: Comparison) -> Figure | None:
    rows = [(row.scenario, row.champion, row.challenger) for row in comparison.robustness if row.champion is not None]
    shown = [(name, before, after) for name, before, after in rows if before is not None]
    if not shown:
        return None
    caption = f"{comparison.robustness[0].metric} of the champion (first) and the challenger (second) on faulty input."
    return Figure("Robustness", caption, svg.pairs("Robustness", shown, ("champion", "challenger")), True)


def _importances(comparison: Comparison) -> Figure | None:
    rows = [
        (one.name, _float(one.champion), _float(one.challenger))
        for one in comparison.curves.importances
        if one.challenger
    ]
    caption = "How much each column matters to the champion (first) and to the challenger (second)."
    plot = svg.pairs("Importances", rows, ("champion", "challenger"))
    return Figure("Importances", caption, plot, True) if rows else None


def _float(text: str | None) -> float:
    try:
        return float(text or 0.0)
    except ValueError:
        return 0.0
