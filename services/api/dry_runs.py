"""One event judged and measured without being sent: by Postgres, and by the log where it undoes another."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.api.previews import PreviewLog
from shared.contracts.events import CleanEvent, clean_key
from shared.contracts.intake import decode_structured
from shared.contracts.rfc3339 import us_of_text
from shared.domain.calendars import instant_us
from shared.domain.definitions import Catalogue
from shared.domain.definitions.event_types import OnViolation
from shared.domain.event_schemas import EventSchema
from shared.domain.events import Reason, Rejected, out_of_time, partition_of
from shared.messaging.failures import broker_call
from shared.replay.decoding import counted_records, decoded
from shared.replay.dry_runs import Effect, Moves, effect_of, moves
from shared.storage.dry_runs import Fate, fate_of, partition_count
from shared.storage.engine import reading
from shared.storage.replays import KnownUpTo, counted_offsets, stretch
from shared.storage.series import SeriesLimits

QUERY_LIMIT_S = 5.0
"""How long Postgres may take over one event."""

_LOG_LIMIT_S = 20.0
"""How long the event that is undone may be looked for: it lies in a flush that is known."""


class Outcome(StrEnum):
    """What would become of an event."""

    COUNTED = "counted"
    """It is new, whether any KPI takes it or not."""

    REJECTED = "rejected"
    """It breaks a rule."""

    DUPLICATE = "duplicate"
    """It has come before, or is not the first retraction of its event: it changes nothing."""

    CANCELLED = "cancelled"
    """Its retraction has come before it: it never counts."""

    UNDOES = "undoes"
    """It takes back an event that counts."""

    WAITS = "waits"
    """It retracts an event that nobody remembers: the log is searched for it, and it cancels one to come."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would happen.

    Attributes:
        event: as it would be stored; None of one that is refused.
        rejected: why it is refused: a word for programs, a sentence for people.
        undone: the event that a retraction takes back.
        moves: the values that change; None where there are none to look for.
        flagged: what it breaks of the schema of its type, which does not refuse it.
    """

    outcome: Outcome
    event: CleanEvent | None
    rejected: tuple[str, str] | None = None
    undone: CleanEvent | None = None
    moves: Moves | None = None
    flagged: str | None = None


class DryRunner(Protocol):
    """Says what events would do."""

    async def dry_run(
        self, catalogue: Catalogue, value: bytes, *, slugs: Collection[str], now: datetime
    ) -> DryRun:
        """What the event in *value*, a CloudEvent in JSON, would do to the KPIs *slugs* at *now*.

        Raises:
            StoreUnavailableError, BrokerUnavailableError: a door is closed, or it took too long.
            LogLostError: the log no longer holds the event that is undone.
        """


_UNFIT = "value_out_of_range", "a measured value has more digits than 64 bits hold at its scale"
"""Why such an event would end as a dead letter of compute."""


def judged(value: bytes, catalogue: Catalogue, *, now: datetime) -> tuple[CleanEvent | Rejected, str | None]:
    """The event in *value* as ingest would store it at *now*, or why it would refuse it.

    Returns:
        The event or the refusal, and what an event that is accepted breaks of the schema of its type.
    """
    now_us = instant_us(now)
    found = decode_structured(value, timestamp_us=now_us)
    if isinstance(found, Rejected):
        return found, None
    late = out_of_time(now_us - us_of_text(found.time))
    if late is not None or found.retracts is not None:
        return late or found, None
    declared = catalogue.event_types.get(found.type)
    if declared is None or declared.json_schema is None:
        return found, None
    broken = EventSchema(declared.json_schema).broken_by(found.data)
    if broken is None:
        return found, None
    if declared.on_violation is OnViolation.REJECT:
        return Rejected(Reason.SCHEMA_VIOLATION, broken[1]), None
    return found, broken[1]


@dataclass(frozen=True, slots=True)
class DryRuns:
    """Dry runs on a real database and a real log.

    Attributes:
        horizon: how long copies are remembered; as compute has it.
        limits: how many series there may be; as compute has it.
    """

    engine: AsyncEngine
    log: PreviewLog
    horizon: timedelta
    limits: SeriesLimits

    async def dry_run(
        self, catalogue: Catalogue, value: bytes, *, slugs: Collection[str], now: datetime
    ) -> DryRun:
        """What the event in *value*, a CloudEvent in JSON, would do at *now*."""
        event, flagged = await asyncio.to_thread(judged, value, catalogue, now=now)
        if isinstance(event, Rejected):
            return DryRun(Outcome.REJECTED, None, rejected=(event.reason, event.detail))
        if event.retracts is not None:
            return await self._retraction(catalogue, event, slugs=slugs, now=now)
        async with reading(self.engine) as connection, asyncio.timeout(QUERY_LIMIT_S):
            fate = await self._fate(connection, event)
            if fate is not None and fate.seen_in is not None:
                return DryRun(Outcome.DUPLICATE, event)
            if fate is not None and fate.retraction is not None:
                return DryRun(Outcome.CANCELLED, event)
            effect = await effect_of(connection, catalogue, event, limits=self.limits)
            if effect.is_unfit:
                return DryRun(Outcome.REJECTED, event, rejected=_UNFIT)
            found = await moves(connection, catalogue, effect, slugs=slugs, now=now)
            return DryRun(Outcome.COUNTED, event, moves=found, flagged=flagged)

    async def _fate(self, connection: AsyncConnection, event: CleanEvent) -> Fate | None:
        """What is known of the event, or of the one that it retracts; None before anything is counted."""
        count = await partition_count(connection)
        if not count:
            return None
        key = clean_key(event)
        return await fate_of(connection, partition_of(key, count), key, horizon=self.horizon)

    async def _retraction(
        self, catalogue: Catalogue, event: CleanEvent, *, slugs: Collection[str], now: datetime
    ) -> DryRun:
        async with reading(self.engine) as connection, asyncio.timeout(QUERY_LIMIT_S):
            fate = await self._fate(connection, event)
        if fate is not None and fate.retraction is not None:
            return DryRun(Outcome.DUPLICATE, event)
        undone = None if fate is None else await self._counted(event, fate)
        if undone is None:
            return DryRun(Outcome.WAITS, event)
        async with reading(self.engine) as connection, asyncio.timeout(QUERY_LIMIT_S):
            effect: Effect = await effect_of(connection, catalogue, undone, limits=self.limits, sign=-1)
            found = await moves(connection, catalogue, effect, slugs=slugs, now=now)
        return DryRun(Outcome.UNDOES, event, undone=undone, moves=found)

    async def _counted(self, event: CleanEvent, fate: Fate) -> CleanEvent | None:
        """The event that *event* retracts, from the flush that counted it."""
        if fate.seen_in is None:
            return None
        key, (first, until) = clean_key(event), fate.seen_in
        async with reading(self.engine) as connection, asyncio.timeout(QUERY_LIMIT_S):
            known = KnownUpTo(await counted_offsets(connection))
            where = await stretch(connection, fate.partition, first, until, known)
        async with (
            broker_call("looking for the event that is undone", deadline_s=_LOG_LIMIT_S),
            self.log.opened() as log,
        ):
            async for records in log.read(fate.partition, first, until):
                own = [record for record in counted_records(records, where) if record.key == key]
                _, events = decoded(own)
                if events:
                    return events[0]
        return None
