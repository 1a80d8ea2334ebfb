"""From an event's scheduled time to the moment a reader sees it, at a steady load; it decides on no load."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice

import httpx2
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.catalogues import FIVE_WINDOWS, PROBE, probe_kpi, ten_kpis
from benchmarks.checks import check_ledger
from benchmarks.drains import DISTURBED_CORES, consumed, until
from benchmarks.failures import StandstillError
from benchmarks.fleets import Fleet, fleet
from benchmarks.probes import probe_ids
from benchmarks.quantiles import Spread, spread
from benchmarks.rigs import Rig, environment
from benchmarks.senders import Schedule, Sent, send
from benchmarks.servers import fresh_database
from benchmarks.topics import PARTITIONS, empty, make_source
from benchmarks.usage import Cost, cost, mark
from shared.runtime.clock import epoch_us, monotonic_s, utc_now
from shared.storage import current
from shared.storage.definitions import load_catalogue
from shared.storage.engine import open_engine, reading
from shared.storage.readings import value

LOOK_S = 0.02
"""How long a reader waits between two looks; its latency is part of what it sees."""

WARM_UP_S = 3.0
"""Probes of this long are sent and not judged: the first flushes make series and plans."""

SEEN_WITHIN_S = 30.0
"""Once everything is counted, every reader has seen every probe within this time."""

_WINDOW = "1h"

Read = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Latency:
    """What was measured.

    Attributes:
        spreads: by reader: the API over HTTP, the panes by SQL, the table of current values.
        latest_send_s: by how much the sender was late at worst; part of every figure.
    """

    rate: float
    spreads: dict[str, Spread]
    latest_send_s: float
    cost: Cost

    @property
    def is_disturbed(self) -> bool:
        """Whether others took so much of the machine that these are their latencies, too."""
        return self.cost.others_cores > DISTURBED_CORES


async def latency(rig: Rig, *, rate: float, probes: int) -> Latency:
    """Send *rate* events a second with a probe in every tick, and see how long each probe takes to show.

    Raises:
        BenchmarkError: a service ended, a probe never showed, or an event was lost.
    """
    topic = f"benchmark.live.{epoch_us()}"
    await empty(rig.kafka)
    await make_source(rig.kafka, topic)
    async with fresh_database(rig.servers, [*ten_kpis(FIVE_WINDOWS), probe_kpi()]) as url:
        engine = open_engine(url, application_name="tidemark-benchmarks")
        try:
            told = environment(rig, database_url=url, source=topic)
            async with fleet(told, logs=rig.logs("latency")) as processes:
                for service in ("compute", "ingest", "api"):
                    await processes.start(service)
                schedule = Schedule.of(rate=rate, probes=probes, warm_up_s=WARM_UP_S)
                return await processes.unless_one_ends(live(rig, processes, engine, topic, schedule))
        finally:
            await engine.dispose()


@dataclass(slots=True)
class _Sightings:
    """When a reader has first seen the k-th probe."""

    at_s: list[float] = field(default_factory=list)

    async def look(self, read: Read, total: int) -> None:
        while len(self.at_s) < total:
            found, now_s = await read(), monotonic_s()
            self.at_s += [now_s] * (found - len(self.at_s))
            await asyncio.sleep(LOOK_S)


READERS = ("api", "panes", "current")
"""Who looks for the probes: over HTTP, by the same reading in SQL, in the table of current values."""


async def live(
    rig: Rig,
    processes: Fleet,
    engine: AsyncEngine,
    topic: str,
    schedule: Schedule,
    *,
    looking: Collection[str] = READERS,
) -> Latency:
    """Carry out *schedule* on services that run, and see how long each probe takes to show.

    Args:
        rig: the servers.
        processes: compute, ingest and api.
        engine: on the database that they count into.
        topic: what ingest reads.
        schedule: what is sent.
        looking: some of `READERS`; each takes its part of the machine.

    Raises:
        BenchmarkError: a probe never showed, or an event was lost.
    """
    names, earlier = list(islice(probe_ids(PARTITIONS), schedule.ticks)), await consumed(engine)
    async with httpx2.AsyncClient(base_url=processes.url("api"), timeout=10.0, trust_env=False) as client:
        readers = {name: read for name, read in _readers(engine, client).items() if name in looking}
        seen = {name: _Sightings() for name in readers}
        before = mark(processes, rig.servers, events=0)
        looks = [asyncio.create_task(seen[name].look(read, schedule.ticks)) for name, read in readers.items()]
        try:
            sent = await send(rig.kafka, topic, schedule, names)
            await until(earlier + sent.events, lambda: consumed(engine))
            after = mark(processes, rig.servers, events=sent.events)
            await _all_seen(looks)
        finally:
            for task in looks:
                task.cancel()
            await asyncio.gather(*looks, return_exceptions=True)
    async with reading(engine) as connection:
        await check_ledger(connection, earlier + sent.events)
    spreads = {name: spread(_waits(sent, one.at_s, schedule)) for name, one in seen.items()}
    return Latency(schedule.rate, spreads, sent.latest_s, cost(before, after))


async def _all_seen(looking: Sequence[asyncio.Task[None]]) -> None:
    try:
        async with asyncio.timeout(SEEN_WITHIN_S):
            await asyncio.gather(*looking)
    except TimeoutError:
        raise StandstillError(f"A counted probe was not visible within {SEEN_WITHIN_S:g} s.") from None


def _waits(sent: Sent, seen_s: Sequence[float], schedule: Schedule) -> list[float]:
    pairs = zip(sent.scheduled_s, seen_s, strict=True)
    return [seen - scheduled for scheduled, seen in islice(pairs, schedule.unjudged, None)]


def _readers(engine: AsyncEngine, client: httpx2.AsyncClient) -> dict[str, Read]:
    async def by_api() -> int:
        answer = await client.get(f"/v1/kpis/{PROBE}/value", params={"window": _WINDOW})
        return int(msgspec.json.decode(answer.raise_for_status().content)["n"])

    async def by_panes() -> int:
        now = utc_now()
        async with reading(engine) as connection:
            catalogue = await load_catalogue(connection)
            found = await value(connection, catalogue, PROBE, _WINDOW, dimensions={}, at=now, now=now)
        return found.n

    async def by_current() -> int:
        async with reading(engine) as connection:
            found = await current.current(connection, slugs=[PROBE], windows=[_WINDOW])
        return found[0].reading.n if found else 0

    return {"api": by_api, "panes": by_panes, "current": by_current}
