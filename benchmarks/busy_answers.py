"""How long answers of the API take while events stream in: `python -m benchmarks.busy_answers`."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console

from benchmarks.catalogues import FIVE_WINDOWS, probe_kpi, ten_kpis
from benchmarks.failures import BenchmarkError
from benchmarks.fleets import fleet
from benchmarks.latencies import WARM_UP_S, live
from benchmarks.quantiles import Spread, spread
from benchmarks.rigs import Rig, environment
from benchmarks.senders import TICK_S, Schedule
from benchmarks.servers import fresh_database, own_servers
from benchmarks.topics import empty, make_source
from benchmarks.usage import Cost
from shared.domain.definitions import Definition
from shared.domain.definitions.scorecards import Scorecard
from shared.observability.logging import configure_logging
from shared.runtime.clock import epoch_us, monotonic_s
from shared.storage.engine import open_engine

SHOWN = 200
"""KPIs with five windows each make the thousand values of one scrape."""

WHOLE_WITHIN_S = 30.0
"""So long after its start an answer may lack something."""

_TARGET = {"value": 100, "warning": 50}


def fifty_cards() -> Sequence[Definition]:
    """Ten KPIs with a target, and a scorecard that has each of them over each of its five windows."""
    kpis = [_changed(kpi, target=_TARGET) for kpi in ten_kpis(FIVE_WINDOWS)]
    cards = [{"kpi": kpi.slug, "window": window} for kpi in kpis for window in FIVE_WINDOWS]
    fields: dict[str, Any] = {"slug": "bench", "title": "Bench", "owner": "bench", "kpis": cards}
    return [*kpis, probe_kpi(), Scorecard.model_validate(fields)]


def a_thousand_values() -> Sequence[Definition]:
    """KPIs with a target whose totals Prometheus sees, a thousand values in all; they share their panes."""
    orders, *others = ten_kpis(FIVE_WINDOWS)
    shown = [
        _changed(orders, slug=f"orders_{number}", target=_TARGET, prometheus=True, breakdowns=[])
        for number in range(SHOWN)
    ]
    return [orders, *others, *shown, probe_kpi()]


def _changed(kpi: Any, **fields: Any) -> Any:
    return kpi.model_validate({**kpi.model_dump(exclude_defaults=True), **fields})


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked for, of which definitions, and how often.

    Attributes:
        requests_per_s: requests that are due in a second, whether earlier ones are answered or not.
        is_whole: whether the text of an answer has everything in it.
    """

    what: str
    definitions: Callable[[], Sequence[Definition]]
    path: str
    requests_per_s: float
    is_whole: Callable[[bytes], bool]


CASES = {
    case.what: case
    for case in (
        Case("value", fifty_cards, "/v1/kpis/orders/value?window=1h", 200, lambda text: b'"value":' in text),
        Case(
            "scorecard",
            fifty_cards,
            "/v1/scorecards/bench/score",
            200,
            lambda text: text.count(b'"previous":') == 50,
        ),
        Case("metrics", a_thousand_values, "/metrics", 2, lambda text: text.count(b"\nkpi_value{") >= 1000),
    )
}


@dataclass(frozen=True, slots=True)
class Answered:
    """How long answers took.

    Attributes:
        cost: of the stream and the answers together.
    """

    spread: Spread
    cost: Cost


