"""LitServe with the same ONNX session."""

import sys
from typing import Annotated, Any

import litserve as ls
from common import Row, onnx
from pydantic import BaseModel, Field


class Request(BaseModel):
    """1 to 1000 rows."""

    rows: Annotated[list[Row], Field(min_length=1, max_length=1000)]  # type: ignore[valid-type]  # made from the contract


class Churn(ls.LitAPI):
    """The three steps of LitServe."""

    def setup(self, device: str) -> None:
        """Load the model."""
        self.answer = onnx()

    def decode_request(self, request: Request) -> Any:
        """Validated rows."""
        return request.rows

    def predict(self, rows: Any) -> Any:
        """Predict rows."""
        return self.answer(rows)

    def encode_response(self, output: Any) -> Any:
        """The answer as a mapping."""
        return output.model_dump()


if __name__ == "__main__":
    server = ls.LitServer(Churn(), accelerator="cpu", workers_per_device=1)
    server.run(
        port=int(sys.argv[1]), host="127.0.0.1", generate_client_file=False, log_level="warning", access_log=False
    )
