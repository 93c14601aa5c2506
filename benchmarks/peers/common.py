"""What the peers written by hand share: a typed row from the contract, the features, the ONNX session."""

import os
from pathlib import Path
from typing import Any, Literal

from churn.contract import load_contract
from pydantic import BaseModel, Field, create_model

RUN = Path(os.environ["BENCH_RUN"])
CONTRACT = load_contract(RUN / "contract.yaml")
TYPES: dict[str, type] = {"integer": int, "number": float, "boolean": bool, "string": str}


def _field(column: Any) -> tuple[Any, Any]:
    """A hand-written field: type and limits; the demo has no dates among its features."""
    kind: Any = Literal[column.allowed] if column.allowed else TYPES[column.type]
    limits = {"ge": column.bounds.get("minimum"), "le": column.bounds.get("maximum")}
    limits = limits if column.type in ("integer", "number") else {"max_length": column.bounds.get("maxLength")}
    limits = {} if column.allowed or column.type == "boolean" else limits
    return (kind, Field(**limits)) if column.required else (kind | None, Field(None, **limits))


Row: type[BaseModel] = create_model("Row", **{c.name: _field(c) for c in CONTRACT.having("feature")})


class Answer(BaseModel):
    """Two lists, as the generated service answers."""

    predictions: list[str]
    probabilities: dict[str, list[float]]


def onnx() -> Any:
    """A function from validated rows to an answer, on one thread."""
    from churn.serving.predictor import load_onnx  # not every peer has onnxruntime

    predict = load_onnx(RUN / "model")
    names = [column.name for column in CONTRACT.having("feature")]

    def answer(rows: list[Any]) -> Answer:
        labels, found = predict({name: [getattr(row, name) for row in rows] for name in names})
        scores = {"no": found[:, 0].tolist(), "yes": found[:, 1].tolist()}
        return Answer.model_construct(predictions=labels.tolist(), probabilities=scores)

    return answer
