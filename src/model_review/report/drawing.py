"""An interval drawn in text, and the one Mermaid chart."""

import numpy as np

from model_review.comparison import Comparison
from model_review.comparison_basics import MetricRow
from model_review.report.escape import label
from model_review.wording import number

WIDTH = 52


def interval(row: MetricRow, margin: float) -> str:
    """The objective's strict interval on a line: `|` no change, `:` what counts, `o` the estimate."""
    low = row.strict_low if row.strict_low is not None else row.low
    high = row.strict_high if row.strict_high is not None else row.high
    if row.delta is None or low is None or high is None:
        return ""
    counts = margin if row.direction == "higher" else -margin
    left, right = min(low, 0.0, counts), max(high, 0.0, counts)
    if left == right:
        left, right = -1.0, 1.0
    room = (right - left) * 0.06
    left, right = left - room, right + room

    def place(value: float) -> int:
        return round((value - left) / (right - left) * (WIDTH - 1))

    line = ["\u00b7"] * WIDTH
    for spot in range(place(low), place(high) + 1):
        line[spot] = "="
    line[place(counts)] = ":"
    line[place(0.0)] = "|"
    line[place(low)], line[place(high)] = "[", "]"
    line[place(row.delta)] = "o"
    better = "better \u2192" if row.direction == "higher" else "\u2190 better"
    return f"{''.join(line)}\n[ ] interval   o estimate   | no change   : what counts   {better}"


def chart(comparison: Comparison, name: str) -> tuple[str, list[tuple[str, float]]]:
    """The objective of every model as a Mermaid bar chart, and its numbers; empty with fewer than two bars."""
    row = comparison.metric(name)
    if row is None:
        return "", []
    bars = [(label(one.name), one.metrics[name]) for one in comparison.baselines[:4] if name in one.metrics]
    if row.champion is not None:
        bars.append(("champion", row.champion))
    bars.append(("challenger", row.challenger))
    if len(bars) < 2:
        return "", []
    values = [value for _, value in bars]
    low, high = min(values), max(values)
    room = (high - low or abs(high) or 1.0) * 0.15
    names = ", ".join(f'"{one}"' for one, _ in bars)
    heights = ", ".join(map(_plain_number, values))
    lines = [
        "```mermaid",
        "xychart-beta",
        f'  title "{label(name.replace("_", " "))} of every model on these rows"',
        f"  x-axis [{names}]",
        f'  y-axis "{label(name.replace("_", " "))}" {_plain_number(low - room)} --> {_plain_number(high + room)}',
        f"  bar [{heights}]",
        "```",
    ]
    return "\n".join(lines), bars


def _plain_number(value: float) -> str:
    """Six digits without an exponent, which the chart's grammar does not know."""
    return np.format_float_positional(value, precision=6, fractional=False, trim="-")


def beside(bars: list[tuple[str, float]]) -> str:
    """The chart's numbers in words."""
    return " \u00b7 ".join(f"{name} {number(value)}" for name, value in bars)
