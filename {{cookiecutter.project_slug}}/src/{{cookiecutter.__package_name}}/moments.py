"""Dates as text, in the contract's formats or ISO 8601: the table, batch prediction and the service read them alike."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(4096)  # dates repeat, and reading one by a format is slow
def read(text: str, forms: Sequence[str]) -> datetime:
    """The first format that fits, else ISO 8601; raises ValueError."""
    for form in forms:
        with suppress(ValueError):
            return datetime.strptime(text, form)
    return iso(text)


def iso(text: str) -> datetime:
    """A date or time in ISO 8601, with an offset in UTC; digits alone are none. Raises ValueError."""
    moment = datetime.fromisoformat("" if text.isdigit() else text)
    try:
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:
        raise ValueError("is beyond the years 1 to 9999") from None
