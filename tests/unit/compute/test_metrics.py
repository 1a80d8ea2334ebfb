"""What compute tells of the ledger."""

from dataclasses import replace

from prometheus_client import CollectorRegistry

from services.compute.metrics import Metrics
from services.compute.parts import Tally

TALLY = Tally(
    partition=1, to_offset=10, consumed=7, applied=4, duplicate=2, dead_lettered=1,
    ids=b"", first_us=None, last_us=None, appended_ms=0,
)  # fmt: skip


def test_ledger_by_partition() -> None:
    """Every partition has a ledger of its own whose entries add up to what was consumed."""
    registry = CollectorRegistry()
    metrics = Metrics.on(registry)
    metrics.record([TALLY, replace(TALLY, partition=3, consumed=5, applied=2)])
    metrics.record([TALLY])

    def entry(partition: str, name: str) -> float | None:
        return registry.get_sample_value(
            "tidemark_compute_ledger_records_total", {"partition": partition, "entry": name}
        )

    entries = ("consumed", "applied", "duplicate", "dead_lettered")
    assert [entry("1", name) for name in entries] == [14, 8, 4, 2]
    assert [entry("3", name) for name in entries] == [5, 2, 2, 1]
    applied = registry.get_sample_value("tidemark_compute_events_total", {"outcome": "applied"})
    assert applied == 10
