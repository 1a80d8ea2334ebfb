"""Ingest as processes on a real Kafka: start, wait for what they log, look at what they wrote."""

import asyncio
import contextlib
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.deadletters import DeadLetter, read_dead_letter
from shared.contracts.events import clean_decoder
from shared.contracts.topics import DEAD_LETTERS, EVENTS
from shared.messaging.admin import TopicSpec, committed_offsets, ensure_topics, topic_offsets
from shared.messaging.producer import Outgoing, open_producer
from shared.messaging.reader import read_topic
from tests.builders import CLOUDEVENT, structured

PARTITIONS = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A source topic, a group and a source attribute that no other test uses."""

    kafka: str
    name: str

    async def send(
        self, values: Sequence[bytes | None], headers: Sequence[tuple[str, bytes | None]] = (CLOUDEVENT,)
    ) -> None:
        """Put *values* into the source topic, spread over its partitions; make it when it is not there."""
        await ensure_topics(self.kafka, [TopicSpec(self.name, PARTITIONS)])
        async with open_producer(self.kafka, "tests") as producer:
            records = [
                Outgoing(value, b"k", partition=place % PARTITIONS, headers=[*headers])
                for place, value in enumerate(values)
            ]
            await producer.send_all(self.name, records)

    def events(self, count: int) -> list[bytes]:
        """So many good events of this place, with ids from 0."""
        return [structured(id=str(n), source=self.name, data={"n": n}) for n in range(count)]

    async def clean(self) -> Counter[str]:
        """How often each id of this place is in the clean topic."""
        return Counter(event_id for event_id, _ in await self.copies())

    async def copies(self) -> list[tuple[str, int]]:
        """The id and the partition of every clean record of this place."""
        found = []
        async for batch in read_topic(self.kafka, EVENTS, max_records=10_000):
            for at, records in batch.items():
                for record in records:
                    event = clean_decoder.decode(record.value or b"")
                    if event.source == self.name:
                        found.append((event.id, at.partition))
        return found

    async def dead(self) -> list[tuple[DeadLetter, bytes | None]]:
        """The dead letters from this place, with their values."""
        found = []
        async for batch in read_topic(self.kafka, DEAD_LETTERS):
            for records in batch.values():
                for record in records:
                    letter = read_dead_letter(record.headers)
                    if letter is not None and letter.topic == self.name:
                        found.append((letter, record.value))
        return found

    async def lag(self) -> int:
        """Records of the source topic that the group has not committed."""
        ends, committed = (
            await topic_offsets(self.kafka, self.name),
            await committed_offsets(self.kafka, self.name),
        )
        return sum(at.end - committed.get((self.name, number), 0) for number, at in ends.items())

    async def drained(self) -> None:
        """Wait until everything is committed."""
        await eventually(self.lag, lambda lag: lag == 0)


async def eventually(ask: Callable[[], Any], holds: Callable[[Any], bool], *, within_s: float = 60) -> Any:
    """What *ask* says, as soon as it *holds*."""
    said: Any = None
    try:
        async with asyncio.timeout(within_s):
            async for _ in _ticks():
                said = await ask()
                if holds(said):
                    return said
    except TimeoutError:
        raise AssertionError(f"after {within_s:g} s still {said!r}") from None


async def _ticks() -> AsyncIterator[None]:
    while True:
        yield
        await asyncio.sleep(0.1)


@dataclass(slots=True)
class Ingest:
    """One process and what it has logged."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Take its log in until it ends."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            with contextlib.suppress(json.JSONDecodeError):
                self.lines.append(json.loads(line))
            self._news.set()

    async def logged(self, event: str, *, times: int = 1, within_s: float = 60) -> list[dict[str, Any]]:
        """Its lines about *event*, as soon as there are so many."""
        async with asyncio.timeout(within_s):
            while True:
                found = [line for line in self.lines if line.get("event") == event]
                if len(found) >= times:
                    return found
                self._news.clear()
                await self._news.wait()

    async def port(self) -> int:
        """Where it listens."""
        return int((await self.logged("ingest_started"))[0]["port"])

    async def ended(self, *, within_s: float = 20) -> int:
        """Its exit status."""
        async with asyncio.timeout(within_s):
            return await self.process.wait()


@contextlib.asynccontextmanager
async def ingest(place: Place, **variables: str) -> AsyncIterator[Ingest]:
    """A process that reads the source topic of *place*; killed with the block if it is still there."""
    environment = {
        **os.environ,
        "TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": place.kafka,
        "TIDEMARK_INGEST_PORT": "0",
        "TIDEMARK_INSECURE_LOCAL": "true",
        "TIDEMARK_INGEST_SOURCE_TOPICS": place.name,
        "TIDEMARK_INGEST_GROUP_ID": place.name,
        "TIDEMARK_INGEST_SESSION_TIMEOUT_S": "6",
        "TIDEMARK_LOG_FORMAT": "json",
        **variables,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.ingest", env=environment, stderr=asyncio.subprocess.PIPE
    )
    started = Ingest(process)
    listening = asyncio.create_task(started.listen(), name="listen")
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await listening


async def forwarded(place: Place) -> None:
    """Let ingest take everything of *place*."""
    async with ingest(place):
        await place.drained()


async def refused_twice(kafka: str, name: str) -> Place:
    """A source topic from which two of four records were refused, for different reasons."""
    found = Place(kafka, name)
    bad = [b"no json", structured(id="old", source=name, time="2001-01-01T00:00:00Z")]
    await found.send([*found.events(2), *bad])
    await forwarded(found)
    return found
