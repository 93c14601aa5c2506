"""`contract.yaml` and `params.yaml`, checked: what does not fit the schema or the other file is one sentence."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from . import InputError
from .contract import Contract, load_contract, read

FORMATS = FormatChecker(())


def load(root: Path) -> tuple[Contract, dict[str, Any]]:
    """The project's contract and params; an `InputError` names the file, the field and what is wrong with it."""
    schemas = yaml.safe_load(Path(__file__).with_name("settings.schema.yaml").read_text(encoding="utf-8"))
    _fitting(root / "contract.yaml", schemas["contract"])
    contract = load_contract(root / "contract.yaml")
    for sentence in _contradictions(contract):
        raise InputError(f"{root / 'contract.yaml'}: {sentence}")
    params = _fitting(root / "params.yaml", schemas["params"])
    matrix, classes = (params.get("business_value") or {"matrix": {}})["matrix"], contract.target.allowed
    if strange := {*matrix, *(label for row in matrix.values() for label in row)} - {*classes}:
        named = f"business_value.matrix names {min(strange)!r}, which is no class of {contract.target.name!r}"
        raise InputError(f"{root / 'params.yaml'}: {named}; its classes are: {', '.join(classes) or 'none'}")
    return contract, params | {"threshold": {"metric": "f1", "folds": 3} | (params.get("threshold") or {})}


def _fitting(path: Path, schema: Mapping[str, Any]) -> Any:
    try:
        content = read(path)
    except FileNotFoundError:
        raise InputError(f"{path}: not found; restore it from git") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:  # ValueError: not UTF-8, or a day such as 2025-02-30
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    errors = Draft202012Validator(schema, format_checker=FORMATS).iter_errors(content)
    for wrong in sorted(errors, key=lambda one: one.validator != "required"):  # a field may stand there misspelt
        raise InputError(f"{path}: {_sentence(wrong, content)}")
    return content


def _sentence(error: Any, content: Any) -> str:
    """The place and what is wrong there, in the schema's words where it has some."""
    place, column, shown = list(error.absolute_path), "", repr(error.instance)
    if place[:1] == ["schema"] and place[2:3] == ["properties"] and len(place) > 3:
        entry = content["schema"][place[1]]["properties"][place[3]]
        named = isinstance(entry, dict) and "name" in entry
        column, place = f"column {repr(entry['name']) if named else f'number {place[3] + 1}'}: ", place[4:]
    where = column + (".".join(map(str, place)) or "its content")
    if error.validator == "additionalProperties":
        return f"{where}: {error.message}; known: {', '.join(error.schema['properties'])}"
    if error.validator != "required" and "description" in error.schema:
        came = f" is {shown}, but" if len(shown) <= 60 else ""
        return f"{where}{came} must be {error.schema['description']}"
    return f"{where}: {error.message.replace(shown, shown[:60], 1)}"


def _contradictions(contract: Contract) -> Iterator[str]:
    """What a schema cannot say: fields that do not go together."""
    target, count = contract.target, len({*contract.target.allowed})
    names = [column.name for column in contract.columns]
    for column in contract.columns:
        if names.count(column.name) > 1:
            yield f"column {column.name!r} occurs more than once; give each column a name of its own"
        if both := {*column.more.get("trueValues", [])} & {*column.more.get("falseValues", [])}:
            yield f"column {column.name!r}: trueValues and falseValues share {min(both)!r}; remove it from one of them"
    if absent := {*contract.row_key} - {*names}:
        yield f"rowKey names {min(absent)!r}, which is no column; without it every row_id changes"
    fits = {"binary": count == 2, "multiclass": count > 2, "regression": target.type in ("integer", "number")}
    if not fits[contract.task]:
        yield f"column {target.name!r}: {target.type} with {count} classes does not fit the task {contract.task}"
    if contract.task == "binary" and target.more.get("positiveClass") not in target.allowed:
        yield f"column {target.name!r}: positiveClass is missing or not in enum: {', '.join(target.allowed)}"


@FORMATS.checks("strptime", (TypeError, ValueError))
def _date_format(form: Any) -> bool:  # just as the table is read
    text = datetime(2001, 2, 3).strftime(form)
    return pd.to_datetime(pd.Series([text]), format=form).astype("datetime64[s]").dt.year.tolist() == [2001]


FORMATS.checks("encoding", (LookupError, TypeError, ValueError))(lambda name: "".encode(name) is not None)
FORMATS.checks("moment", (TypeError, ValueError))(
    lambda text: text is None or datetime.fromisoformat(text).tzinfo is None
)