async def answer_times(rig: Rig, case: Case, *, rate: float, seconds: float) -> Answered:
    """The seconds from the moment at which each request was due to the last byte of its answer.

    Args:
        rig: the servers.
        case: what is asked for.
        rate: events a second that stream in meanwhile.
        seconds: how long.

    Raises:
        BenchmarkError: a service ended, an event was lost, or an answer was not whole.
    """
    topic = f"benchmark.{case.what}.{epoch_us()}"
    await empty(rig.kafka)
    await make_source(rig.kafka, topic)
    async with fresh_database(rig.servers, case.definitions()) as url:
        engine = open_engine(url, application_name="tidemark-benchmarks")
        told = environment(rig, database_url=url, source=topic, TIDEMARK_API_RATE_PER_S="100000")
        try:
            async with fleet(told, logs=rig.logs(case.what)) as processes:
                for service in ("compute", "ingest", "api"):
                    await processes.start(service)
                schedule = Schedule.of(rate=rate, probes=round((seconds + 2) / TICK_S), warm_up_s=WARM_UP_S)
                stream = asyncio.create_task(
                    live(rig, processes, engine, topic, schedule, looking=()), name="stream"
                )
                await asyncio.sleep(WARM_UP_S)
                try:
                    waits = await processes.unless_one_ends(
                        _asked(processes.url("api"), case, seconds=seconds)
                    )
                finally:
                    streamed = await stream
        finally:
            await engine.dispose()
    return Answered(spread(waits), streamed.cost)


async def _asked(url: str, case: Case, *, seconds: float) -> list[float]:
    limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx2.AsyncClient(base_url=url, timeout=10.0, trust_env=False, limits=limits) as client:
        await _first(client, case)
        warm_up = min(32, round(case.requests_per_s * 4))
        await asyncio.gather(*(_one(client, case, monotonic_s()) for _ in range(warm_up)))
        begun_s, times = monotonic_s(), round(seconds * case.requests_per_s)
        due = [begun_s + number / case.requests_per_s for number in range(times)]
        return list(await asyncio.gather(*(_one(client, case, at_s) for at_s in due)))


async def _first(client: httpx2.AsyncClient, case: Case) -> None:
    """Wait for a whole answer: current values are there once compute has refreshed them all."""
    until_s = monotonic_s() + WHOLE_WITHIN_S
    while monotonic_s() < until_s:
        if case.is_whole((await client.get(case.path)).content):
            return
        await asyncio.sleep(0.1)


async def _one(client: httpx2.AsyncClient, case: Case, due_s: float) -> float:
    await asyncio.sleep(max(due_s - monotonic_s(), 0))
    answer = await client.get(case.path)
    waited_s = monotonic_s() - due_s
    if answer.status_code != 200 or not case.is_whole(answer.content):
        raise BenchmarkError(f"The API answered {answer.status_code}: {answer.text[:200]}")
    return waited_s


def main(
    *,
    what: Annotated[
        list[str] | None, typer.Option(help=f"Some of {', '.join(CASES)}; without it, all.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Events a second that stream in meanwhile.")] = 2_000.0,
    seconds: Annotated[float, typer.Option(help="How long is asked for each.")] = 20.0,
) -> None:
    """Measure one value, a scorecard of 50 KPIs and a scrape of 1,000 values on servers of their own."""
    if strange := set(what or ()) - CASES.keys():
        raise typer.BadParameter(f"there is no {', '.join(sorted(strange))}")
    configure_logging(service="benchmarks", level="warning", as_json=False)
    asyncio.run(_measured([CASES[name] for name in what or CASES], rate, seconds, Console()))


async def _measured(cases: Sequence[Case], rate: float, seconds: float, screen: Console) -> None:
    async with own_servers(screen.print) as up:
        rig = Rig(up, screen.print)
        for case in cases:
            screen.print(_sentence(case, rate, await answer_times(rig, case, rate=rate, seconds=seconds)))


def _sentence(case: Case, rate: float, answered: Answered) -> str:
    found, cost = answered.spread, answered.cost
    return (
        f"{case.what}: {found.count:,} answers, {case.requests_per_s:g} a second beside {rate:g} events/s: "
        f"p50 {found.p50_s * 1e3:.1f} ms, p99 {found.p99_s * 1e3:.1f} ms, max {found.max_s * 1e3:.1f} ms; "
        f"{', '.join(f'{name} took {cpu:.1f}' for name, cpu in cost.cpu_s.items())} s of CPU in "
        f"{cost.seconds:.0f} s, others {cost.others_cores:.2f} cores"
    )


if __name__ == "__main__":
    typer.run(main)
