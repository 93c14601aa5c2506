"""The form of `contract.yaml` and `params.yaml`, and one sentence for whatever does not have it.

The contract follows the Open Data Contract Standard; only the part that the project uses is read.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from .command import InputError


def _named(items: Any) -> Any:
    try:
        return {item["property"]: item["value"] for item in items}
    except (TypeError, KeyError):
        raise ValueError("must be a list of {property: ..., value: ...}; compare with git") from None


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError(f"{name!r} is no known encoding; write one such as utf-8 or latin-1") from None
    return name


def _format(form: str) -> str:
    try:  # without a year, or with a time zone, a format gives no usable date
        text = datetime(2001, 2, 3).strftime(form)
        usable = datetime.strptime(text, form).year == 2001 and "%z" not in form.lower()
    except (ValueError, TypeError):
        usable = False
    if not usable:
        raise ValueError(f"{form!r} reads no date; write a strptime format such as %Y-%m-%d, without a time zone")
    return form


def _moment(value: Any) -> str:
    try:
        found = value if isinstance(value, date) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or getattr(found, "tzinfo", None):
        raise ValueError(f"{value!r} is no date; write one such as 2025-06-13, without a time zone")
    return found.isoformat().removesuffix("T00:00:00")


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= 1e308:
        raise ValueError(f"{value!r} is no number; write one such as 0.5, without quotes")
    return value


def _open(**fields: Any) -> Any:
    return create_model("Fields", __config__=ConfigDict(strict=True, extra="allow"), **fields)


def _closed(**fields: Any) -> Any:
    return create_model("Fields", __config__=ConfigDict(strict=True, extra="forbid"), **fields)


def _some(kind: Any) -> Any:
    return Annotated[list[kind], Field(min_length=1)]


def _custom(**fields: Any) -> Any:
    return Annotated[_open(**fields), BeforeValidator(_named)], ...


def _property(kind: Any, limits: dict[str, Any], **more: Any) -> Any:
    more |= {"roles": (list[str], ...), "missingValues": (list[str], []), "text": (bool, False)}
    fields = {"name": (str, ...), "physicalName": (str, ""), "required": (bool, False), "unique": (bool, False)}
    fields |= {"logicalType": (kind, ...), "logicalTypeOptions": (_closed(**limits), {})}
    enum = _some(_open(value=(str, ...)))
    return _open(**fields, enum=(enum, []), customProperties=_custom(**more, positiveClass=(str, "")))


Number, Moment = Annotated[Any, AfterValidator(_number)], Annotated[Any, AfterValidator(_moment)]
TEXT = _property(Literal["string"], {"maxLength": (Number, None)})
NUMBER = _property(Literal["integer", "number"], {"minimum": (Number, None), "maximum": (Number, None)})
FORMATS = (_some(Annotated[str, AfterValidator(_format)]), ...)
MOMENTS = {"minimum": (Moment, None), "maximum": (Moment, None)}
DATE = _property(Literal["date", "timestamp"], MOMENTS, dateFormats=FORMATS)
BOOLEAN = _property(Literal["boolean"], {}, trueValues=(_some(str), ...), falseValues=(_some(str), ...))
READING = _custom(
    delimiter=(Annotated[str, Field(min_length=1, max_length=1)], ","),
    encoding=(Annotated[str, AfterValidator(_encoding)], ""),
    decimal=(Literal[".", ","], "."),
    missingValues=(list[str], ...),
    rowKey=(_some(str), ...),
    task=(Literal["binary", "multiclass", "regression"], ...),
)
COLUMNS = _some(Annotated[TEXT | NUMBER | DATE | BOOLEAN, Field(discriminator="logicalType")])
TABLE = _some(_open(customProperties=READING, properties=(COLUMNS, ...)))
SERVER = _some(_open(path=(str, ...), format=(Literal["csv", "parquet"], ...)))
DOCUMENT = _open(id=(Any, ...), servers=(SERVER, ...), tables=(Annotated[TABLE, Field(alias="schema")], ...))

ONE, TWO = Annotated[int, Field(ge=1)], Annotated[int, Field(ge=2)]
Estimator = Literal["hist_gradient_boosting", "linear", "dummy"]
SECTIONS = {
    "split": _closed(
        evaluation_share=(Annotated[float, Field(gt=0, lt=1)], ...),
        evaluation_from=(Annotated[Any, AfterValidator(_moment)] | None, None),
    ),
    "features": _closed(max_levels=(ONE, ...), min_level_rows=(ONE, ...)),
    "threshold": _closed(metric=(Literal["f1", "balanced_accuracy"], "f1"), folds=(TWO, 3)),
    "tune": _closed(
        candidates=(ONE, ...),
        folds=(TWO, ...),
        space=(dict[Estimator, dict[str, Annotated[list[Any], Field(min_length=1)]]], ...),
    ),
    "business_value": _closed(
        currency=(str, ...), matrix=(dict[str, dict[str, Annotated[Any, AfterValidator(_number)]]], ...)
    ),
}
NULLABLE = {name: (SECTIONS[name] | None, None) for name in ("threshold", "tune", "business_value")}
PARAMS = _closed(
    seed=(Annotated[int, Field(ge=0, lt=2**32)], ...),
    split=(SECTIONS["split"], ...),
    estimator=(Estimator, ...),
    features=(SECTIONS["features"], ...),
    **NULLABLE | dict.fromkeys(get_args(Estimator), (dict[str, Any] | None, None)),
)


def read(path: Path, model: Any) -> dict[str, Any]:
    """Read a YAML file that fits `model`; an `InputError` says in one sentence what does not."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if not isinstance(content, dict):
            raise InputError(f"{path}: holds no fields; restore it from git")
        fields: dict[str, Any] = model.model_validate(content).model_dump(by_alias=True, exclude_unset=True)
    except FileNotFoundError:
        raise InputError(f"{path}: not found; restore it from git") from None
    except ValidationError as error:
        raise InputError(f"{path}: {_sentence(error, content)}") from None
    except (yaml.YAMLError, ValueError) as error:  # a ValueError is text that is not UTF-8, or a day such as 2025-02-30
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return fields


