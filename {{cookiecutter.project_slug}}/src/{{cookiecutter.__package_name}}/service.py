"""The BentoML service: rows that follow the contract in, predictions out. `uv run bentoml serve` starts it.

The parts are in `serving/`; this file puts them together. The README says how to call it and what can be set.
"""

import asyncio
import gc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import bentoml
import numpy as np
from pydantic_core import to_json
from starlette.responses import Response

from .serving import docs, feedback, metrics, request
from .serving.limits import Call, Limits, safe_json
from .serving.loaded import CLASSES, CONTRACT, DRIFT, EXAMPLE, LOGGED, POSITIVE, PREDICT, READER, RUN, SETTINGS
from .serving.log import Entry, File, Writer
from .serving.types import Accepted, Answer, Labels, Rows

ONE_THREAD = ThreadPoolExecutor(1)  # scikit-learn is slow enough to keep the event loop waiting; ONNX is not
PLAIN = RUN["model"]["format"] == "onnx"


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
        kept = [folder / f"{name}-{worker}.jsonl" for name in ("predictions", "feedback")] if folder else []
        files: list[File | None] = [*(File(path, SETTINGS.log_bytes) for path in kept)] or [None, None]
        self.log, self.labels = Writer(files[0], _count), Writer(files[1], lambda entries: None)
        self.log.start()
        self.labels.start()
        metrics.INFO.labels(RUN["model"]["digest"], RUN["commit"] or "none", RUN["model"]["format"]).set(1)
        for _ in range(10):
            PREDICT(request.arrays(READER.read(to_json({"rows": [EXAMPLE]}))[1], READER.fields))
        gc.collect()
        gc.freeze()

    @bentoml.on_shutdown
    def stop(self) -> None:
        """Write what is left of the log."""
        self.log.stop()
        self.labels.stop()

    @bentoml.api(route="/predict", input_spec=Rows, output_spec=Answer)
    async def predict(self, call: Call) -> Response:
        """Predict rows."""
        try:
            count, columns = READER.read(call.body)
        except request.Refused as refused:
            return _refuse(refused)
        values = request.arrays(columns, READER.fields)
        if PLAIN:
            labels, probabilities = PREDICT(values)
        else:
            try:
                async with asyncio.timeout_at(call.deadline):
                    labels, probabilities = await asyncio.get_running_loop().run_in_executor(
                        ONE_THREAD, PREDICT, values
                    )
            except TimeoutError:
                return Response(b'{"error":"too many rows at a time; try again"}', 503, {"Retry-After": "1"})
        scores = {} if probabilities is None else dict(zip(CLASSES, probabilities.T.tolist(), strict=True))
        answer = {"predictions": labels.tolist(), "probabilities": scores}
        metrics.ROWS.inc(count)
        line = {"time": _now(), "request_id": call.request_id, "model": RUN["model"]["digest"]}
        self.log.put(Entry(line | {"columns": {name: columns[name] for name in LOGGED}} | answer, count))
        return Response(safe_json(answer), media_type="application/json")

    @bentoml.api(route="/feedback", input_spec=Labels, output_spec=Accepted)
    async def feedback(self, call: Call) -> Response:
        """Take true labels for earlier predictions; they are written beside the prediction log."""
        try:
            labels = feedback.read(call.body, CLASSES, SETTINGS.rows)
        except request.Refused as refused:
            return _refuse(refused)
        line = {"time": _now(), "labels": labels}
        if SETTINGS.log_folder is None or not self.labels.put(Entry(line, len(labels))):
            return Response(b'{"error":"labels cannot be kept now; try again"}', 503, {"Retry-After": "60"})
        return Response(safe_json({"accepted": len(labels)}), media_type="application/json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _refuse(refused: request.Refused) -> Response:
    for name in refused.fields:
        metrics.VIOLATIONS.labels(name).inc()
    content = {"error": refused.sentence, "violations": refused.violations}
    return Response(safe_json(content), 400, media_type="application/json")


def _count(entries: Sequence[Entry]) -> None:
    lines = [entry.line for entry in entries]
    labels = [label for line in lines for label in line["predictions"]]
    if not CLASSES:
        scores = labels
    elif POSITIVE is not None:
        scores = [score for line in lines for score in line["probabilities"][POSITIVE]]
    else:
        scores = [score for line in lines for score in np.max([*line["probabilities"].values()], axis=0).tolist()]
    DRIFT.add([line["columns"] for line in lines], labels, scores)


def _model() -> tuple[bytes, bytes]:
    keys = ("task", "target", "classes", "threshold", "commit", "contract_digest", "features", "metrics", "model")
    return safe_json({key: RUN[key] for key in keys}), b"application/json"


def _metrics() -> tuple[bytes, bytes]:
    return metrics.page(), b"text/plain; version=1.0.0; charset=utf-8"


def _docs() -> tuple[bytes, bytes]:
    return safe_json(docs.document(SERVICE.openapi_spec.asdict(), EXAMPLE)), b"application/json"


SERVICE: Any = Service  # what the decorator made of the class
SERVICE.add_asgi_middleware(
    Limits, settings=SETTINGS, pages={"/model": _model, "/metrics": _metrics, "/docs.json": _docs}
)
