"""The results as one JSON document; its keys are stable, later releases only add some."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec

from benchmarks import cases
from benchmarks.cases import Case, Scenario
from benchmarks.drains import Drain, undisturbed
from benchmarks.latencies import Latency
from benchmarks.quantiles import Spread, histogram_quantile, median, per_second
from benchmarks.runs import Results

SCHEMA = 1
"""Moves when a key changes its meaning."""

TARGET_EVENTS_PER_SECOND = 50_000
"""End to end with ten KPIs of five windows on two cores, Kafka and PostgreSQL beside it."""

TARGET_WINDOWS_RATIO = 0.95
"""Speed with five windows to speed with one."""

FLUSH = "tidemark_compute_flush_seconds"

Document = dict[str, Any]


def document(results: Results) -> Document:
    """Everything that was found out; a scenario that was not asked for is null."""
    wanted = results.options
    return {
        "schema": SCHEMA,
        "environment": asdict(results.environment),
        "options": {
            "scenarios": sorted(wanted.scenarios),
            "events": wanted.events,
            "rounds": wanted.rounds,
            "probes": wanted.probes,
        },
        "end_to_end": _end_to_end(results),
        "stages": _stages(results),
        "windows": _windows(results),
        "rows": _rows(results),
        "latency": _latency(results.latency),
        "reading": {name: _spread(one) for name, one in results.reading.items()} or None,
        "targets": targets(results),
        "drains": [_drain(one) for one in results.drains],
    }


def encoded(found: Document) -> bytes:
    """The document as people and programs read it."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _end_to_end(results: Results) -> Document | None:
    if Scenario.END_TO_END not in results.options.scenarios:
        return None
    return {
        "one_compute": _summary(results.of(cases.WHOLE)),
        "two_computes": _summary(results.of(cases.WHOLE_TWO_COMPUTES)),
    }


def _stages(results: Results) -> Document | None:
    if Scenario.STAGES not in results.options.scenarios:
        return None
    ingest, compute = results.of(cases.INGEST), results.of(cases.COMPUTE)
    return {"ingest": _summary(ingest), "compute": _summary(compute)}


def _summary(drains: Sequence[Drain]) -> Document | None:
    """The medians of the undisturbed of *drains*, field by field; null when there was none at all."""
    if not drains:
        return None
    found = [_drain(one) for one in undisturbed(drains)]
    names = ("events_per_second", "events_per_second_with_start", "events_per_cpu_second", "start_seconds")
    medians = {name: _rounded(median(one[name] for one in found)) for name in names}
    groups = ("cpu_us_per_event", "memory_mib", "events_per_cpu_second_of")
    return medians | {
        group: {name: _rounded(median(one[group][name] for one in found)) for name in found[0][group]}
        for group in groups
    }


def _windows(results: Results) -> Document | None:
    if Scenario.WINDOWS not in results.options.scenarios:
        return None
    pairs = {
        "end_to_end": (cases.WHOLE_ONE_WINDOW, cases.WHOLE),
        "compute": (cases.COMPUTE_ONE_WINDOW, cases.COMPUTE),
    }
    return {name: _compared(results, one, five) for name, (one, five) in pairs.items()}


def _compared(results: Results, one: Case, five: Case) -> Document:
    rounds = list(zip(results.of(one), results.of(five), strict=True))
    rounds = [pair for pair in rounds if not any(each.is_disturbed for each in pair)] or rounds
    walls = [b.cost.events_per_second / a.cost.events_per_second for a, b in rounds]
    cpus = [b.cost.events_per_cpu_second() / a.cost.events_per_cpu_second() for a, b in rounds]
    return {
        "ratio": _rounded(median(walls)),
        "cpu_ratio": _rounded(median(cpus)),
        "ratios": [*map(_rounded, walls)],
        "cpu_ratios": [*map(_rounded, cpus)],
        "one_window": [_rounded(a.cost.events_per_second) for a, _ in rounds],
        "five_windows": [_rounded(b.cost.events_per_second) for _, b in rounds],
        "is_disturbed": any(each.is_disturbed for pair in rounds for each in pair),
    }


