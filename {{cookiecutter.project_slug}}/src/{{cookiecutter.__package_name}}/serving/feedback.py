"""What became of predictions: labels for earlier request ids, as the route /feedback takes them."""

import math
from collections.abc import Sequence
from typing import Any

from .fields import shown
from .limits import REQUEST_ID
from .request import MOST_LISTED, Refused, listed

FIELDS = ("request_id", "row", "label")


def schema(classes: Sequence[str], most: int) -> dict[str, Any]:
    """The JSON schema of one label."""
    place = {"type": "integer", "minimum": 0, "maximum": most - 1}
    properties = {
        "request_id": {"type": "string", "pattern": f"^{REQUEST_ID.pattern.decode()}$", "description": "X-Request-ID"},
        "row": place | {"description": "its place in the request, from 0"},
        "label": {"enum": [*classes]} if classes else {"type": "number"},
    }
    return {"type": "object", "properties": properties, "required": [*FIELDS], "additionalProperties": False}


def read(body: bytes, classes: Sequence[str], most: int) -> list[dict[str, Any]]:
    """The labels of a body; raises `Refused`."""
    entries, found = listed(body, "labels", most), []
    for number, entry in enumerate(entries):
        given = entry if isinstance(entry, dict) else {}
        request_id, row, label = (given.get(key) for key in FIELDS)
        known = isinstance(request_id, str) and REQUEST_ID.fullmatch(request_id.encode())
        fits = label in classes if classes else _is_number(label)
        for field, good, allowed in (
            ("entry", given.keys() == {*FIELDS}, "an object of request_id, row and label"),
            ("request_id", known, "an X-Request-ID"),
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
