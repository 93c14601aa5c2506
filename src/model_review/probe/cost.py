"""What serving costs on both sides, from two probes."""

from model_review.comparison_details import CostRow
from model_review.policy import SERVICE_COSTS
from model_review.probe.record import Probe

SHOWN = (*SERVICE_COSTS, "rows_per_second")


def probe_costs(champion: Probe | None, challenger: Probe | None) -> list[CostRow]:
    """One row for each cost that either probe measured."""
    before, after = _costs(champion), _costs(challenger)
    rows = []
    for name in SHOWN:
        old, new = before.get(name), after.get(name)
        if old is not None or new is not None:
            ratio = new / old if old and new is not None else None
            rows.append(CostRow(name=name, champion=old, challenger=new, ratio=ratio))
    return rows


def _costs(probe: Probe | None) -> dict[str, float | None]:
    if probe is None:
        return {}
    one, many, busy = probe.at(1, 1), probe.at(100, 1), probe.at(100, 8)
    memory, size = probe.memory, None if probe.image is None else probe.image.bytes
    return {
        "latency_p50_ms": None if one is None else one.p50_ms,
        "latency_p99_ms": None if one is None else one.p99_ms,
        "batch_latency_p50_ms": None if many is None else many.p50_ms,
        "service_memory_bytes": None if memory is None else float(memory.bytes),
        "image_bytes": None if size is None else float(size),
        "cold_start_seconds": probe.cold_start_seconds,
        "rows_per_second": None if busy is None else busy.rows_per_second,
    }
