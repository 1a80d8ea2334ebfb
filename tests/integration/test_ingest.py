"""Ingest on a real Kafka: everything arrives, whatever is killed; what cannot be used is set aside."""

import asyncio
import json
import signal
from collections.abc import Sequence

import httpx2
import pytest
from prometheus_client import CollectorRegistry

from services.ingest.forwarding import Forwarder, Outlets
from services.ingest.http.intake import BATCH, STRUCTURED
from services.ingest.metrics import Metrics
from services.ingest.settings import IngestSettings
from services.ingest.topics import make_topics
from shared.contracts.topics import EVENTS
from shared.domain.errors import BrokerUnavailableError
from shared.messaging.consumer import open_consumer
from shared.messaging.producer import Outgoing, Producer
from shared.runtime.progress import Progress
from tests.builders import an_envelope, structured
from tests.integration.ingest_rig import Ingest, Place, eventually, ingest

pytestmark = pytest.mark.asyncio


async def scraped(started: Ingest) -> str:
    """What its /metrics say."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{await started.port()}/metrics")).text


async def test_accepted_and_set_aside(kafka: str, unique: str) -> None:
    """Every record of the source topic is either clean or a dead letter, and the metrics say how many."""
    place = Place(kafka, unique)
    bad = [b"no json", None, structured(id="x", source=unique, time="2001-01-01T00:00:00Z")]
    await place.send([*place.events(500), *bad])
    async with ingest(place) as started:
        await place.drained()
        metrics = await scraped(started)

    assert await place.clean() == {str(n): 1 for n in range(500)}
    dead = {(letter.reason, value) for letter, value in await place.dead()}
    assert dead == {("malformed_json", bad[0]), ("empty_record", None), ("time_too_old", bad[2])}
    assert 'tidemark_ingest_events_total{outcome="accepted"} 500.0' in metrics
    assert 'tidemark_ingest_events_total{outcome="dead_lettered"} 3.0' in metrics
    assert 'tidemark_ingest_dead_letters_total{reason="time_too_old"} 1.0' in metrics


async def test_copies_meet(kafka: str, unique: str) -> None:
    """Copies of an event in different partitions of the source have one key and one partition."""
    place = Place(kafka, unique)
    await place.send([structured(id="same", source=unique)] * 4)
    async with ingest(place):
        await place.drained()

    copies = await place.copies()
    assert [event_id for event_id, _ in copies] == ["same"] * 4
    assert len({partition for _, partition in copies}) == 1


async def test_killed_in_the_middle(kafka: str, unique: str) -> None:
    """Kill -9 in the middle of the flow loses nothing: another process sends what was not committed."""
    place = Place(kafka, unique)
    count = 20_000
    await place.send(place.events(count))
    for _ in range(2):
        async with ingest(place, TIDEMARK_INGEST_BATCH_RECORDS="300") as started:
            await started.logged("batch_forwarded", times=3)
            started.process.send_signal(signal.SIGKILL)
            await started.ended()
    left = await place.lag()
    async with ingest(place):
        await place.drained()

    assert 0 < left < count
    assert (await place.clean()).keys() == {str(n) for n in range(count)}


async def test_three_instances(kafka: str, unique: str) -> None:
    """Instances that come and go while events flow lose nothing."""
    place = Place(kafka, unique)
    await place.send(place.events(3_000))
    async with ingest(place, TIDEMARK_INGEST_BATCH_RECORDS="200") as first:
        await first.logged("batch_forwarded")
        async with ingest(place, TIDEMARK_INGEST_BATCH_RECORDS="200") as second, ingest(place) as third:
            await asyncio.gather(second.logged("partitions_assigned"), third.logged("partitions_assigned"))
            await place.send([structured(id=f"more{n}", source=unique) for n in range(3_000)])
            second.process.send_signal(signal.SIGKILL)
            third.process.send_signal(signal.SIGTERM)
            await place.drained()

    expected = {str(n) for n in range(3_000)} | {f"more{n}" for n in range(3_000)}
    assert (await place.clean()).keys() == expected


async def test_sigterm(kafka: str, unique: str) -> None:
    """SIGTERM ends the process in order: what was sent is committed, nothing is sent again."""
    place = Place(kafka, unique)
    await place.send(place.events(5_000))
    async with ingest(place, TIDEMARK_INGEST_BATCH_RECORDS="500") as started:
        await started.logged("batch_forwarded", times=2)
        started.process.send_signal(signal.SIGTERM)
        status = await started.ended()
    async with ingest(place):
        await place.drained()

    assert status == 0
    assert await place.clean() == {str(n): 1 for n in range(5_000)}


class HalfwayProducer(Producer):
    """Sends half of the records and then fails, so often."""

    failures = 2

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Send half of them, or all."""
        if topic == EVENTS and self.failures:
            self.failures -= 1
            await super().send_all(topic, records[: len(records) // 2])
            raise BrokerUnavailableError("told to fail")
        await super().send_all(topic, records)


async def test_failure_in_the_middle_of_a_range(kafka: str, unique: str) -> None:
    """When a send fails half way nothing of the range is committed, and all of it arrives in the end."""
    place = Place(kafka, unique)
    await place.send(place.events(1_000))
    await make_topics(IngestSettings(kafka_bootstrap_servers=kafka), [unique])
    metrics = Metrics.on(CollectorRegistry())
    producer = HalfwayProducer(kafka, client_id="tests")
    progress = Progress(60, metrics.lag_records, metrics.progress_age_s)
    forwarder = Forwarder(Outlets(producer, {}, metrics, progress, 5_000))
    opened = open_consumer(
        kafka,
        group_id=unique,
        topics=[unique],
        client_id="tests",
        auto_offset_reset="earliest",
        on_assigned=forwarder.assigned,
        on_revoked=forwarder.revoked,
    )
    stopping, lags = asyncio.Event(), []
    async with opened as forwarder.consumer:
        running = asyncio.create_task(forwarder.run(stopping))

        async def failures_left() -> int:
            lags.append((await place.lag(), producer.failures))
            return producer.failures

        await eventually(failures_left, lambda left: left == 0)
        await place.drained()
        stopping.set()
        await running
    await producer.close()

    assert {lag for lag, failures in lags if failures} <= {1_000}
    assert (await place.clean()).keys() == {str(n) for n in range(1_000)}


async def test_plain_json(kafka: str, unique: str, tmp_path: object) -> None:
    """Plain JSON becomes events by the mapping that the sources file declares for its topic."""
    place = Place(kafka, unique)
    await place.send([json.dumps({"order": n}).encode() for n in range(3)], headers=())
    file = f"{tmp_path}/sources.yaml"
    lines = [
        "apiVersion: tidemark/v1",
        "kind: Sources",
        "topics:",
        f"- topic: {unique}",
        f"  mapping: {{id: order, source: {{const: {unique}}}, type: {{const: order.placed}}}}",
    ]
    await asyncio.to_thread(_write, file, "\n".join(lines))
    async with ingest(place, TIDEMARK_INGEST_SOURCES_FILE=file):
        await place.drained()

    assert await place.clean() == {"0": 1, "1": 1, "2": 1}


def _write(file: str, text: str) -> None:
    with open(file, "w", encoding="utf-8") as opened:  # noqa: PTH123 - runs in a thread
        opened.write(text)


async def test_http(kafka: str, unique: str) -> None:
    """Events sent by HTTP are in the clean topic when the answer comes; rejected ones are nowhere."""
    place = Place(kafka, unique)
    batch = [an_envelope(id=str(n), source=unique) for n in range(10)] + [an_envelope(id="bad", time="now")]
    async with ingest(place) as started:
        url = f"http://127.0.0.1:{await started.port()}"
        async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
            ready = await eventually(
                lambda: client.get("/readyz"), lambda answer: answer.status_code == 200, within_s=30
            )
            several = await client.post("/v1/events", json=batch, headers={"content-type": BATCH})
            one = await client.post(
                "/v1/events",
                content=structured(id="one", source=unique),
                headers={"content-type": STRUCTURED},
            )
            found = await place.clean()

    assert ready.json()["checks"].keys() == {"kafka", "group", "access", "event_types"}
    assert (several.status_code, one.status_code) == (202, 202)
    assert [each["status"] for each in several.json()["results"]] == ["accepted"] * 10 + ["rejected"]
    assert found == {str(n): 1 for n in range(10)} | {"one": 1}
    assert await place.dead() == []


async def test_kafka_away(unique: str) -> None:
    """Without Kafka the process lives, says that it is not ready, and asks senders to come again."""
    place = Place("127.0.0.1:1", unique)
    async with ingest(place) as started:
        url = f"http://127.0.0.1:{await started.port()}"
        async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            alive, ready = await client.get("/healthz"), await client.get("/readyz")
            refused = await client.post(
                "/v1/events", content=structured(), headers={"content-type": STRUCTURED}
            )
        started.process.send_signal(signal.SIGTERM)
        status = await started.ended()

    assert (alive.status_code, ready.status_code, refused.status_code, status) == (200, 503, 503, 0)
    assert "retry-after" in refused.headers


async def test_sources_file_refused(kafka: str, unique: str, tmp_path: object) -> None:
    """A sources file with a fault keeps the process from starting, and the log says where it is."""
    file = f"{tmp_path}/sources.yaml"
    await asyncio.to_thread(_write, file, "apiVersion: tidemark/v1\nkind: Source\ntopics: []\n")
    async with ingest(Place(kafka, unique), TIDEMARK_INGEST_SOURCES_FILE=file) as started:
        (line,) = await started.logged("sources_refused")
        status = await started.ended()

    assert (status, line["reason"]) == (2, "sources.yaml:2:7: kind is not Sources")
