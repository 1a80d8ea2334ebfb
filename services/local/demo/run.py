"""The demo from end to end: servers, catalogue, services, events, judgement; it draws nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from services.local import stack
from services.local.demo import shop
from services.local.demo.asking import asking
from services.local.demo.catalogue import apply_files
from services.local.demo.environment import environment, services
from services.local.demo.failures import NotEmptyError
from services.local.demo.fleet import Fleet, Service, running
from services.local.demo.flights import archive, events, flights
from services.local.demo.goals import Checked, check, explain
from services.local.demo.judging import Expected, Judged, judge
from services.local.demo.oracle import Question, second_opinion
from services.local.demo.places import Places, places, sole_demo
from services.local.demo.receiver import Receiver, receiving
from services.local.demo.reports import FIRES, Outcome
from services.local.demo.screens import Screen
from services.local.demo.streaming import Flow, stream
from services.local.ports import free_port
from shared.contracts import topics
from shared.messaging.admin import TopicSpec, ensure_topics, topic_offsets
from shared.messaging.producer import open_producer
from shared.runtime.clock import utc_now
from shared.runtime.local_addresses import LocalAddresses, default_home
from shared.storage.engine import open_engine, reading
from shared.storage.ledger import Ledger, ledger
from shared.storage.schema import upgrade

SOURCE_PARTITIONS = 4

ALERT_WITHIN_S = 30.0
"""An alert is due after the rule's 2 s, an evaluation and a delivery; the rest is for a busy machine."""

SERIES_WINDOW = "24h"
"""The window in which every series is compared; totals are compared in every window."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person at the keyboard can choose.

    Attributes:
        last: only so many flights, those at the end of the year; None is all.
        days: only so many days of the shop, those at the end.
        keeps_servers: Kafka and PostgreSQL stay up at the end.
    """

    last: int | None = None
    days: int = shop.DAYS
    keeps_servers: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """What is up while the demo runs."""

    places: Places
    addresses: LocalAddresses
    engine: AsyncEngine
    receiver: Receiver
    services: Sequence[Service]
    fleet: Fleet

    def url(self, name: str) -> str:
        """The address of a service."""
        return next(service.url for service in self.services if service.name == name)


async def run(
    options: Options, *, screen: Screen, show: Callable[[Stage, Outcome], None], stay: asyncio.Event | None
) -> Outcome:
    """Do it all, *show* the outcome, and leave everything up until *stay* is set when there is one.

    Raises:
        LocalStackError: something could not be started, ended, or took too long.
    """
    where = places(default_home())
    with sole_demo(where):
        async with _staged(where, options, screen) as stage:
            screen.say(f"reading the flights of 2013 and making up {options.days} days of a shop")
            found = await asyncio.to_thread(_told, options, utc_now())
            return await stage.fleet.unless_one_dies(_played(stage, found, screen, show, stay))


def _told(options: Options, ending_at: datetime) -> Sequence[tuple[bytes, bytes]]:
    """Keys and events of both stories, that of the shop first: it has what comes late and twice."""
    found = flights(archive(), last=options.last)
    return [
        *shop.events(ending_at=ending_at, days=options.days),
        *events(found, ending_at=ending_at),
    ]


@contextlib.asynccontextmanager
async def _staged(where: Places, options: Options, screen: Screen) -> AsyncIterator[Stage]:
    """Everything the events will meet, opened in order and closed in reverse."""
    async with contextlib.AsyncExitStack() as doors:
        addresses = await doors.enter_async_context(_servers(where.stack, options, screen))
        engine = open_engine(addresses.database_url, application_name="tidemark-demo")
        doors.push_async_callback(engine.dispose)
        await _prepared(engine, addresses.kafka_bootstrap_servers, where.files)
        receiver = await doors.enter_async_context(receiving(await free_port()))
        three = await services(where.logs)
        told = environment(three, addresses=addresses, topic=topics.DEFAULT_SOURCE, receiver=receiver)
        screen.say(f"starting {', '.join(service.name for service in three)}; logs in {where.logs}")
        fleet = await doors.enter_async_context(running(three, told))
        await fleet.unless_one_dies(fleet.ready())
        yield Stage(where, addresses, engine, receiver, three, fleet)


