"""The service's description: types, limits, an example row, every status."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json, to_json

from ..contract import Contract
from .fields import Field

ERRORS = {
    "400": "The request breaks the contract: which row and field, what came, what is allowed.",
    "401": "The bearer token is missing or wrong (where the service has one).",
    "404": "No such path, or labels for a service that keeps no log.",
    "405": "Not this method.",
    "408": "The body took too long.",
    "413": "The body is too large.",
    "415": "Not application/json.",
    "503": "Too much to do at a time, or labels that could not be written; try again after Retry-After seconds.",
}
OF_GET = ("401", "405")


def row_schema(fields: Sequence[Field], contract: Contract, example: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of one row; columns that the model does not read may be sent and are not used."""
    properties: dict[str, Any] = {field.column.name: field.schema for field in fields}
    for column in contract.columns:
        properties.setdefault(column.name, {"description": "may be sent, is not used"})
    return {
        "title": "Row",
        "type": "object",
        "properties": properties,
        "required": [field.column.name for field in fields if field.column.required],
        "additionalProperties": False,
        "example": {**example},
    }


def document(made: Mapping[str, Any], example: Mapping[str, Any]) -> dict[str, Any]:
    """BentoML's OpenAPI document, with what BentoML cannot know: errors, examples, the routes of GET."""
    found: dict[str, Any] = from_json(to_json(made))  # every key as text
    schemas = found["components"]["schemas"]
    schemas["Error"] = {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}, "violations": {"type": "array", "items": {"type": "object"}}},
    }
    of_error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    errors = {status: {"description": words, "content": of_error} for status, words in ERRORS.items()}
    paths = found["paths"]
    told = "Digest, commit, contract digest, metrics and format of the model."
    for path, text in (("/model", told), ("/docs.json", "This document.")):
        shown = {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
        paths[path] = {"get": {"summary": text, "responses": {"200": shown}}}
    for path, methods in paths.items():
        for method, operation in methods.items():
            if method == "get":
                operation["responses"] |= {status: errors[status] for status in OF_GET}
            elif method == "post":
                good = {code: answer for code, answer in operation["responses"].items() if code[0] == "2"}
                operation["responses"] = good | errors
                operation["requestBody"]["required"] = True
                name = {"/predict": "Rows", "/feedback": "Labels"}[path]
                body = {"schema": {"$ref": f"#/components/schemas/{name}"}}
                operation["requestBody"]["content"] = {"application/json": body}
    content = paths["/predict"]["post"]["requestBody"]["content"]["application/json"]
    content["example"] = {"rows": [{**example}]}
    return found | {"openapi": "3.1.0"}
