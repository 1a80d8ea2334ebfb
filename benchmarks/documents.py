"""The results as one JSON document; its keys are stable, later releases only add some."""

from collections.abc import Mapping
from dataclasses import asdict

import msgspec

from benchmarks import cases
from benchmarks.cases import Case, Scenario
from benchmarks.drains import undisturbed
from benchmarks.figures import Document, figures, rounded, summary, written
from benchmarks.latencies import Latency
from benchmarks.quantiles import Spread, median, per_second
from benchmarks.runs import Results
from benchmarks.scales import backfill, many_windows, series, take_over, three_breakdowns, two_computes

SCHEMA = 1
"""Moves when a key changes its meaning."""

TARGET_EVENTS_PER_SECOND = 50_000
"""End to end with ten KPIs of five windows on two cores, Kafka and PostgreSQL beside it."""

TARGET_WINDOWS_RATIO = 0.95
"""Speed with five windows to speed with one."""


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
        "three_breakdowns": three_breakdowns(results),
        "many_windows": many_windows(results),
        "two_computes": two_computes(results),
        "series": series(results),
        "backfill": backfill(results),
        "take_over": take_over(results),
        "latency": _latency(results.latency),
        "reading": {name: _spread(one) for name, one in results.reading.items()} or None,
        "targets": targets(results),
        "drains": [figures(one) for one in results.drains],
    }


def encoded(found: Document) -> bytes:
    """The document as people and programs read it."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n"


def _end_to_end(results: Results) -> Document | None:
    if Scenario.END_TO_END not in results.options.scenarios:
        return None
    return {
        "one_compute": summary(results.of(cases.WHOLE)),
        "two_computes": summary(results.of(cases.WHOLE_TWO_COMPUTES)),
    }


def _stages(results: Results) -> Document | None:
    if Scenario.STAGES not in results.options.scenarios:
        return None
    ingest, compute = results.of(cases.INGEST), results.of(cases.COMPUTE)
    return {"ingest": summary(ingest), "compute": summary(compute)}


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
        "ratio": rounded(median(walls)),
        "cpu_ratio": rounded(median(cpus)),
        "ratios": [*map(rounded, walls)],
        "cpu_ratios": [*map(rounded, cpus)],
        "one_window": [rounded(a.cost.events_per_second) for a, _ in rounds],
        "five_windows": [rounded(b.cost.events_per_second) for _, b in rounds],
        "is_disturbed": any(each.is_disturbed for pair in rounds for each in pair),
    }


def _rows(results: Results) -> Document | None:
    """Of the last drain of each kind, so that it is one consistent picture."""
    pairs = {"end_to_end": results.of(cases.WHOLE), "compute": results.of(cases.COMPUTE)}
    return {name: written(drains[-1]) for name, drains in pairs.items() if drains} or None


def _latency(found: Latency | None) -> Document | None:
    if found is None:
        return None
    readers = {name: _spread(one) for name, one in found.spreads.items()}
    return {
        "events_per_second": rounded(found.rate),
        **readers,
        "latest_send_ms": rounded(found.latest_send_s * 1000),
        "cpu_cores": {
            name: rounded(per_second(cpu, found.cost.seconds)) for name, cpu in found.cost.cpu_s.items()
        },
        "others_cores": rounded(found.cost.others_cores),
        "is_disturbed": found.is_disturbed,
    }


def _spread(one: Spread) -> Document:
    milliseconds = {"p50_ms": one.p50_s, "p99_ms": one.p99_s, "max_ms": one.max_s}
    return {"count": one.count} | {name: rounded(seconds * 1000) for name, seconds in milliseconds.items()}


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
        "measured": rounded(measured),
        "reached": reached,
        "is_disturbed": is_disturbed,
    }
