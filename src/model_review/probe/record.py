"""probe.json, `model-review/probe@1`: what a running service was found to be. No value of a table is in it."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from model_review.comparison_basics import Count, Number, Part, Text
from model_review.errors import ReviewError
from model_review.files import read_json
from model_review.run_record import first_problem
from model_review.text import plain

SCHEMA = "model-review/probe@1"
DIGEST = r"^sha256:[0-9a-f]{64}$"
Digest = Annotated[str, Field(pattern=DIGEST)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]
CheckName = Literal["ready", "openapi", "model", "golden", "canary", "violations", "load"]


class Check(Part):
    """One thing that was asked; `skipped` says why in its detail and never counts as passed."""

    name: CheckName
    status: Literal["passed", "failed", "skipped"]
    detail: Text


class Subject(Part):
    """Whose service it is; null where it is not known."""

    commit: Text | None
    model_digest: Text | None
    contract_digest: Text | None
    data_digest: Text | None
    columns: Annotated[list[Text], Field(max_length=10_000)]


class Image(Part):
    """The image that was started."""

    reference: Text | None
    digest: Digest | None
    bytes: Count | None


class GoldenResult(Part):
    """Rows whose offline predictions are known, asked one by one and in batches."""

    rows: Count
    requests: Count
    different_labels: Count
    largest_difference: Positive
    tolerance: Positive


class Violation(Part):
    """One request that breaks the contract, and how it was answered."""

    kind: Text
    column: Text | None
    status: Annotated[int, Field(ge=0, le=999)]
    refused: bool


class Load(Part):
    """One kind of load; times in milliseconds."""

    rows: Count
    clients: Count
    seconds: Positive
    requests: Count
    errors: Count
    p50_ms: Positive | None
    p95_ms: Positive | None
    p99_ms: Positive | None
    requests_per_second: Positive
    rows_per_second: Positive


class Memory(Part):
    """Memory after the load."""

    bytes: Count
    method: Literal["pss", "container statistics"]


class Canary(Part):
    """Answers to rows that are made up from the contract alone, so that they can be asked again without any data."""

    rows: Count
    labels: Annotated[list[Text | Number], Field(max_length=1000)]
    scores: dict[Text, Annotated[list[Number], Field(max_length=1000)]]


class Probe(Part):
    """The whole probe."""

    schema_: Literal["model-review/probe@1"] = Field(alias="schema", default="model-review/probe@1")
    engine: Text
    time: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
    passed: bool
    failures: Annotated[list[Text], Field(max_length=1000)]
    subject: Subject
    image: Image | None
    checks: Annotated[list[Check], Field(max_length=20)]
    ready_seconds: Positive | None
    cold_start_seconds: Positive | None
    golden: GoldenResult | None
    canary: Canary | None
    violations: Annotated[list[Violation], Field(max_length=100)]
    load: Annotated[list[Load], Field(max_length=20)]
    memory: Memory | None

    def to_json(self) -> dict[str, Any]:
        """Plain data for probe.json."""
        return self.model_dump(mode="json", by_alias=True)

    def at(self, rows: int, clients: int) -> Load | None:
        """The load of that size."""
        return next((one for one in self.load if (one.rows, one.clients) == (rows, clients)), None)


def parse_probe(where: str, data: dict[str, Any]) -> Probe:
    """Check a probe that somebody else wrote; `where` names the file in the refusal."""
    if data.get("schema") != SCHEMA:
        raise ReviewError(f"{where}: field schema must be {SCHEMA}; this engine reads no other version.")
    try:
        return Probe.model_validate(data)
    except (ValidationError, RecursionError) as error:
        raise ReviewError(f"{where}: {first_problem(error)}.") from None


def read_probe(path: Path) -> Probe:
    """Read probe.json."""
    return parse_probe(plain(path), read_json(path))
