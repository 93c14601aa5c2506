"""The BentoML service: rows that follow the contract in, predictions out. `uv run serve` starts it.

The parts are in `serving/`; this file puts them together. The README says how to call it and what can be set.
"""

import asyncio
import gc
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import bentoml
import numpy as np
from pydantic_core import to_json
from starlette.responses import Response

from .serving import docs, feedback, metrics, request
from .serving.limits import JSON, Call, Limits, Reply, answered, safe_json
from .serving.limits import Answer as Answers
from .serving.loaded import CLASSES, CONTRACT, DRIFT, EXAMPLE, LOGGED, POSITIVE, PREDICT, READER, RUN, SETTINGS
from .serving.log import File, Writer
from .serving.types import Accepted, Answer, Label, Labels, Row, Rows

SKOPS, LABELS = ThreadPoolExecutor(1), ThreadPoolExecutor(1)  # what the event loop would wait for; ONNX is fast enough
PLAIN = RUN["model"]["format"] == "onnx"
LOG, FILES = Writer(DRIFT.count), dict[str, File]()  # the files where a worker starts that keeps a log
UNWRITTEN = safe_json({"error": "the labels could not be written; send them again"})
NO_LABELS = safe_json({"error": "no labels are taken here, as SERVICE_LOG_FOLDER is empty"})


async def predict(call: Call) -> Reply:
    """Answer /predict, and put the answer into the log."""
    count, columns = READER.read(call.body)
    values = request.arrays(columns, READER.fields)
    if PLAIN:
        labels, probabilities = PREDICT(values)
    else:
        labels, probabilities = await _in_time(call, SKOPS, PREDICT, values)
    by_class = {} if probabilities is None else dict(zip(CLASSES, probabilities.T.tolist(), strict=True))
    answer = safe_json({"predictions": labels.tolist(), "probabilities": by_class})
    odd = b"NaN" in answer or b"Infinity" in answer  # which JSON does not have, but a label may be called so
    if odd and not np.isfinite(labels if probabilities is None else probabilities).all():
        raise request.Refused("the model makes no number of these values; the largest are too large for it")
    metrics.ROWS.inc(count)
    line = b"" if SETTINGS.log_folder is None else _line(call.request_id, columns, answer)
    if LOG.put(line, count):
        DRIFT.put(values, labels, _scores(labels, probabilities))
    return 200, answer


def _scores(labels: np.ndarray, probabilities: np.ndarray | None) -> np.ndarray:
    """What is counted of each answer: the number, or the probability of the positive class, or of the likeliest."""
    if probabilities is None:
        return labels
    return probabilities.max(axis=1) if POSITIVE is None else probabilities[:, CLASSES.index(POSITIVE)]


def _line(request_id: str, columns: dict[str, list[Any]], answer: bytes) -> bytes:
    made = {"time": _now(), "request_id": request_id, "model": RUN["model"]["digest"]}
    asked: bytes = to_json(made | {"columns": {name: columns[name] for name in LOGGED}})
    return asked[:-1] + b"," + answer[1:] + b"\n"


async def take_labels(call: Call) -> Reply:
    """Answer /feedback, once the labels are written beside the prediction log: nobody else may have them."""
    if SETTINGS.log_folder is None:
        return 404, NO_LABELS
    labels = feedback.read(call.body, CLASSES, SETTINGS.rows)
    line = to_json({"time": _now(), "labels": labels}) + b"\n"
    try:
        await _in_time(call, LABELS, FILES["feedback"].append, line)
    except OSError:  # of which TimeoutError is one
        return 503, UNWRITTEN, (b"retry-after", b"60")
    return 200, safe_json({"accepted": len(labels)})


async def _in_time(call: Call, thread: ThreadPoolExecutor, work: Callable[..., Any], *given: Any) -> Any:
    """What a thread makes; raises TimeoutError where the call must be answered before."""
    async with asyncio.timeout(call.deadline - time.perf_counter()):
        return await asyncio.get_running_loop().run_in_executor(thread, work, *given)


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
        if folder is not None:
            names = {name: folder / f"{name}-{worker}.jsonl" for name in ("predictions", "feedback")}
            FILES.update({name: File(path, SETTINGS.log_bytes) for name, path in names.items()})
        LOG.start(FILES.get("predictions"))
        metrics.INFO.labels(RUN["model"]["digest"], RUN["commit"] or "none", RUN["model"]["format"]).set(1)
        for _ in range(10):
            PREDICT(request.arrays(READER.read(to_json({"rows": [EXAMPLE]}))[1], READER.fields))
        gc.collect()
        gc.freeze()  # what lives for ever is not looked through again
        gc.enable()

    @bentoml.on_shutdown
    def stop(self) -> None:
        """Write what is left of the log."""
        LOG.stop()

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
    call = Call("none", time.perf_counter() + SETTINGS.seconds, body)
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
