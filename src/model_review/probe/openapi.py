"""The service's OpenAPI document against the contract: each model column is there, with its type and its limits."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from model_review.probe.client import Connection, NoAnswer
from model_review.probe.columns import NUMERIC, Served
from model_review.text import plain

TYPES = {"integer": "integer", "number": "number", "boolean": "boolean"}
DEPTH, MOST_PARTS = 20, 1000  # a document may refer to itself, and more than once


def ask_openapi(connection: Connection, columns: list[Served]) -> list[str]:
    """What does not fit, in sentences."""
    try:
        answer = connection.ask("/docs.json")
    except NoAnswer as error:
        return [f"/docs.json got no answer: {error}."]
    document = answer.json()
    if answer.status != 200 or not isinstance(document, dict):
        return [f"/docs.json is no OpenAPI document (answered with {answer.status})."]
    row = _row(document)
    if row is None:
        return ["/docs.json does not describe POST /predict with a list `rows` of objects."]
    properties = row.get("properties")
    shown: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    required = row.get("required") if isinstance(row.get("required"), list) else []
    return [sentence for column in columns for sentence in _faults(document, column, shown, required or [])]


def _faults(document: dict[str, Any], column: Served, shown: Mapping[str, Any], required: list[Any]) -> Iterator[str]:
    name = plain(column.name)
    if column.name not in shown:
        yield f"/docs.json has no column {name}, which the model uses."
        return
    wanted = TYPES.get(column.kind, "string")
    parts = [*islice(_parts(document, shown[column.name], DEPTH), MOST_PARTS)]
    kinds = set(_types(parts))
    if wanted not in kinds:
        found = ", ".join(sorted(map(plain, kinds))) or "nothing"
        yield f"/docs.json says that column {name} is {found}; by the contract it is {wanted}."
    if column.required and column.name not in required:
        yield f"/docs.json does not say that column {name} is required."
    if not column.required and column.name in required and "null" not in kinds:
        yield f"/docs.json demands column {name}, which may be missing by the contract."
    for word, limit in _limits(column).items():
        stated = _stated(parts, word)
        if stated != ([] if limit is None else [limit]):
            found = ", ".join(map(plain, stated)) or "nothing"
            wanted = "nothing" if limit is None else plain(limit)
            yield f"/docs.json says {found} for the {word} of column {name}; by the contract it is {wanted}."
    if column.kind == "string" and column.allowed:
        listed = [one for values in _stated(parts, "enum") for one in values]
        if {one for one in listed if isinstance(one, str)} != {*column.allowed}:
            yield f"/docs.json does not list the values that column {name} may have by the contract."


def _limits(column: Served) -> dict[str, Any]:
    """What a JSON schema can say of the column's values; of dates, which are text there, it can say nothing."""
    if column.kind in NUMERIC:
        return {"minimum": column.low, "maximum": column.high}
    return {"maxLength": column.longest} if column.kind == "string" and not column.allowed else {}


def _stated(parts: list[dict[str, Any]], word: str) -> list[Any]:
    """What a schema says under a word, each once; a `const` is an `enum` of one value."""
    found: list[Any] = []
    for part in parts:
        value = [part["const"]] if word == "enum" and "const" in part else part.get(word)
        if isinstance(value, list if word == "enum" else int | float) and value not in found:
            found.append(value)
    return found


def _row(document: dict[str, Any]) -> dict[str, Any] | None:
    found: Any = document
    for key in ("paths", "/predict", "post", "requestBody", "content", "application/json", "schema"):
        found = _resolved(document, found).get(key)
    body = _resolved(document, found)
    rows = _resolved(document, _resolved(document, body.get("properties")).get("rows"))
    row = _resolved(document, rows.get("items"))
    return row if "properties" in row else None


def _resolved(document: dict[str, Any], part: Any) -> dict[str, Any]:
    """The object itself, or the one that its reference names; empty where there is none."""
    for _ in range(DEPTH):
        if not isinstance(part, dict):
            return {}
        reference = part.get("$ref")
        if not isinstance(reference, str):
            return part
        part = document
        for key in reference.removeprefix("#/").split("/"):
            part = part.get(key.replace("~1", "/").replace("~0", "~")) if isinstance(part, dict) else None
    return {}


def _types(parts: list[dict[str, Any]]) -> Iterator[str]:
    """Every type that a schema allows."""
    for found in parts:
        kind = found.get("type")
        if isinstance(kind, str):
            yield kind
        elif isinstance(kind, list):
            yield from (one for one in kind if isinstance(one, str))
        values = [found["const"]] if "const" in found else found.get("enum")
        if kind is None and isinstance(values, list):
            names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
            yield from (names[type(value)] for value in values if type(value) in names)


def _parts(document: dict[str, Any], schema: Any, depth: int) -> Iterator[dict[str, Any]]:
    """A schema and all that it is combined of."""
    found = _resolved(document, schema)
    yield found
    if depth:
        for word in ("anyOf", "oneOf", "allOf"):
            others = found.get(word)
            for one in others if isinstance(others, list) else []:
                yield from _parts(document, one, depth - 1)
