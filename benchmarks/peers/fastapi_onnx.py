"""FastAPI, uvicorn and ONNX, written and tuned by hand: typed rows, two metrics, garbage frozen, no access log."""

import gc
import sys
import time
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from common import Answer, Row, onnx
from fastapi import FastAPI
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, Field

REQUESTS, LATENCY = Counter("requests", "Requests."), Histogram("seconds", "Seconds.")


class Request(BaseModel):
    """1 to 1000 rows."""

    rows: Annotated[list[Row], Field(min_length=1, max_length=1000)]  # type: ignore[valid-type]  # made from the contract


@asynccontextmanager
async def freeze(_: FastAPI) -> Any:
    """No cycle collector pauses over what lives for ever."""
    gc.collect()
    gc.freeze()
    yield


app, predict = FastAPI(lifespan=freeze), onnx()


@app.get("/readyz")
async def ready() -> str:
    """Readiness."""
    return "ok"


@app.post("/predict", response_model=None)
async def answer(request: Request) -> Any:
    """Predict rows."""
    from fastapi.responses import Response

    started = time.perf_counter()
    made: Answer = predict(request.rows)
    REQUESTS.inc()
    LATENCY.observe(time.perf_counter() - started)
    return Response(made.model_dump_json(), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