@contextlib.asynccontextmanager
async def _servers(home: Path, options: Options, screen: Screen) -> AsyncIterator[LocalAddresses]:
    """A Kafka and a PostgreSQL without a past: numbers are those of this run alone.

    After a failure their data and logs stay for whoever looks into it, until the next run.
    """
    await stack.erase(home)
    leave = stack.down
    try:
        yield await stack.up(home, progress=screen.say)
        leave = stack.erase
    finally:
        if options.keeps_servers:
            screen.say(f"Kafka and PostgreSQL stay up until: TIDEMARK_HOME={home} tidemark local down")
        else:
            await leave(home, progress=screen.say)


async def _prepared(engine: AsyncEngine, bootstrap_servers: str, files: Sequence[Path]) -> None:
    """Make schema, source topic and catalogue, on servers that hold nothing yet.

    Raises:
        NotEmptyError: they do; the demo's numbers would be mixed with others.
    """
    for topic in (topics.EVENTS, topics.DEFAULT_SOURCE):
        if any(held.end for held in (await topic_offsets(bootstrap_servers, topic)).values()):
            raise NotEmptyError(f"{topic} at {bootstrap_servers} has events in it.")
    await upgrade(engine)
    if (await _ledger(engine)).consumed:
        raise NotEmptyError("The database has counted events before.")
    await apply_files(engine, files)
    await ensure_topics(bootstrap_servers, [TopicSpec(topics.DEFAULT_SOURCE, SOURCE_PARTITIONS)])


async def _played(
    stage: Stage,
    found: Sequence[tuple[bytes, bytes]],
    screen: Screen,
    show: Callable[[Stage, Outcome], None],
    stay: asyncio.Event | None,
) -> Outcome:
    flow = await _streamed(stage, found, screen)
    at = utc_now()
    screen.say(f"asking the API and the oracle at {at:%Y-%m-%d %H:%M:%S} UTC")
    judged, checked = await _judged(stage, at)
    screen.say("waiting for the alert")
    await stage.receiver.received(FIRES, timeout_s=ALERT_WITHIN_S)
    outcome = Outcome(flow, judged, checked, stage.receiver.firing())
    show(stage, outcome)
    if stay is not None:
        await stay.wait()
    return outcome


async def _streamed(stage: Stage, found: Sequence[tuple[bytes, bytes]], screen: Screen) -> Flow:
    servers = stage.addresses.kafka_bootstrap_servers
    async with open_producer(servers, "tidemark-demo") as producer:
        with screen.bars(len(found)) as bars:
            return await stream(
                producer,
                topics.DEFAULT_SOURCE,
                found,
                ledger=lambda: _ledger(stage.engine),
                on_sent=bars.on_sent,
                on_counted=bars.on_counted,
            )


async def _ledger(engine: AsyncEngine) -> Ledger:
    async with reading(engine) as connection:
        return await ledger(connection)


async def _judged(stage: Stage, at: datetime) -> tuple[list[Judged], list[Checked]]:
    """Values at *at*, and goals as of the last full hour, from which on no pane is cut."""
    goals_at = at.replace(minute=0, second=0, microsecond=0)
    values, goals = await second_opinion(
        Question(
            source_tree=stage.places.source_tree,
            kpis=stage.places.files,
            bootstrap_servers=stage.addresses.kafka_bootstrap_servers,
            topic=topics.DEFAULT_SOURCE,
            at=at,
            goals_at=goals_at,
        )
    )
    async with asking(stage.url("api")) as api:
        judged = await judge(api, [one for one in values if _is_compared(one)], at=at)
        checked = await check(api, goals, at=goals_at)
        return judged, [*checked, *await explain(api, goals, at=goals_at)]


def _is_compared(one: Expected) -> bool:
    return not one.dimensions or one.window == SERIES_WINDOW
