"""A probe in words, one line for each thing."""

from collections.abc import Iterator

from model_review.probe.record import Probe


def lines(probe: Probe) -> Iterator[str]:
    """What was wrong, what was asked and what was measured."""
    yield from probe.failures
    done = [one.name for one in probe.checks if one.status == "passed"]
    skipped = [f"{one.name} ({one.detail})" for one in probe.checks if one.status == "skipped"]
    yield f"{'Passed' if probe.passed else 'Failed; passed were'}: {', '.join(done) or 'none'}."
    if skipped:
        yield f"Not asked: {'; '.join(skipped)}."
    for one in probe.load:
        if one.p50_ms is not None:
            size = f"{_of(one.rows, 'row')}, {_of(one.clients, 'client')}"
            yield (
                f"{size}: p50 {one.p50_ms:.2f} ms, p95 {one.p95_ms:.2f} ms, "
                f"p99 {one.p99_ms:.2f} ms, {one.rows_per_second:,.0f} rows/s"
            )
    if probe.memory is not None:
        yield f"Memory {probe.memory.bytes / 1e6:,.0f} MB ({probe.memory.method})."
    if probe.image is not None and probe.image.bytes is not None:
        yield f"Image {probe.image.bytes / 1e6:,.0f} MB."
    if probe.cold_start_seconds is not None:
        yield f"Cold start {probe.cold_start_seconds:.2f} s."


def _of(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
