"""BentoML with the scikit-learn pipeline, as BentoML's documentation shows a service: typed rows in, a list out."""

import bentoml
import pandas as pd
from common import RUN, Row
from pydantic import BaseModel


class Prediction(BaseModel):
    """One row's answer."""

    label: str
    probability: float


@bentoml.service(traffic={"timeout": 30})
class Churn:
    """The model, loaded when the service starts."""

    def __init__(self) -> None:
        from churn import model

        self.model = model.load(RUN / "model")

    @bentoml.api
    def predict(self, rows: list[Row]) -> list[Prediction]:  # type: ignore[valid-type]  # made from the contract
        """Predict rows."""
        labels, found = self.model.predict(pd.DataFrame([row.model_dump() for row in rows]))
        scores = found[:, self.model.explained_class]
        return [Prediction(label=a, probability=b) for a, b in zip(labels, scores, strict=True)]
