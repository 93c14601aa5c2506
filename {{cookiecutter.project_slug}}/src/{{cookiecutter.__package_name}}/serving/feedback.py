"""What became of predictions: labels for earlier request ids, as the route /feedback takes them."""

import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .fields import shown
from .limits import REQUEST_ID
from .request import MOST_LISTED, Refused, listed


class Label(BaseModel):
    """The true label of one row of an earlier request."""

    model_config = ConfigDict(extra="forbid")
    request_id: str = Field(description="the X-Request-ID of the prediction", pattern="^[A-Za-z0-9._:-]{1,128}$")
    row: int = Field(description="the row's place in that request, 0 for the first", ge=0)
    label: str | float = Field(description="a class as text, or for regression a number")


def read(body: bytes, classes: Sequence[str], most: int) -> list[dict[str, Any]]:
    """The labels of a body; raises `Refused`."""
    entries, found = listed(body, "labels", most), []
    for number, entry in enumerate(entries):
        given = entry if isinstance(entry, dict) else {}
        request_id, row, label = (given.get(key) for key in Label.model_fields)
        fits = label in classes if classes else _is_number(label)
        for field, good, allowed in (
            ("entry", given.keys() == Label.model_fields.keys(), "an object of request_id, row and label"),
            (
                "request_id",
                isinstance(request_id, str) and REQUEST_ID.fullmatch(request_id.encode()),
                "an X-Request-ID",
            ),
            ("row", type(row) is int and 0 <= row < most, f"a whole number from 0 to {most - 1}"),
            ("label", fits, f"one of {shown(list(classes))}" if classes else "a number"),
        ):
            if not good:
                came = shown(given.get(field, entry)) if field != "label" else "(not shown)"
                found.append({"row": number, "field": field, "came": came, "allowed": allowed})
    if found:
        raise Refused(f"{len(found)} value(s) are not as they should be", found[:MOST_LISTED])
    return entries


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # a whole number beyond a float's range
        return False
