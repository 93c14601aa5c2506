"""Plots as inline SVG: no script, no network, colours from the page's style sheet."""

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

from model_review.text import plain
from model_review.wording import number

WIDTH, HEIGHT = 360, 260
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 34
Points = Sequence[tuple[float, float]]


class Plot:
    """One plot: axes over a range of values, and marks drawn in order."""

    def __init__(self, title: str, x: tuple[float, float], y: tuple[float, float], names: tuple[str, str]) -> None:
        self.title, self.names = title, names
        self.x, self.y = _wide(*x), _wide(*y)
        self.marks: list[str] = []

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point, kept inside the frame."""
        across = min(max((x - self.x[0]) / (self.x[1] - self.x[0]), 0.0), 1.0)
        up = min(max((y - self.y[0]) / (self.y[1] - self.y[0]), 0.0), 1.0)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    def line(self, points: Points, style: str) -> None:
        """A line through points."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.place(*point) for point in points))
        self.marks.append(f'<polyline class="{style}" points="{path}"/>')

    def band(self, x: Sequence[float], low: Sequence[float], high: Sequence[float]) -> None:
        """A band between two lines."""
        edge = [*zip(x, high, strict=True), *zip(reversed(x), reversed(low), strict=True)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.place(*point) for point in edge))
        self.marks.append(f'<polygon class="band" points="{path}"/>')

    def dot(self, x: float, y: float, style: str, tip: str = "") -> None:
        """A dot, with a text that shows on hovering."""
        across, up = self.place(x, y)
        inside = f"<title>{escape(tip)}</title>" if tip else ""
        self.marks.append(f'<circle class="{style}" cx="{across:.1f}" cy="{up:.1f}" r="3.5">{inside}</circle>')

    def bar(self, left: float, right: float, height: float, style: str) -> None:
        """A bar from the axis up."""
        x, y = self.place(left, height)
        end, base = self.place(right, self.y[0])
        self.marks.append(
            f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{max(end - x, 0.5):.1f}" height="{base - y:.1f}"/>'
        )

    def render(self) -> Markup:
        """The SVG."""
        ticks = []
        for share in (0.0, 0.25, 0.5, 0.75, 1.0):
            across = self.x[0] + share * (self.x[1] - self.x[0])
            up = self.y[0] + share * (self.y[1] - self.y[0])
            x, base = self.place(across, self.y[0])
            start, y = self.place(self.x[0], up)
            ticks.append(f'<line class="grid" x1="{start:.1f}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            ticks.append(
                f'<text class="tick" x="{x:.1f}" y="{base + 13:.1f}" text-anchor="middle">{_tick(across)}</text>'
            )
            ticks.append(f'<text class="tick" x="{start - 4:.1f}" y="{y + 3:.1f}" text-anchor="end">{_tick(up)}</text>')
        middle = LEFT + (WIDTH - LEFT - RIGHT) / 2
        names = (
            f'<text class="axis" x="{middle:.1f}" y="{HEIGHT - 4}" text-anchor="middle">{escape(self.names[0])}</text>'
            f'<text class="axis" x="11" y="{HEIGHT / 2:.1f}" text-anchor="middle" '
            f'transform="rotate(-90 11 {HEIGHT / 2:.1f})">{escape(self.names[1])}</text>'
        )
        return frame(self.title, WIDTH, HEIGHT, "".join(ticks) + "".join(self.marks) + names)


def frame(title: str, width: int, height: int, inside: str) -> Markup:
    """An SVG that scales with the page and says what it is."""
    return Markup(
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title, quote=True)}">{inside}</svg>'
    )


def _wide(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _tick(value: float) -> str:
    return f"{value:.2g}" if abs(value) >= 1e-9 else "0"


Row = tuple[str, float, float, float, str]


def forest(title: str, rows: Sequence[Row], zero_name: str) -> Markup:
    """Intervals under each other: (name, low, middle, high, style), with the line of no change."""
    if not rows:
        return Markup("")
    step, top, left, width = 24, 8, 150, 520
    ends = [end for row in rows for end in row[1:4]] + [0.0]
    low, high = _wide(min(ends), max(ends))
    room = (high - low) * 0.05
    low, high = low - room, high + room

    def place(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left - 12)

    height = top + step * len(rows) + 24
    zero = place(0.0)
    parts = [f'<line class="zero" x1="{zero:.1f}" x2="{zero:.1f}" y1="{top}" y2="{height - 18}"/>']
    for number_of, (name, start, middle, end, style) in enumerate(rows):
        y = top + step * number_of + step / 2
        short = plain(name, 24)
        tip = f"{name}: {number(middle)} ({number(start)} to {number(end)})"
        parts.append(
            f'<g class="{style}"><title>{escape(tip)}</title><text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f'{escape(short)}</text><line x1="{place(start):.1f}" x2="{place(end):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<circle cx="{place(middle):.1f}" cy="{y:.1f}" r="4"/></g>'
        )
    parts.append(f'<text class="tick" x="{zero:.1f}" y="{height - 4}" text-anchor="middle">{escape(zero_name)}</text>')
    return frame(title, width, height, "".join(parts))


def pairs(
    title: str,
    rows: Sequence[tuple[str, float, float]],
    names: tuple[str, str],
    styles: tuple[str, str] = ("old", "new"),
) -> Markup:
    """Two bars under each name: (name, first, second)."""
    if not rows:
        return Markup("")
    step, left, width = 30, 150, 520
    top_value = max((max(abs(first), abs(second)) for _, first, second in rows), default=1.0) or 1.0
    height = step * len(rows) + 10
    parts = []
    for place, (name, first, second) in enumerate(rows):
        y = step * place + 6
        parts.append(f'<text x="{left - 8}" y="{y + 14}" text-anchor="end">{escape(plain(name, 24))}</text>')
        for shift, value, style, side in ((0, first, styles[0], names[0]), (11, second, styles[1], names[1])):
            long = abs(value) / top_value * (width - left - 70)
            parts.append(
                f'<rect class="{style} fill" x="{left}" y="{y + shift}" width="{max(long, 0.5):.1f}" height="9">'
                f"<title>{escape(side)}: {number(value)}</title></rect>"
                f'<text class="tick" x="{left + long + 5:.1f}" y="{y + shift + 8}">{number(value)}</text>'
            )
    return frame(title, width, height, "".join(parts))
