"""`contract.yaml` and `params.yaml`, checked: what does not fit the schema or the other file is one sentence."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from .command import InputError
from .contract import Contract, contract_of, read


def load(root: Path) -> tuple[Contract, dict[str, Any]]:
    """The project's contract and params; an `InputError` names the file, the field and what is wrong with it."""
    schemas = yaml.safe_load(Path(__file__).with_name("settings.schema.yaml").read_text(encoding="utf-8"))
    contract = contract_of(_fitting(root / "contract.yaml", schemas["contract"]))
    for sentence in _contradictions(contract):
        raise InputError(f"{root / 'contract.yaml'}: {sentence}")
    params = _fitting(root / "params.yaml", schemas["params"])
    matrix = (params.get("business_value") or {"matrix": {}})["matrix"]
    if strange := {*matrix, *(label for row in matrix.values() for label in row)} - {*contract.target.allowed}:
        classes = ", ".join(contract.target.allowed) or "none"
        named = f"business_value.matrix names {min(strange)!r}, which is no class of {contract.target.name!r}"
        raise InputError(f"{root / 'params.yaml'}: {named}; its classes are: {classes}")
    return contract, params | {"threshold": {"metric": "f1", "folds": 3} | (params.get("threshold") or {})}


def _fitting(path: Path, schema: Mapping[str, Any]) -> Any:
    from jsonschema import Draft202012Validator, FormatChecker

    formats = FormatChecker(())
    for name, holds in FORMATS.items():
        formats.checks(name, (LookupError, TypeError, ValueError))(holds)
    try:
        content = read(path)
    except FileNotFoundError:
        raise InputError(f"{path}: not found; restore it from git") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:  # ValueError: not UTF-8, or a day such as 2025-02-30
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    errors = Draft202012Validator(schema, format_checker=formats).iter_errors(content)
    for error in sorted(errors, key=lambda one: one.validator != "required"):  # a field may stand there misspelt
        raise InputError(f"{path}: {_sentence(error, content)}")
    return content


def _sentence(error: Any, content: Any) -> str:
    """The place and what is wrong there, in the schema's words where it has some."""
    place, column, shown = list(error.absolute_path), "", f"{error.instance!r:.60}"
    if place[:1] == ["schema"] and place[2:3] == ["properties"] and len(place) > 3:
        entry = content["schema"][place[1]]["properties"][place[3]]
        named = isinstance(entry, dict) and "name" in entry
        column, place = f"column {repr(entry['name']) if named else f'number {place[3] + 1}'}: ", place[4:]
    field = ".".join(map(str, place)) or "its content"
    if error.validator != "required" and "description" in error.schema:
        return f"{column}{field} is {shown}, but must be {error.schema['description']}"
    known = f"; known: {', '.join(error.schema['properties'])}" if error.validator == "additionalProperties" else ""
    return f"{column}{field}: {error.message.replace(repr(error.instance), shown, 1)}{known}"


def _contradictions(contract: Contract) -> Iterator[str]:
    """What a schema cannot say: fields that do not go together."""
    names, headers = ([getattr(column, kind) for column in contract.columns] for kind in ("name", "header"))
    for column in contract.columns:
        low, high = column.bounds.get("minimum"), column.bounds.get("maximum")
        both = {*column.more.get("trueValues", [])} & {*column.more.get("falseValues", [])}
        for wrong, words in (
            (names.count(column.name) > 1, "occurs more than once; give each column a name of its own"),
            (headers.count(column.header) > 1, "physicalName gives it another column's header; mend it"),
            (low is not None and high is not None and low > high, f"minimum {low} is above maximum {high}; mend one"),
            (both, f"trueValues and falseValues share {min(both, default='')!r}; remove it from one of them"),
        ):
            if wrong:
                yield f"column {column.name!r}: {words}"
    if absent := {*contract.row_key} - {*names}:
        yield f"rowKey names {min(absent)!r}, which is no column; without it every row_id changes"
    target, task, count = contract.target, contract.task, len({*contract.target.allowed})
    if task == "regression" and target.type not in ("integer", "number"):
        yield f"column {target.name!r}: task regression needs an integer or a number, not {target.type}"
    if (task == "binary" and count != 2) or (task == "multiclass" and count < 3):
        yield f"column {target.name!r}: its enum has {count} classes, which does not fit the task {task}"
    if task == "binary" and target.more.get("positiveClass") not in target.allowed:
        yield f"column {target.name!r}: positiveClass is missing or not in enum: {', '.join(target.allowed)}"


def _date_format(form: Any) -> bool:  # just as the table is read
    text = datetime(2001, 2, 3).strftime(form)
    return pd.to_datetime(pd.Series([text]), format=form).astype("datetime64[s]").dt.year.tolist() == [2001]


FORMATS = {  # of text; JSON Schema holds other types against `type` alone
    "encoding": lambda name: not isinstance(name, str) or not "".encode(name),
    "strptime": lambda form: not isinstance(form, str) or _date_format(form),
    "moment": lambda text: not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is None,
}
