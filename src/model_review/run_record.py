"""run.json: what a run says about itself."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_review.errors import ReviewError
from model_review.metrics.catalog import Task
from model_review.text import plain

Name = Annotated[str, Field(max_length=1000)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Metrics = Annotated[dict[Name, Finite], Field(max_length=1000)]
Scalar = str | bool | int | Finite | None


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, allow_inf_nan=False)


class DataRecord(_Record):
    """The table that the run was made from."""

    path: Name | None = None
    digest: Name | None = None
    rows: Count | None = None
    train_rows: Count | None = None
    evaluation_rows: Count | None = None
    unlabelled_rows: Count | None = None
    evaluation_digest: Name | None = None


class Environment(_Record):
    """What the run was made with."""

    python: Name | None = None
    platform: Name | None = None
    libraries: Annotated[dict[Name, Name], Field(max_length=5000)] = {}
    lock_digest: Name | None = None


class Cost(_Record):
    """What the run cost."""

    train_seconds: Annotated[Finite, Field(ge=0)] | None = None
    evaluate_seconds: Annotated[Finite, Field(ge=0)] | None = None
    peak_memory_bytes: Annotated[Finite, Field(ge=0)] | None = None


class ModelRecord(_Record):
    """The model file."""

    path: Name | None = None
    format: Name | None = None
    bytes: Count | None = None
    digest: Name | None = None


class Tracking(_Record):
    """Where the experiment tracker keeps the run."""

    run_id: Name | None = None
    uri: Name | None = None


class BusinessValue(_Record):
    """Money per outcome: truth, then prediction."""

    currency: Annotated[str, Field(max_length=20)] = ""
    matrix: Annotated[dict[Name, dict[Name, Finite]], Field(max_length=200)] | None = None


class RunRecord(_Record):
    """`model-review/run@1`."""

    task: Task
    target: Name
    classes: Annotated[list[Name], Field(max_length=200)] = []
    positive_class: Name | None = None
    threshold: Finite | None = None
    commit: Name | None = None
    dirty: bool | None = None
    data: DataRecord = DataRecord()
    contract_digest: Name | None = None
    features: Annotated[list[Name], Field(max_length=10_000)] = []
    params: Annotated[dict[Name, Scalar | list[Scalar]], Field(max_length=5000)] = {}
    metrics: Metrics = {}
    baselines: Annotated[dict[Name, Metrics], Field(max_length=20)] = {}
    seed: int | None = None
    threads: int | None = None
    environment: Environment = Environment()
    cost: Cost = Cost()
    model: ModelRecord = ModelRecord()
    tracking: Tracking | None = None
    business_value: BusinessValue | None = None
    importances: Annotated[dict[Name, Finite], Field(max_length=10_000)] = {}
    warnings: Annotated[list[Annotated[str, Field(max_length=10_000)]], Field(max_length=1000)] = []


SCHEMA: Literal["model-review/run@1"] = "model-review/run@1"


def parse_record(where: str, data: dict[str, Any]) -> RunRecord:
    """Check run.json; `where` names the file in the refusal."""
    found = data.get("schema")
    if found != SCHEMA:
        raise ReviewError(f"{where}: field schema is {plain(repr(found))}; this engine reads {SCHEMA}.")
    try:
        record = RunRecord.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise ReviewError(f"{where}: {first_problem(error)}.") from None
    if record.task == "regression":
        if record.classes:
            raise ReviewError(f"{where}: field classes must be empty for a regression.")
        return record
    if len(record.classes) < 2 or len(set(record.classes)) != len(record.classes):
        raise ReviewError(f"{where}: field classes must list two or more different labels.")
    if record.task == "binary" and (len(record.classes) != 2 or record.positive_class not in record.classes):
        raise ReviewError(f"{where}: a binary run has two classes, and field positive_class names one of them.")
    return record


def first_problem(error: Exception) -> str:
    """The first complaint of a validation, as one phrase that names the field."""
    if not isinstance(error, ValidationError):
        return "it is nested too deeply"
    problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in problem["loc"]) or "the document"
    return f"field {plain(field)}: {plain(problem['msg']).rstrip('.')}"
