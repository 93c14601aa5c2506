"""`model-review probe`: ask a running service everything, and write down what came back."""

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from model_review import __version__
from model_review.errors import ReviewError
from model_review.files import to_json, write_text
from model_review.probe import load
from model_review.probe.canary import ask_canary, canary_rows
from model_review.probe.client import TOKEN, Address, Connection, NoAnswer, parse_address, post
from model_review.probe.golden import ask_golden
from model_review.probe.known import Known, read_known
from model_review.probe.openapi import ask_openapi
from model_review.probe.record import Canary, Check, CheckName, GoldenResult, Image, Load, Memory, Probe, Violation
from model_review.probe.resources import container_memory, image, tree_memory
from model_review.probe.start import started
from model_review.probe.violations import DENIED, ask_violations
from model_review.probe.wording import lines
from model_review.step_files import write_outputs
from model_review.text import plain

TIMEOUT = 30.0
SECRET = 8  # what is shorter stands in any text, and is no secret


@dataclass
class Found:
    """What was found so far."""

    checks: list[Check] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    golden: GoldenResult | None = None
    canary: Canary | None = None
    violations: list[Violation] = field(default_factory=list)
    load: list[Load] = field(default_factory=list)

    def note(self, name: CheckName, faults: list[str], detail: str) -> None:
        """One check: passed where nothing is wrong."""
        self.failures += [plain(one, 1000) for one in faults]
        status = "failed" if faults else "passed"
        self.checks.append(Check.model_validate({"name": name, "status": status, "detail": plain(detail, 1000)}))

    def skip(self, name: CheckName, why: str) -> None:
        """One check that could not be made."""
        self.checks.append(Check(name=name, status="skipped", detail=why))


def run_probe(arguments: argparse.Namespace) -> int:
    """0: all is well. 1: something is not, one sentence for each. 2: it could not be tried."""
    address, known = parse_address(arguments.url), read_known(arguments.run, arguments.expect, arguments.contract)
    held = None
    if arguments.image is not None:
        held = image(arguments.image, arguments.digest)
    elif arguments.digest is not None:
        held = Image(reference=None, digest=arguments.digest, bytes=None)
    found, memory = Found(), None
    log = arguments.out.with_name(arguments.out.name + ".log")
    with ExitStack() as stack:
        begin, process = time.perf_counter(), None
        if arguments.start is not None:
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            process = stack.enter_context(started(arguments.start, log))
        ours = process is not None or arguments.container is not None or arguments.pid is not None
        fault = _wait(address, arguments.wait, process, must_exist=not ours)
        ready = None if fault else time.perf_counter() - begin
        found.note("ready", [fault] if fault else [], fault or f"ready after {ready:.2f} s")
        if fault is None:
            _ask_all(address, known, found, arguments.seconds)
            try:
                memory = _memory(arguments, process.pid if process else None)
            except ReviewError:
                if not found.failures:  # else the service ended on the way, which the failures say
                    raise
    probe = Probe(
        engine=__version__,
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        passed=not found.failures,
        failures=found.failures[:1000],
        subject=known.subject,
        image=held,
        checks=found.checks,
        ready_seconds=ready,
        cold_start_seconds=ready if process is not None else None,
        golden=found.golden,
        canary=found.canary,
        violations=found.violations,
        load=found.load,
        memory=memory,
    )
    text = to_json(probe.to_json())
    if len(address.token) >= SECRET and address.token in text:
        raise ReviewError(
            f"The service gives back what {TOKEN} holds, so nothing was written; set another token there."
        )
    write_text(arguments.out, text)
    write_outputs({"passed": str(probe.passed).lower(), "probe": str(arguments.out)})
    print("\n".join(lines(probe)))
    return 0 if probe.passed else 1