def _rows(results: Results) -> Document | None:
    """Of the last drain of each kind, so that it is one consistent picture."""
    pairs = {"end_to_end": results.of(cases.WHOLE), "compute": results.of(cases.COMPUTE)}
    return {name: _written(drains[-1]) for name, drains in pairs.items() if drains} or None


def _written(one: Drain) -> Document:
    scrape, buckets = one.scrape, one.scrape.buckets(FLUSH)
    applied = scrape.value("tidemark_compute_events_total", outcome="applied")
    flushes = scrape.value(f"{FLUSH}_count")
    return {
        "pane_rows_per_event": _rounded(
            per_second(scrape.value("tidemark_compute_pane_rows_total"), applied)
        ),
        "events_per_flush": _rounded(per_second(applied, flushes)),
        "flushes": round(flushes),
        "flush_p50_seconds": _rounded(histogram_quantile(buckets, 0.5)),
        "flush_p99_seconds": _rounded(histogram_quantile(buckets, 0.99)),
    }


def _latency(found: Latency | None) -> Document | None:
    if found is None:
        return None
    readers = {name: _spread(one) for name, one in found.spreads.items()}
    return {
        "events_per_second": _rounded(found.rate),
        **readers,
        "latest_send_ms": _rounded(found.latest_send_s * 1000),
        "cpu_cores": {
            name: _rounded(per_second(cpu, found.cost.seconds)) for name, cpu in found.cost.cpu_s.items()
        },
        "others_cores": _rounded(found.cost.others_cores),
        "is_disturbed": found.is_disturbed,
    }


def _spread(one: Spread) -> Document:
    milliseconds = {"p50_ms": one.p50_s, "p99_ms": one.p99_s, "max_ms": one.max_s}
    return {"count": one.count} | {name: _rounded(seconds * 1000) for name, seconds in milliseconds.items()}


def targets(results: Results) -> Mapping[str, Document]:
    """What was aimed at, what it came to, and whether it was reached; only what was measured.

    A disturbed figure is one for which there was no undisturbed drain: it neither proves nor disproves.
    """
    found: dict[str, Document] = {}
    if Scenario.END_TO_END in results.options.scenarios:
        whole = undisturbed(results.of(cases.WHOLE))
        rate = median(one.cost.events_per_second for one in whole)
        found["end_to_end_events_per_second"] = _aimed(
            rate, TARGET_EVENTS_PER_SECOND, is_disturbed=whole[0].is_disturbed
        )
    for name, one in (_windows(results) or {}).items():
        found[f"windows_ratio_{name}"] = _aimed(
            one["ratio"], TARGET_WINDOWS_RATIO, is_disturbed=one["is_disturbed"]
        )
    return found


def _aimed(measured: float, target: float, *, is_disturbed: bool) -> Document:
    reached = measured >= target
    return {
        "target": target,
        "measured": _rounded(measured),
        "reached": reached,
        "is_disturbed": is_disturbed,
    }


def _drain(one: Drain) -> Document:
    cost = one.cost
    return {
        "stage": one.case.stage,
        "windows": one.case.windows,
        "computes": one.case.computes,
        "events": cost.events,
        "seconds": _rounded(cost.seconds),
        "events_per_second": _rounded(cost.events_per_second),
        "events_per_second_with_start": _rounded(per_second(one.total, cost.seconds + one.start_s)),
        "start_seconds": _rounded(one.start_s),
        "events_per_cpu_second": _rounded(cost.events_per_cpu_second()),
        "events_per_cpu_second_of": {name: _rounded(cost.events_per_cpu_second(name)) for name in cost.cpu_s},
        "cpu_us_per_event": {
            name: _rounded(per_second(cpu * 1e6, cost.events)) for name, cpu in cost.cpu_s.items()
        },
        "memory_mib": {name: _rounded(size) for name, size in one.memory_mib.items()},
        "others_cores": _rounded(cost.others_cores),
        "is_disturbed": one.is_disturbed,
    }


def _rounded(value: float | None) -> float | None:
    """Four significant digits below a thousand, whole numbers above: more would be noise."""
    if value is None:
        return None
    return float(round(value)) if abs(value) >= 1000 else float(f"{value:.4g}")
