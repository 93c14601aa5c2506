"""Numbers in words: no more digits than the error supports, and a sign where the sign matters."""

import math


def number(value: float | None, se: float | None = None) -> str:
    """A value; with a standard error it gets two digits of the error, else four significant digits."""
    if value is None:
        return "n/a"
    if se is not None and se > 0:
        digits = min(max(1 - math.floor(math.log10(se)), 0), 12)
        text = f"{value:,.{digits}f}"
    else:
        text = f"{value:,.0f}" if abs(value) >= 10_000 and value == round(value) else f"{value:.4g}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def signed(value: float | None, se: float | None = None) -> str:
    """A difference, with its sign."""
    text = number(value, se)
    return text if value is None or text.startswith("-") or value <= 0 else f"+{text}"


def percent(value: float | None, digits: int = 1) -> str:
    """A share as a percentage."""
    return "n/a" if value is None else f"{100 * value:.{digits}f} %"


def p_of(value: float | None) -> str:
    """A p-value: two digits, and no claim to know more than a computed tail can hold."""
    if value is None:
        return "n/a"
    return "below 1e-16" if value < 1e-16 else f"{value:.2g}"


def level(value: float) -> str:
    """A confidence level, as few digits as it takes."""
    return f"{100 * value:.4g} %"


def span(low: float | None, high: float | None, se: float | None = None) -> str:
    """An interval in words."""
    return "n/a" if low is None or high is None else f"{signed(low, se)} to {signed(high, se)}"


def error_of(low: float | None, high: float | None) -> float | None:
    """About the standard error behind a 90 % interval, to round by."""
    return None if low is None or high is None else (high - low) / 3.29


def about(rows: int) -> str:
    """A number of rows to two digits, rounded up: it is an estimate."""
    digits = max(len(str(rows)) - 2, 0)
    return f"{math.ceil(rows / 10**digits) * 10**digits:,}"
