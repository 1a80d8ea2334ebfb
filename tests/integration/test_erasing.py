"""Erasing a subject: every number is as if its events had never been, however it is interrupted."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from services.event_commands import app
from shared.contracts.events import CleanEvent, clean_key
from shared.contracts.topics import EVENTS
from shared.domain.events import partition_of
from shared.messaging.admin import TopicSpec, ensure_topics, topic_retention
from shared.messaging.producer import Outgoing, Producer, open_producer
from shared.messaging.reader import read_topic
from shared.replay.erasing import Search, retractions_of, searched, take_back
from tests.integration.corrections_rig import MemoryLog, corrected
from tests.integration.counting_rig import Counting, counting
from tests.unit.compute.builders import NOW, ARecord, a_record, an_event

PARTITIONS = 2
INSTANTS = (NOW, NOW - timedelta(hours=3), NOW - timedelta(days=2))


def orders() -> list[CleanEvent]:
    """Orders of three customers, some with a name that only looks alike, of the last days."""
    dice = Random(5)  # noqa: S311 - a story, no secret
    subjects = ["anna", "ben", "anna-maria", None, 'an"na']
    return [
        an_event(
            number,
            ago=timedelta(minutes=dice.randrange(5000)),
            subject=subjects[number % 5],
            source=("/shop", "/kiosk")[number % 2],
            data={"price": dice.randrange(100), "shop": dice.choice(["Paris", "anna"]), "channel": "web"},
        )
        for number in range(120)
    ]


class Place:
    """A clean topic of one test, and counting of what lies in it."""

    def __init__(self, kafka: str, topic: str, mine: Counting) -> None:
        self.kafka = kafka
        self.topic = topic
        self._mine = mine
        self._done = dict.fromkeys(range(PARTITIONS), 0)

    async def send(self, events: Sequence[CleanEvent]) -> None:
        """Put *events* into the topic, as ingest does."""
        keys = [clean_key(event) for event in events]
        records = [
            Outgoing(a_record(event).value, key, partition=partition_of(key, PARTITIONS))
            for event, key in zip(events, keys, strict=True)
        ]
        async with open_producer(self.kafka, "tests") as producer:
            await producer.send_all(self.topic, records)

    async def count(self) -> None:
        """Count what is new in the topic and undo what has been retracted."""
        log = await self._log()
        fresh = {p: [r for r in records if r.offset >= self._done[p]] for p, records in log.items()}
        await self._mine.count({p: records for p, records in fresh.items() if records})
        self._done |= {p: records[-1].offset + 1 for p, records in fresh.items() if records}
        await corrected(self._mine, MemoryLog(log))

    async def _log(self) -> dict[int, list[ARecord]]:
        log: dict[int, list[ARecord]] = {partition: [] for partition in range(PARTITIONS)}
        async for batch in read_topic(self.kafka, self.topic):
            for at, records in batch.items():
                log[at.partition] += [ARecord(offset=r.offset, key=r.key, value=r.value) for r in records]
        return log

    async def search(self, subject: str, source: str | None = None) -> Search:
        """What of the subject is in the topic."""
        search = Search(subject, source)
        await searched(self.kafka, self.topic, search, on_read=lambda _: None)
        return search

    async def erase(self, search: Search, producer: Producer, *, most: int | None = None) -> None:
        """Take back what was found, or only the first *most*, as by a command that was killed."""
        found = list(search.events.values())[:most]
        records = retractions_of(found, partitions=PARTITIONS, now_us=round(NOW.timestamp() * 1e6))
        await take_back(producer, self.topic, records, on_sent=lambda _: None)


@asynccontextmanager
async def a_place(
    kafka: str, topic: str, database_url: str
) -> AsyncIterator[tuple[Counting, Place, Producer]]:
    """An empty topic, an empty database, and a way to send."""
    await ensure_topics(kafka, [TopicSpec(topic, PARTITIONS)])
    async with counting(database_url) as mine, open_producer(kafka, "tests") as producer:
        await mine.take_over([0, 1])
        yield mine, Place(kafka, topic, mine), producer


@pytest.mark.asyncio
@pytest.mark.parametrize("source", [None, "/kiosk"])
async def test_as_if_never(kafka: str, unique: str, database_url: str, source: str | None) -> None:
    """Everything of the subject goes, nothing of others, also when a killed command left it half done."""
    came = orders()
    kept = [event for event in came if event.subject != "anna" or source not in (None, event.source)]
    async with a_place(kafka, unique, database_url) as (mine, place, producer):
        await place.send([*came, *came[:30]])
        await place.count()
        search = await place.search("anna", source)
        await place.erase(search, producer, most=5)
        await place.erase(await place.search("anna", source), producer)
        await place.count()

        assert len(search.events) == len(came) - len(kept) > 0
        assert await mine.differences(kept, *INSTANTS) == []


@pytest.mark.asyncio
async def test_names_that_need_care(kafka: str, unique: str, database_url: str) -> None:
    """A name with a quote in it is found, and nobody whose name only contains it."""
    came = orders()
    async with a_place(kafka, unique, database_url) as (_, place, _producer):
        await place.send(came)
        found = {name: len((await place.search(name)).events) for name in ('an"na', "anna", "an", "Paris")}

    assert found == {'an"na': 24, "anna": 24, "an": 0, "Paris": 0}


@pytest.mark.asyncio
async def test_retention_is_told(kafka: str, unique: str) -> None:
    """How long a topic keeps what it has, as it was made; none is told of one that keeps everything."""
    specs = [TopicSpec(f"{unique}-{ms}", 1, config={"retention.ms": ms}) for ms in ("86400000", "-1")]
    await ensure_topics(kafka, specs)

    assert [await topic_retention(kafka, spec.name) for spec in specs] == [timedelta(days=1), None]


def run(kafka: str, database_url: str, *arguments: str) -> Any:
    """What the command prints, as JSON."""
    environment = {"TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": kafka, "TIDEMARK_DATABASE_URL": database_url}
    found = CliRunner(env=environment).invoke(app, ["erase", *arguments, "--json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


async def _counted_name(database_url: str, subject: str) -> None:
    """A series that has the name of the subject."""
    events = [an_event(n, subject=subject, data={"price": 1, "shop": subject}) for n in range(3)]
    async with counting(database_url) as mine:
        await mine.take_over([0])
        await mine.count_events(events)


@pytest.fixture
def subject(kafka: str, unique: str, database_url: str) -> str:
    """Somebody whose name is that of a shop, with three events in the clean topic."""

    async def prepare() -> None:
        await _counted_name(database_url, unique)
        await ensure_topics(kafka, [TopicSpec(EVENTS, 4)])
        events = [an_event(n, subject=unique, source=unique, data={"price": 1}) for n in range(3)]
        async with open_producer(kafka, "tests") as producer:
            records = [Outgoing(a_record(event).value, clean_key(event), partition=0) for event in events]
            await producer.send_all(EVENTS, records)

    asyncio.run(prepare())
    return unique


def test_command(kafka: str, database_url: str, subject: str) -> None:
    """The command says what it found, what it took back, and where the name stands."""
    looked = run(kafka, database_url, "--subject", subject, "--dry-run")
    done = run(kafka, database_url, "--subject", subject, "--yes")
    nobody = run(kafka, database_url, "--subject", f"{subject}-else", "--yes")

    assert (looked["events"], looked["taken_back"]) == (3, 0)
    assert (done["events"], done["taken_back"]) == (3, 3)
    assert (nobody["events"], nobody["taken_back"], nobody["named_series"]) == (0, 0, [])
    assert {"kpi": "orders", "breakdown": ["shop"]} in done["named_series"]


def test_nobody_to_ask(kafka: str, database_url: str) -> None:
    """Where nobody can be asked nothing is done without --yes."""
    environment = {"TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": kafka, "TIDEMARK_DATABASE_URL": database_url}
    found = CliRunner(env=environment).invoke(app, ["erase", "--subject", "anna"])

    assert (found.exit_code, "--yes" in found.output) == (2, True)
