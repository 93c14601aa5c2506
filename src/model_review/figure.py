"""A picture of the comparison for those who opt in: checked numbers between two trusted jobs, drawn by the second.

The job that may write to the repository reads no artifact. It gets what this module's `Figure` lets through: names that
the engine knows, and finite numbers. Nothing of a pull request's own words can be in the picture.
"""

import argparse
import io
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationError

from model_review.comparison import Comparison
from model_review.comparison_basics import Number, Part
from model_review.errors import ReviewError
from model_review.files import write_bytes
from model_review.metrics.catalog import TASKS, metrics_of
from model_review.run_record import first_problem
from model_review.wording import signed

KNOWN = {metric.name for task in TASKS for metric in metrics_of(task)}
MOST = 20
WIDTH, ROW, TOP, LEFT, RIGHT = 760, 34, 56, 190, 150
INK, FAINT, GOOD, BAD, UNCLEAR = "#1f2328", "#d0d7de", "#1a7f37", "#cf222e", "#57606a"


def _known(name: str) -> str:
    if name not in KNOWN:
        raise ValueError("is no metric of the engine")
    return name


class Interval(Part):
    """One metric's change with its interval; `direction` says which sign is good."""

    name: Annotated[str, AfterValidator(_known)]
    direction: Literal["higher", "lower"]
    delta: Number
    low: Number
    high: Number


class Figure(Part):
    """What is drawn, and for which pull request."""

    pull: Annotated[int, Field(ge=1, le=10**9)]
    verdict: Literal["promote", "hold", "reject"]
    intervals: Annotated[tuple[Interval, ...], Field(strict=False, min_length=1, max_length=MOST)]


def intervals_of(comparison: Comparison) -> tuple[Interval, ...]:
    """What can be drawn of a comparison: the metrics that have an interval."""
    found = []
    for row in comparison.metrics:
        if row.name in KNOWN and row.delta is not None and row.low is not None and row.high is not None:
            found.append(Interval(name=row.name, direction=row.direction, delta=row.delta, low=row.low, high=row.high))
    return tuple(found[:MOST])


def parse_figure(content: str) -> Figure:
    """Check what the comment job handed over."""
    try:
        return Figure.model_validate(json.loads(content))
    except ValidationError as error:
        raise ReviewError(f"--figure: {first_problem(error)}.") from None
    except (ValueError, RecursionError):
        raise ReviewError("--figure is not valid JSON; give the comment action's output `figure`.") from None


def draw(figure: Figure) -> bytes:
    """The picture as PNG: a row per metric, each on its own scale, the line of no change in the middle."""
    # Only this verb needs it; the others load without it.
    from PIL import Image, ImageDraw, ImageFont

    height = TOP + ROW * len(figure.intervals) + 16
    picture = Image.new("RGB", (WIDTH, height), "white")
    pen, text, small = ImageDraw.Draw(picture), ImageFont.load_default(16), ImageFont.load_default(13)
    pen.text((16, 14), f"{figure.verdict}: change of each metric, challenger minus champion", INK, text)
    middle, half = (LEFT + WIDTH - RIGHT) / 2, (WIDTH - RIGHT - LEFT) / 2 - 8
    pen.line([(middle, TOP - 8), (middle, height - 12)], FAINT, 2)
    for number, row in enumerate(figure.intervals):
        y = TOP + ROW * number + ROW / 2
        reach = max(abs(row.low), abs(row.high), abs(row.delta)) or 1.0
        low, high, delta = (middle + half * (value / reach) for value in (row.low, row.high, row.delta))
        sign = 1.0 if row.direction == "higher" else -1.0
        colour = GOOD if min(sign * row.low, sign * row.high) > 0 else UNCLEAR
        colour = BAD if max(sign * row.low, sign * row.high) < 0 else colour
        pen.text((16, y - 8), row.name, INK, small)
        pen.line([(low, y), (high, y)], colour, 3)
        for end in (low, high):
            pen.line([(end, y - 6), (end, y + 6)], colour, 2)
        pen.ellipse([(delta - 5, y - 5), (delta + 5, y + 5)], colour)
        pen.text((WIDTH - RIGHT + 12, y - 8), signed(row.delta, None), INK, small)
    made = io.BytesIO()
    picture.save(made, "PNG", optimize=True)
    return made.getvalue()


def run_figure(arguments: argparse.Namespace) -> int:
    """`model-review figure`."""
    figure = parse_figure(arguments.figure)
    path: Path = arguments.out / f"{figure.pull}.png"
    write_bytes(path, draw(figure))
    print(f"Drawn: {path.name}.")
    return 0
