"""A world for alerts on a real database: rules and values by script, and a look at what was written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.api.alerting.evaluator import Evaluator
from services.api.alerting.leases import Shards
from services.api.alerting.metrics import AlertMetrics
from shared.domain.alerts import AlertRule
from shared.domain.readings import Reading
from shared.storage.engine import transaction
from tests.unit.domain.alert_builders import NOON, a_reading

CHANNELS = ("topic", "webhook")


@dataclass(slots=True)
class World:
    """Rules, and the values they see; the time stands still until a test moves it."""

    rules: Sequence[AlertRule]
    now: datetime = NOON
    values: dict[str, int | None] = field(default_factory=dict)

    async def current(self, _: AsyncConnection) -> "World":
        """The rules do not depend on the snapshot."""
        return self

    async def readings(self, _: AsyncConnection, rule: AlertRule, *, now: datetime) -> Sequence[Reading]:
        """One reading of the total, or one for each carrier that is known."""
        assert now == self.now
        if not rule.breakdown:
            return [a_reading(self.values[rule.name])]
        return [a_reading(value, dimensions={"carrier": name}) for name, value in self.values.items()]

    async def instant(self, _: AsyncConnection) -> datetime:
        """The time of this world."""
        return self.now


def metrics() -> AlertMetrics:
    """Metrics on a registry of their own."""
    return AlertMetrics.on(CollectorRegistry(), channels=CHANNELS)


def an_evaluator(
    engine: AsyncEngine, world: World, name: str, *, lasting_s: float = 60, shown: AlertMetrics | None = None
) -> Evaluator:
    """An evaluator of *world* called *name*, whose leases last so long."""
    return Evaluator(
        engine,
        world,
        shards=Shards(engine, holder=name, lasting=timedelta(seconds=lasting_s)),
        channels=CHANNELS,
        interval_s=0.05,
        metrics=shown or metrics(),
        now=world.instant,
    )


async def rows(engine: AsyncEngine, query: str, **parameters: object) -> list[tuple[Any, ...]]:
    """What *query* says, in a transaction of its own."""
    async with transaction(engine) as conn:
        found = await conn.execute(text(query), parameters)
        return [tuple(row) for row in found] if found.returns_rows else []


async def transitions(engine: AsyncEngine) -> Mapping[str, list[tuple[int, str, str, datetime]]]:
    """The transitions of every rule, in order: number, from, to, when."""
    found: dict[str, list[tuple[int, str, str, datetime]]] = {}
    query = """
        SELECT a.rule, t.transition, t.from_state, t.to_state, t.at
        FROM alert_transitions t JOIN alerts a USING (alert_id) ORDER BY a.rule, t.transition
    """
    for rule, *transition in await rows(engine, query):
        number, before, after, at = transition
        found.setdefault(rule, []).append((number, before, after, at))
    return found


async def queued(engine: AsyncEngine, channel: str = "webhook") -> list[tuple[Any, ...]]:
    """Rule, number and word of every notice on *channel*, by rule and number."""
    return await rows(
        engine,
        """
        SELECT payload::json -> 'data' ->> 'rule', transition, payload::json -> 'data' ->> 'state'
        FROM outbox WHERE channel = :channel ORDER BY 1, 2
        """,
        channel=channel,
    )
