"""Load for a few seconds: clients that each keep a connection and send the next request once the last was answered."""

import threading
import time
from dataclasses import dataclass, field
from itertools import count

import numpy as np

from model_review.probe.client import Address, Connection, NoAnswer
from model_review.probe.record import Load

SIZES = ((1, 1), (1, 8), (100, 1), (100, 8))
MANY_ERRORS = 20
TIMEOUT = 10.0


@dataclass
class _Client:
    """What one client saw."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0


def measure(address: Address, bodies: list[bytes], rows: int, clients: int, seconds: float) -> Load:
    """Send the bodies in turn, from all clients at once, for that long; a first few answers are not counted."""
    _run(address, bodies, clients, min(0.3, seconds / 4))
    begin = time.perf_counter()
    seen = _run(address, bodies, clients, seconds)
    lasted = time.perf_counter() - begin
    taken = np.array([one for client in seen for one in client.seconds]) * 1000
    middle, late, last = np.quantile(taken, [0.5, 0.95, 0.99]).tolist() if len(taken) else (None, None, None)
    return Load(
        rows=rows,
        clients=clients,
        seconds=lasted,
        requests=len(taken),
        errors=sum(client.errors for client in seen),
        p50_ms=middle,
        p95_ms=late,
        p99_ms=last,
        requests_per_second=len(taken) / lasted,
        rows_per_second=len(taken) * rows / lasted,
    )


def _run(address: Address, bodies: list[bytes], clients: int, seconds: float) -> list[_Client]:
    seen = [_Client() for _ in range(clients)]
    deadline, turn = time.perf_counter() + seconds, count()
    threads = [threading.Thread(target=_work, args=(address, bodies, one, deadline, turn), daemon=True) for one in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def _work(address: Address, bodies: list[bytes], seen: _Client, deadline: float, turn: "count[int]") -> None:
    connection = Connection(address, TIMEOUT)
    while True:  # at least once, however late a busy machine lets this thread begin
        try:
            answer = connection.ask("/predict", bodies[next(turn) % len(bodies)])
        except NoAnswer:
            answer = None
        if answer is not None and answer.status == 200:
            seen.seconds.append(answer.seconds)
        else:
            seen.errors += 1
        if time.perf_counter() >= deadline or seen.errors >= MANY_ERRORS:
            break
    connection.close()


def faults(load: Load) -> list[str]:
    """What is wrong, in sentences."""
    what = f"{load.clients} clients" if load.clients > 1 else "1 client"
    rows = f"{load.rows} rows" if load.rows > 1 else "1 row"
    if load.errors:
        total = load.errors + load.requests
        return [f"Under load ({what}, {rows}) {load.errors} of {total} requests were not answered with 200."]
    return [] if load.requests else [f"Under load ({what}, {rows}) no request was answered in {load.seconds:.1f} s."]
