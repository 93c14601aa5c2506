"""What the routes take and give, as OpenAPI shows it."""

from typing import Annotated

import bentoml
from pydantic import BaseModel, ConfigDict, Field

from . import docs, feedback
from .loaded import CLASSES, CONTRACT, EXAMPLE, READER, SETTINGS


class Row(BaseModel):
    """One row of the table."""

    model_config = ConfigDict(
        extra="allow", json_schema_extra=lambda schema: schema.update(docs.row_schema(READER.fields, CONTRACT, EXAMPLE))
    )


class Label(BaseModel):
    """The true label of one row of an earlier request."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.update(feedback.schema(CLASSES, SETTINGS.rows)))


class Rows(bentoml.IODescriptor):
    """The rows to predict."""

    model_config = ConfigDict(extra="forbid")
    rows: Annotated[list[Row], Field(min_length=1, max_length=SETTINGS.rows)]


class Labels(bentoml.IODescriptor):
    """True labels for earlier predictions."""

    model_config = ConfigDict(extra="forbid")
    labels: Annotated[list[Label], Field(min_length=1, max_length=SETTINGS.rows)]


class Answer(bentoml.IODescriptor):
    """Predictions in the order of the rows: labels or numbers, and the probability of each class."""

    predictions: list[str if CLASSES else float]  # type: ignore[valid-type]  # decided by the model
    probabilities: dict[str, list[float]]


class Accepted(bentoml.IODescriptor):
    """How many labels were taken."""

    accepted: int
