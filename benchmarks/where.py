"""Where does the CPU time of a prediction go? The generated service stage by stage, and as a whole beside FastAPI.

Run: python benchmarks/where.py; it needs wrk (apt install wrk). CPU time is counted, not time on the clock, so that a
busy machine shows the same. The stages are timed where they are called, in one process without a network; what the
server uses above them is uvicorn, sockets and the kernel.
"""

import asyncio
import json
import os
import shutil
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import uvloop
from serving import BENCH, PROJECT, load, nearest, prepare, start

ROUNDS, SECONDS, REQUESTS = 5, 2, {1: 3000, 100: 600}
SPENT: Counter[str] = Counter()  # stage to nanoseconds, what it calls included
Work = Callable[..., Any]


def timed(stage: str, work: Work) -> Work:
    """The same function, whose CPU time is added up."""

    def called(*given: Any, **named: Any) -> Any:
        begun = time.thread_time_ns()
        try:
            return work(*given, **named)
        finally:
            SPENT[stage] += time.thread_time_ns() - begun

    return called


def awaited(stage: str, work: Work) -> Work:
    """The same for a coroutine; nothing here makes it wait."""

    async def called(*given: Any, **named: Any) -> Any:
        begun = time.thread_time_ns()
        try:
            return await work(*given, **named)
        finally:
            SPENT[stage] += time.thread_time_ns() - begun

    return called


async def stages() -> dict[int, dict[str, float]]:
    """CPU microseconds per request of each stage, by number of rows: the medians of some rounds."""
    os.environ |= {"BENTOML_HOME": str(BENCH / "homes/where"), "SERVICE_LOG_FOLDER": str(BENCH / "logs/where")}
    sys.path.insert(0, str(PROJECT / "src"))
    import onnxruntime
    from churn import artifact, service
    from churn.features import Features
    from churn.serving import limits, log, metrics, request, serve

    limits.Limits.__call__ = awaited("limits", limits.Limits.__call__)
    request.Reader.read = timed("read", request.Reader.read)
    request.arrays = timed("arrays", request.arrays)
    Features.columns = timed("features", Features.columns)
    onnxruntime.InferenceSession.run = timed("onnx", onnxruntime.InferenceSession.run)
    artifact.spread, artifact.decide = timed("decide", artifact.spread), timed("decide", artifact.decide)
    service.safe_json = timed("answer", service.safe_json)
    service._line, log.Writer._write = timed("line", service._line), timed("write", log.Writer._write)
    metrics.Drift.put, service.LOG._count = timed("keep", metrics.Drift.put), timed("drift", service.LOG._count)
    app = serve.application()

    async def drop(message: Any) -> None:
        assert message.get("status", 200) == 200

    found: dict[int, list[dict[str, float]]] = {rows: [] for rows in REQUESTS}
    async with app.router.lifespan_context(app):
        for _ in range(ROUNDS):
            for rows, count in REQUESTS.items():
                body = (BENCH / f"rows-{rows}.json").read_bytes()
                SPENT.clear()
                for _ in range(count):
                    await awaited("app", app)(scope(body), receiving(body), drop)
                await asyncio.sleep(0.5)  # the writer's turn
                found[rows].append({stage: spent / count / 1000 for stage, spent in SPENT.items()})
    return {
        rows: {stage: statistics.median(one[stage] for one in rounds) for stage in rounds[0]}
        for rows, rounds in found.items()
    }


def receiving(body: bytes) -> Work:
    """The body in one message."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def scope(body: bytes) -> dict[str, Any]:
    """One POST as uvicorn hands it on."""
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    headers.append((b"content-length", str(len(body)).encode()))
    fixed = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": "POST"}
    place = {"path": "/predict", "raw_path": b"/predict", "root_path": "", "query_string": b""}
    return fixed | place | {"headers": headers, "server": ("127.0.0.1", 3000), "client": ("127.0.0.1", 1), "state": {}}


def whole() -> dict[str, dict[int, float]]:
    """CPU microseconds per request of whole servers under 8 clients, by number of rows."""
    chosen = nearest()
    found: dict[str, dict[int, list[float]]] = {one.name: {1: [], 100: []} for one in chosen}
    with ExitStack() as stack:
        for server in chosen:
            start(server, stack)
            load(server, 1, 4, 1)  # warm
        for _ in range(ROUNDS):
            for rows in REQUESTS:
                for server in chosen:
                    found[server.name][rows].append(load(server, rows, 8, SECONDS).cpu)
    return {name: {rows: statistics.median(all_) for rows, all_ in cases.items()} for name, cases in found.items()}


def main() -> None:
    """Measure and print a table."""
    if shutil.which("wrk") is None:
        print("where: not measured here: wrk is not there (apt install wrk)")
        return
    prepare()
    servers_ = whole()
    parts = uvloop.run(stages())
    lines: dict[str, dict[int, float]] = {}
    for rows, part in parts.items():
        inside = ("read", "arrays", "features", "onnx", "decide", "answer", "line", "keep")
        logged = part["write"] + part["drift"]
        shown = {
            "reading the JSON, checking it against the contract": part["read"],
            "model columns": part["arrays"] + part["features"],
            "onnxruntime": part["onnx"],
            "labels, probabilities, the answer's JSON": part["decide"] + part["answer"],
            "the log: its JSON; in its thread, the file": part["line"] + part["write"],
            "counting for drift": part["keep"] + part["drift"],
            "routes, limits, metrics, the rest of predicting": part["limits"] - sum(part[name] for name in inside),
            "Starlette around it (BentoML's application)": part["app"] - part["limits"],
            "uvicorn, sockets, kernel": servers_["ours"][rows] - part["app"] - logged,
            "**whole service**": servers_["ours"][rows],
            "the service with its log off": servers_["ours, log off"][rows],
            "FastAPI with ONNX, by hand, no log": servers_["fastapi + onnx"][rows],
        }
        for name, spent in shown.items():
            lines.setdefault(name, {})[rows] = spent
    run = json.loads((PROJECT / "run/run.json").read_text(encoding="utf-8"))
    print(f"\nCPU microseconds per request, demo model ({run['model']['format']}), load {os.getloadavg()[0]:.1f}\n")
    print("| | 1 row | 100 rows |\n|---|---|---|")
    for name, by_rows in lines.items():
        print(f"| {name} | {by_rows[1]:.0f} | {by_rows[100]:.0f} |")


if __name__ == "__main__":
    main()
