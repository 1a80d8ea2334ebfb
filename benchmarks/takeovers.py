"""A compute process killed under load: from the broker's finding out to the survivor's being current."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.catalogues import FIVE_WINDOWS, ten_kpis
from benchmarks.checks import check_ledger
from benchmarks.drains import consumed, until
from benchmarks.failures import StandstillError
from benchmarks.fleets import Fleet, fleet
from benchmarks.probes import probe_ids
from benchmarks.rigs import Rig, environment
from benchmarks.senders import TICK_S, Schedule, Sent, send
from benchmarks.servers import fresh_database
from benchmarks.topics import PARTITIONS, empty, make_source
from services.local.servers import kafka_server
from shared.runtime.clock import epoch_us, utc_now
from shared.storage.engine import open_engine, reading

SESSION_TIMEOUT_S = 6
"""The shortest that brokers allow by default: what is measured begins when it has run out."""

RATE = 5_000.0
"""Events a second while it happens."""

CURRENT_WITHIN_S = 0.5
"""Current is who has counted everything that was appended up to so long ago: a flush and a look."""

_BEFORE_S, _AFTER_S = 6.0, 16.0
_LOOK_S = 0.02
_PATIENCE_S = 60.0

_REMOVED = re.compile(r"^(\S+) .*Member \S+ in group \S+-compute has failed")
"""What the group's coordinator writes when a member has been silent for too long."""

_OLDEST = text("""
-- oldest: how far behind the partition is that is furthest behind, by the database's clock.
SELECT extract(epoch FROM clock_timestamp() - min(current_to)) FROM positions
""")


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What was measured.

    Attributes:
        detected_s: from the kill to the broker's removing the member.
        current_s: from there until the survivor had counted everything but the last half second.
        ids: how many event ids the survivor had to load.
    """

    detected_s: float
    current_s: float
    ids: int


async def take_over(rig: Rig) -> TakeOver:
    """Kill one of two compute processes under load and see how long its partitions stand still.

    Raises:
        BenchmarkError: a service ended by itself, the survivor never caught up, or an event was lost.
    """
    topic = f"benchmark.takeover.{epoch_us()}"
    await empty(rig.kafka)
    await make_source(rig.kafka, topic)
    async with fresh_database(rig.servers, ten_kpis(FIVE_WINDOWS)) as url:
        engine = open_engine(url, application_name="tidemark-benchmarks")
        told = {
            **environment(rig, database_url=url, source=topic),
            "TIDEMARK_COMPUTE_SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
        }
        try:
            async with fleet(told, logs=rig.logs("takeover")) as processes:
                await processes.start("compute", processes=2)
                await processes.start("ingest")
                return await _measured(rig, processes, engine, topic)
        finally:
            await engine.dispose()


async def _measured(rig: Rig, processes: Fleet, engine: AsyncEngine, topic: str) -> TakeOver:
    ticks = round((_BEFORE_S + SESSION_TIMEOUT_S + _AFTER_S) / TICK_S)
    names = list(islice(probe_ids(PARTITIONS), ticks))
    sending = asyncio.create_task(send(rig.kafka, topic, Schedule(RATE, ticks, 0), names), name="send")
    await asyncio.sleep(_BEFORE_S)
    killed_at = utc_now()
    await processes.kill("compute")
    removed_at = await _removed(kafka_server(rig.servers.home).log, since=killed_at)
    current_at = await _current(engine)
    sent: Sent = await sending
    await until(sent.events, lambda: consumed(engine))
    async with reading(engine) as connection:
        await check_ledger(connection, sent.events)
    return TakeOver(
        detected_s=(removed_at - killed_at).total_seconds(),
        current_s=(current_at - removed_at).total_seconds(),
        ids=round((removed_at - killed_at + timedelta(seconds=_BEFORE_S)).total_seconds() * RATE),
    )


async def _removed(log: Path, *, since: datetime) -> datetime:
    """When the broker removed a member after *since*."""
    until_at = since + timedelta(seconds=_PATIENCE_S)
    while utc_now() < until_at:
        removals = await asyncio.to_thread(_removals, log)
        if removals and removals[-1] >= since:
            return removals[-1]
        await asyncio.sleep(_LOOK_S)
    raise StandstillError("The broker did not remove the killed process from its group.")


def _removals(log: Path) -> list[datetime]:
    lines = log.read_text(errors="replace").splitlines()
    return [_local(found[1]) for line in lines if (found := _REMOVED.search(line)) is not None]


def _local(stamp: str) -> datetime:
    """An instant as the broker's log writes it: the machine's local time."""
    return datetime.fromisoformat(stamp).astimezone().astimezone(UTC)


async def _current(engine: AsyncEngine) -> datetime:
    """When every partition was counted up to a moment ago."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                async with reading(engine) as connection:
                    behind_s = float((await connection.execute(_OLDEST)).scalar_one())
                if behind_s <= CURRENT_WITHIN_S:
                    return utc_now()
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        raise StandstillError("The partitions of the killed process were not taken over.") from None
