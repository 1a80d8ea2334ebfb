"""How long a scorecard of fifty KPIs takes while events stream in: `python -m benchmarks.scorecards`."""

import asyncio
from collections.abc import Sequence
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

_PATH = "/v1/scorecards/bench/score"


def fifty_cards() -> Sequence[Definition]:
    """Ten KPIs with a target, and a scorecard that has each of them over each of its five windows."""
    kpis = [
        kpi.model_validate({**kpi.model_dump(exclude_defaults=True), "target": {"value": 100, "warning": 50}})
        for kpi in ten_kpis(FIVE_WINDOWS)
    ]
    cards = [{"kpi": kpi.slug, "window": window} for kpi in kpis for window in FIVE_WINDOWS]
    fields: dict[str, Any] = {"slug": "bench", "title": "Bench", "owner": "bench", "kpis": cards}
    return [*kpis, probe_kpi(), Scorecard.model_validate(fields)]


@dataclass(frozen=True, slots=True)
class Answered:
    """How long answers took.

    Attributes:
        cost: of the stream and the answers together.
    """

    spread: Spread
    cost: Cost


async def scorecard_times(rig: Rig, *, rate: float, requests_per_s: float, seconds: float) -> Answered:
    """The seconds from the moment at which each request was due to the last byte of its answer.

    Args:
        rig: the servers.
        rate: events a second that stream in meanwhile.
        requests_per_s: requests that are due in a second, whether earlier ones are answered or not.
        seconds: how long.

    Raises:
        BenchmarkError: a service ended, an event was lost, or a request was not answered with 50 cards.
    """
    topic = f"benchmark.scorecards.{epoch_us()}"
    await empty(rig.kafka)
    await make_source(rig.kafka, topic)
    async with fresh_database(rig.servers, fifty_cards()) as url:
        engine = open_engine(url, application_name="tidemark-benchmarks")
        told = environment(rig, database_url=url, source=topic, TIDEMARK_API_RATE_PER_S="100000")
        try:
            async with fleet(told, logs=rig.logs("scorecards")) as processes:
                for service in ("compute", "ingest", "api"):
                    await processes.start(service)
                schedule = Schedule.of(rate=rate, probes=round((seconds + 2) / TICK_S), warm_up_s=WARM_UP_S)
                stream = asyncio.create_task(
                    live(rig, processes, engine, topic, schedule, looking=()), name="stream"
                )
                await asyncio.sleep(WARM_UP_S)
                try:
                    waits = await processes.unless_one_ends(
                        _asked(processes.url("api"), requests_per_s=requests_per_s, seconds=seconds)
                    )
                finally:
                    streamed = await stream
        finally:
            await engine.dispose()
    return Answered(spread(waits), streamed.cost)


async def _asked(url: str, *, requests_per_s: float, seconds: float) -> list[float]:
    limits = httpx2.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx2.AsyncClient(base_url=url, timeout=10.0, trust_env=False, limits=limits) as client:
        await asyncio.gather(*(_one(client, monotonic_s()) for _ in range(32)))
        begun_s = monotonic_s()
        due = [begun_s + number / requests_per_s for number in range(round(seconds * requests_per_s))]
        return list(await asyncio.gather(*(_one(client, at_s) for at_s in due)))


async def _one(client: httpx2.AsyncClient, due_s: float) -> float:
    await asyncio.sleep(max(due_s - monotonic_s(), 0))
    answer = await client.get(_PATH)
    waited_s = monotonic_s() - due_s
    if answer.status_code != 200 or answer.content.count(b'"previous":') != 50:
        raise BenchmarkError(f"The API answered {answer.status_code}: {answer.text[:200]}")
    return waited_s


def main(
    *,
    rate: Annotated[float, typer.Option(help="Events a second that stream in meanwhile.")] = 2_000.0,
    requests: Annotated[float, typer.Option(help="Requests a second.")] = 200.0,
    seconds: Annotated[float, typer.Option(help="How long it is asked.")] = 20.0,
) -> None:
    """Measure a scorecard of 50 KPIs on servers of its own."""
    configure_logging(service="benchmarks", level="warning", as_json=False)
    screen = Console()
    answered = asyncio.run(_measured(rate, requests, seconds, screen))
    found = answered.spread
    screen.print(
        f"{found.count:,} scorecards of 50 KPIs, {requests:g} requests/s beside {rate:g} events/s: "
        f"p50 {found.p50_s * 1e3:.1f} ms, p99 {found.p99_s * 1e3:.1f} ms, max {found.max_s * 1e3:.1f} ms; "
        f"{', '.join(f'{name} took {cpu:.1f}' for name, cpu in answered.cost.cpu_s.items())} s of CPU in "
        f"{answered.cost.seconds:.0f} s, others {answered.cost.others_cores:.2f} cores"
    )


async def _measured(rate: float, requests: float, seconds: float, screen: Console) -> Answered:
    async with own_servers(screen.print) as up:
        rig = Rig(up, screen.print)
        return await scorecard_times(rig, rate=rate, requests_per_s=requests, seconds=seconds)


if __name__ == "__main__":
    typer.run(main)