def _sentence(error: ValidationError, content: Any) -> str:
    """Say what is wrong first; a missing field before others, because it may stand there misspelt."""
    first = min(error.errors(), key=lambda one: one["type"] != "missing")
    loc: list[Any] = list(first["loc"])
    kind, value, where = first["type"], first["input"], ""
    if loc[:1] == ["schema"] and loc[2:3] == ["properties"] and len(loc) > 3:
        entry = content["schema"][loc[1]]["properties"][loc[3]]
        named = isinstance(entry, dict) and "name" in entry
        where, loc = f"column {repr(entry['name']) if named else f'number {loc[3] + 1}'}: ", loc[5:] or ["logicalType"]
    if "customProperties" in loc[:-1]:
        loc = loc[loc.index("customProperties") + 1 :]
    if loc[-1:] == ["[key]"]:
        loc[-2:] = ["(name)"]
    field = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
    if kind in ("missing", "union_tag_not_found"):
        return f"{where}{field} is missing; restore it from git"
    if kind == "extra_forbidden":
        section = SECTIONS.get(str(loc[0]), PARAMS) if len(loc) > 1 else PARAMS
        known = "minimum and maximum of numbers and dates, maxLength of text; remove it, or mend logicalType"
        return f"{where}unknown field {field!r}; known are {known if where else ', '.join(section.model_fields)}"
    if kind == "string_type" and isinstance(value, bool | int | float | date):
        shown = str(value) if not isinstance(value, bool) else "yes" if value else "no"
        return f'{where}{field} is {value!r}, but must be text; quote it, such as "{shown}"'
    if kind == "value_error":
        return f"{where}{field}: {first['ctx']['error']}"
    if kind == "union_tag_invalid":
        return f"{where}logicalType is {first['ctx']['tag']!r}, but must be one of {first['ctx']['expected_tags']}"
    if kind == "model_attributes_type":
        return f"{where}is {value!r:.60}, but must hold the fields name, logicalType and customProperties; mend it"
    words = {"list_type": "a list", "model_type": "a mapping", "dict_type": "a mapping", "string_type": "text"}
    said = first["msg"].replace("Input should be", "must be").replace(" after validation, not 0", "")
    said = f"must be {words[kind]}" if kind in words else said.replace("List should", "it must")
    return f"{where}{field} is {'null' if value is None else repr(value):.60}, but {said}; mend it"