def _wait(address: Address, limit: float, process: Any, *, must_exist: bool) -> str | None:
    """Until /readyz answers 200; else why not."""
    deadline, last, seen = time.monotonic() + limit, "no answer", False
    while True:
        connection = Connection(address, min(5.0, max(limit, 0.1)))
        try:
            answer = connection.ask("/readyz")
            if answer.status == 200:
                return None
            last, seen = f"/readyz answers {answer.status}", True
        except NoAnswer as error:
            last, seen = str(error), seen or "refused" not in str(error)
        finally:
            connection.close()
        if process is not None and process.poll() is not None:
            return f"The command ended with exit code {process.returncode} before it was ready."
        if time.monotonic() >= deadline:
            if must_exist and not seen:
                raise ReviewError(f"Nothing listens at --url within {limit:g} s ({last}); start the service first.")
            return f"The service was not ready within {limit:g} s: {last}."
        time.sleep(0.02)


def _ask_all(address: Address, known: Known, found: Found, seconds: float) -> None:
    connection = Connection(address, TIMEOUT)
    columns, golden = known.columns, known.golden
    found.failures += _denied(connection, address)
    found.note("openapi", ask_openapi(connection, columns), f"{len(columns)} columns")
    _ask_model(connection, known, found)
    canary = canary_rows(columns)
    if golden is None:
        found.skip("golden", "no run was given, so no offline predictions are known")
    else:
        found.golden, faults = ask_golden(connection, golden)
        found.note("golden", faults, f"{len(golden.rows)} rows in {found.golden.requests} requests")
    found.canary, faults = ask_canary(connection, canary, known.before)
    found.note("canary", faults, f"{len(canary)} rows made from the contract")
    row = canary[0] if golden is None else golden.rows[0]
    found.violations, faults = ask_violations(connection, columns, row)
    found.note("violations", faults, f"{len(found.violations)} requests that break the contract")
    connection.close()
    # The same rows in every probe of a contract, so that two releases can be compared.
    found.load = list(_loads(address, canary, seconds))
    faults = [fault for one in found.load for fault in load.faults(one)]
    found.note("load", faults, f"{len(found.load)} kinds of load, {seconds:g} s each")


def _denied(connection: Connection, address: Address) -> list[str]:
    """One sentence before all that follows from it."""
    try:
        status = connection.ask("/docs.json").status
    except NoAnswer:
        return []  # the next question says so
    if status not in DENIED:
        return []
    if address.token:
        return [f"The service takes another bearer token than the one that {TOKEN} holds ({status})."]
    return [f"The service asks for a bearer token ({status}); set the environment variable {TOKEN} to it."]


def _ask_model(connection: Connection, known: Known, found: Found) -> None:
    """Whether the service says that it serves this model."""
    try:
        answer = connection.ask("/model")
    except NoAnswer as error:
        found.note("model", [f"/model got no answer: {error}."], "no answer")
        return
    said = answer.json() if answer.status == 200 else None
    model = said.get("model") if isinstance(said, dict) else None
    digest = model.get("digest") if isinstance(model, dict) else None
    wanted = known.subject.model_digest
    if digest is None or wanted is None:
        found.skip("model", "the digest of the model is not known on both sides")
    else:
        faults = [] if digest == wanted else ["/model names another model than the one that was to be probed."]
        found.note("model", faults, "the digest that /model gives")


def _loads(address: Address, rows: list[dict[str, Any]], seconds: float) -> Iterator[Load]:
    for size, clients in load.SIZES:
        bodies = [post((rows * size)[at : at + size]) for at in range(len(rows))]
        yield load.measure(address, bodies, size, clients, seconds)


def _memory(arguments: argparse.Namespace, started_pid: int | None) -> Memory | None:
    if arguments.container is not None:
        return container_memory(arguments.container)
    pid = arguments.pid if arguments.pid is not None else started_pid
    memory = None if pid is None else tree_memory(pid)
    if arguments.pid is not None and memory is None:
        raise ReviewError(f"--pid {arguments.pid}: its memory cannot be read; name a process of this user.")
    return memory
