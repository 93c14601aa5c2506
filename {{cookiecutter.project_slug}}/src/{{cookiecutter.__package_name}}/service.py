"""The BentoML service: rows that follow the contract in, predictions out. `uv run serve` starts it.

The parts are in `serving/`; this file puts them together. The README says how to call it and what can be set.
"""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import bentoml
from pydantic_core import to_json
from starlette.responses import Response

from .serving import docs, feedback, metrics, request
from .serving.limits import BUSY, JSON, Call, Limits, Reply, answered, safe_json
from .serving.limits import Answer as Answers
from .serving.loaded import CLASSES, CONTRACT, DRIFT, EXAMPLE, LOGGED, POSITIVE, PREDICT, READER, RUN, SETTINGS
from .serving.log import File, Writer
from .serving.types import Accepted, Answer, Label, Labels, Row, Rows

ONE_THREAD = ThreadPoolExecutor(1)  # scikit-learn is slow enough to keep the event loop waiting; ONNX is not
PLAIN = RUN["model"]["format"] == "onnx"
WRITERS: dict[str, Writer] = {}  # made when a worker starts


async def predict(call: Call) -> Reply:
    """Answer /predict, and put the answer into the log."""
    count, columns = READER.read(call.body)
    values = request.arrays(columns, READER.fields)
    if PLAIN:
        labels, probabilities = PREDICT(values)
    else:
        try:
            async with asyncio.timeout_at(call.deadline):
                labels, probabilities = await asyncio.get_running_loop().run_in_executor(ONE_THREAD, PREDICT, values)
        except TimeoutError:
            return BUSY
    scores = {} if probabilities is None else dict(zip(CLASSES, probabilities.T.tolist(), strict=True))
    given = labels.tolist()
    answer = safe_json({"predictions": given, "probabilities": scores})
    metrics.ROWS.inc(count)
    line = b"" if SETTINGS.log_folder is None else _line(call.request_id, columns, answer)
    if WRITERS["predictions"].put(line, count):
        likeliest = given if probabilities is None else probabilities.max(axis=1).tolist()
        DRIFT.put(columns, given, likeliest if POSITIVE is None else scores[POSITIVE])
    return 200, answer


def _line(request_id: str, columns: dict[str, list[Any]], answer: bytes) -> bytes:
    made = {"time": _now(), "request_id": request_id, "model": RUN["model"]["digest"]}
    asked: bytes = to_json(made | {"columns": {name: columns[name] for name in LOGGED}})
    return asked[:-1] + b"," + answer[1:] + b"\n"


async def take_labels(call: Call) -> Reply:
    """Answer /feedback: the labels are written beside the prediction log."""
    labels = feedback.read(call.body, CLASSES, SETTINGS.rows)
    line = to_json({"time": _now(), "labels": labels}) + b"\n"
    if SETTINGS.log_folder is None or not WRITERS["feedback"].put(line, len(labels)):
        return BUSY
    return 200, safe_json({"accepted": len(labels)})


@bentoml.service(
    name=CONTRACT.id,
    workers=SETTINGS.workers,
    traffic={"timeout": SETTINGS.seconds + 1},  # `Limits` is first: it says what took so long, and when to try again
    tracing={"excluded_urls": ".*"},  # an exporter needs it, and nothing else
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},  # BentoML's own take any path as a label; /metrics shows the service's
)
class Service:
    """Predicts with the model of one run."""

    @bentoml.on_startup
    def start(self) -> None:
        """Start the log, and predict once, so that no caller waits for what only the first request needs."""
        worker, folder = bentoml.server_context.worker_index or 1, SETTINGS.log_folder
        for name in ("predictions", "feedback"):
            file = folder and File(folder / f"{name}-{worker}.jsonl", SETTINGS.log_bytes)
            WRITERS[name] = Writer(file or None, DRIFT.count if name == "predictions" else None)
            WRITERS[name].start()
        metrics.INFO.labels(RUN["model"]["digest"], RUN["commit"] or "none", RUN["model"]["format"]).set(1)
        for _ in range(10):
            PREDICT(request.arrays(READER.read(to_json({"rows": [EXAMPLE]}))[1], READER.fields))
        gc.collect()
        gc.freeze()  # what lives for ever is not looked through again
        gc.enable()

    @bentoml.on_shutdown
    def stop(self) -> None:
        """Write what is left of the log."""
        for writer in WRITERS.values():
            writer.stop()

    # BentoML describes these two, but on its way to a method it inspects the method's signature at each request, which
    # costs more than predicting a row: over HTTP, `Limits` answers both routes before.
    @bentoml.api(route="/predict", input_spec=Rows, output_spec=Answer)
    async def predict(self, rows: list[Row]) -> Response:
        """Predict rows."""
        return await _ordinary(predict, to_json({"rows": [row.model_extra for row in rows]}))

    @bentoml.api(route="/feedback", input_spec=Labels, output_spec=Accepted)
    async def feedback(self, labels: list[Label]) -> Response:
        """Take true labels for earlier predictions; they are written beside the prediction log."""
        return await _ordinary(take_labels, to_json({"labels": [label.model_extra for label in labels]}))


async def _ordinary(answer: Answers, body: bytes) -> Response:
    call = Call("none", asyncio.get_running_loop().time() + SETTINGS.seconds, body)
    status, made, *_ = await answered(answer, call)
    return Response(made, status, media_type="application/json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _model() -> bytes:
    keys = ("task", "target", "classes", "threshold", "commit", "contract_digest", "features", "metrics", "model")
    return safe_json({key: RUN[key] for key in keys})


def _docs() -> bytes:
    return safe_json(docs.document(SERVICE.openapi_spec.asdict(), EXAMPLE))


SERVICE: Any = Service  # what the decorator made of the class
SERVICE.add_asgi_middleware(
    Limits,
    settings=SETTINGS,
    pages={"/model": (_model, JSON), "/metrics": (metrics.page, metrics.KIND), "/docs.json": (_docs, JSON)},
    answers={"/predict": predict, "/feedback": take_labels},
)
