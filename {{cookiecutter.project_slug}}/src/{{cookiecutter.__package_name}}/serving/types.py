"""What the routes take and give, as OpenAPI shows it."""

from typing import Annotated, Any, ClassVar

import bentoml
from pydantic import BaseModel, ConfigDict, Field

from . import docs, feedback
from .loaded import CLASSES, CONTRACT, EXAMPLE, READER, SETTINGS


class Row(BaseModel):
    """One row of the table."""

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema.update(docs.row_schema(READER.fields, CONTRACT, EXAMPLE))
    )


class Label(BaseModel):
    """The true label of one row of an earlier request."""

    model_config = ConfigDict(json_schema_extra=lambda schema: schema.update(feedback.schema(CLASSES, SETTINGS.rows)))


class Body(bentoml.IODescriptor):
    """A request body that the service reads itself: as fast as can be, and with its own words for what is wrong."""

    __root_input__: ClassVar[bool] = True
    model_config = ConfigDict(extra="forbid")

    @classmethod
    async def from_http_request(cls, request: Any, serde: Any) -> Any:
        """The call that `Limits` made of the request."""
        return request.scope["call"]


class Rows(Body):
    """The rows to predict."""

    rows: Annotated[list[Row], Field(min_length=1, max_length=SETTINGS.rows)]


class Labels(Body):
    """True labels for earlier predictions."""

    labels: Annotated[list[Label], Field(min_length=1, max_length=SETTINGS.rows)]


class Answer(BaseModel):
    """Predictions in the order of the rows: labels or numbers, and the probability of each class."""

    predictions: list[str if CLASSES else float]  # type: ignore[valid-type]  # decided by the model
    probabilities: dict[str, list[float]]


class Accepted(BaseModel):
    """How many labels were taken."""

    accepted: int
