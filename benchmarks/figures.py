"""Drains as figures: medians of several, and what one cost and wrote; it compares nothing."""

from collections.abc import Sequence
from typing import Any

from benchmarks.drains import Drain, undisturbed
from benchmarks.quantiles import histogram_quantile, median, per_second

FLUSH = "tidemark_compute_flush_seconds"

Document = dict[str, Any]


def summary(drains: Sequence[Drain]) -> Document | None:
    """The medians of the undisturbed of *drains*, field by field; null when there was none at all."""
    if not drains:
        return None
    found = [figures(one) for one in undisturbed(drains)]
    names = ("events_per_second", "events_per_second_with_start", "events_per_cpu_second", "start_seconds")
    medians = {name: rounded(median(one[name] for one in found)) for name in names}
    groups = ("cpu_us_per_event", "memory_mib", "events_per_cpu_second_of")
    return medians | {
        group: {name: rounded(median(one[group][name] for one in found)) for name in found[0][group]}
        for group in groups
    }


def written(one: Drain) -> Document:
    """What compute wrote during *one*."""
    scrape, buckets = one.scrape, one.scrape.buckets(FLUSH)
    applied = scrape.value("tidemark_compute_events_total", outcome="applied")
    flushes = scrape.value(f"{FLUSH}_count")
    return {
        "pane_rows_per_event": rounded(per_second(scrape.value("tidemark_compute_pane_rows_total"), applied)),
        "events_per_flush": rounded(per_second(applied, flushes)),
        "flushes": round(flushes),
        "flush_p50_seconds": rounded(histogram_quantile(buckets, 0.5)),
        "flush_p99_seconds": rounded(histogram_quantile(buckets, 0.99)),
    }


def figures(one: Drain) -> Document:
    """Everything that *one* came to."""
    cost = one.cost
    return {
        "stage": one.case.stage,
        "windows": one.case.windows,
        "computes": one.case.computes,
        "kpis": one.case.kpis,
        "events": cost.events,
        "seconds": rounded(cost.seconds),
        "events_per_second": rounded(cost.events_per_second),
        "events_per_second_with_start": rounded(per_second(one.total, cost.seconds + one.start_s)),
        "start_seconds": rounded(one.start_s),
        "events_per_cpu_second": rounded(cost.events_per_cpu_second()),
        "events_per_cpu_second_of": {name: rounded(cost.events_per_cpu_second(name)) for name in cost.cpu_s},
        "cpu_us_per_event": {
            name: rounded(per_second(cpu * 1e6, cost.events)) for name, cpu in cost.cpu_s.items()
        },
        "memory_mib": {name: rounded(size) for name, size in one.memory_mib.items()},
        "others_cores": rounded(cost.others_cores),
        "is_disturbed": one.is_disturbed,
    }


def rounded(value: float | None) -> float | None:
    """Four significant digits below a thousand, whole numbers above: more would be noise."""
    if value is None:
        return None
    return float(round(value)) if abs(value) >= 1000 else float(f"{value:.4g}")
