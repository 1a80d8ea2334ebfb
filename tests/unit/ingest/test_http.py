"""POST /v1/events: what is answered to whom, and that nothing is answered before Kafka has it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from services.ingest import schemas
from services.ingest.http import gate
from services.ingest.http.app import make_app
from services.ingest.http.bodies import MAX_BODY_BYTES
from services.ingest.http.gate import Gate
from services.ingest.http.intake import BATCH, MAX_BATCH, STRUCTURED, Intake
from services.ingest.metrics import Metrics
from services.ingest.observing import Observer
from services.ingest.schemas import Schemas, TypeRule
from shared.access.doors import OpenDoor
from shared.contracts.events import clean_decoder
from shared.contracts.topics import EVENTS
from shared.domain.event_schemas import EventSchema
from tests.builders import an_envelope, an_event, structured
from tests.unit.ingest.fakes import FakeProducer

pytestmark = pytest.mark.asyncio


class World:
    """The application on a producer in memory, and a client."""

    def __init__(self) -> None:
        self.producer = FakeProducer()
        self.registry = CollectorRegistry()
        self.schemas = Schemas.settled({})
        intake = Intake(Gate(self.producer), Metrics.on(self.registry), Observer(), self.schemas)
        app = make_app(intake, door=OpenDoor(), probes={}, registry=self.registry)
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://ingest")

    async def post(self, content: Any, kind: str = STRUCTURED, **headers: str) -> httpx2.Response:
        """The answer to a body of *kind*."""
        sent = {"content-type": kind} | {name.replace("_", "-"): text for name, text in headers.items()}
        return await self.client.post("/v1/events", content=content, headers=sent)

    def stored(self) -> list[Any]:
        """The events that Kafka has."""
        return [clean_decoder.decode(record.value or b"") for record in self.producer.sent.get(EVENTS, [])]

    def count(self, outcome: str) -> float | None:
        """How many events were counted with *outcome*."""
        return self.registry.get_sample_value("tidemark_ingest_http_events_total", {"outcome": outcome})


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    """A world of the test's own."""
    found = World()
    async with found.client:
        yield found


async def test_one(world: World) -> None:
    """One structured event is stored and answered with its id."""
    answer = await world.post(structured())

    assert (answer.status_code, answer.json()) == (202, {"results": [{"id": "AA1", "status": "accepted"}]})
    assert world.stored() == [an_event()]
    assert world.count("accepted") == 1


async def test_binary(world: World) -> None:
    """The attributes may come in headers, percent-encoded and quoted as the HTTP binding says."""
    answer = await world.post(
        b'{"carrier": "AA", "delay": 5}',
        "application/json",
        ce_specversion="1.0",
        ce_id="AA1",
        ce_source="/flights",
        ce_type="flight.departed",
        ce_time="2026-11-01T10:15:00Z",
        ce_subject='"Z%C3%BCrich \\"HB\\""',
    )

    assert answer.status_code == 202
    assert world.stored() == [an_event(subject='Zürich "HB"')]


async def test_batch(world: World) -> None:
    """Every event of a batch has its own result, in the order of the batch."""
    batch = [an_envelope(id="1"), an_envelope(id="2", time="yesterday"), {"id": 3}, an_envelope(id="4")]
    answer = await world.post(json.dumps(batch), BATCH)

    assert answer.status_code == 202
    results = [(each["id"], each["status"], each.get("reason")) for each in answer.json()["results"]]
    assert results == [
        ("1", "accepted", None),
        ("2", "rejected", "invalid_time"),
        (None, "rejected", "unsupported_specversion"),
        ("4", "accepted", None),
    ]
    assert [event.id for event in world.stored()] == ["1", "4"]
    assert (world.count("accepted"), world.count("rejected")) == (2, 2)


async def test_empty_batch(world: World) -> None:
    """A batch of nothing is accepted as that."""
    answer = await world.post(b"[]", BATCH)

    assert (answer.status_code, answer.json()) == (202, {"results": []})


@pytest.mark.parametrize(
    ("content", "kind", "status", "slug"),
    [
        (b"{", STRUCTURED, 400, "malformed-body"),
        (b"\xff", STRUCTURED, 400, "malformed-body"),
        (b"", STRUCTURED, 400, "malformed-body"),
        (b"{}", BATCH, 400, "malformed-body"),
        (b'[{"id":1}', BATCH, 400, "malformed-body"),
        (b"[" * 100_000, BATCH, 400, "malformed-body"),
        (structured(id=None), STRUCTURED, 422, "rejected-events"),
        (json.dumps([{"id": "1"}, {}]).encode(), BATCH, 422, "rejected-events"),
        (structured(data={"x": "y" * 70_000}), STRUCTURED, 413, "body-too-large"),
        (json.dumps([{}] * (MAX_BATCH + 1)).encode(), BATCH, 413, "body-too-large"),
        (b"x" * (MAX_BODY_BYTES + 1), STRUCTURED, 413, "body-too-large"),
        (b"{}", "application/json", 415, "unsupported-media-type"),
        (b"{}", "application/cloudevents+avro", 415, "unsupported-media-type"),
    ],
)
async def test_problems(world: World, content: bytes, kind: str, status: int, slug: str) -> None:
    """What cannot be taken is answered with a problem of its own kind, and nothing is stored."""
    answer = await world.post(content, kind)

    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, body["status"], body["type"]) == (
        status,
        status,
        f"urn:tidemark:problem:{slug}",
    )
    assert world.stored() == []


@pytest.mark.parametrize("step", [0, 1])
async def test_batch_limit(world: World, step: int) -> None:
    """A thousand events are accepted in one request, one more is not."""
    batch = [an_envelope(id=str(n), data={}) for n in range(MAX_BATCH + step)]
    answer = await world.post(json.dumps(batch), BATCH)

    assert answer.status_code == (413 if step else 202)


async def test_body_is_counted(world: World) -> None:
    """A body that does not say its length is counted while it arrives."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(2 * MAX_BODY_BYTES // 65536):
            yield b" " * 65536

    answer = await world.post(chunks())

    assert answer.status_code == 413


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/events", 405), ("GET", "/nowhere", 404)])
async def test_other_requests(world: World, method: str, path: str, status: int) -> None:
    """What is not there is a problem too."""
    answer = await world.client.request(method, path)

    assert (answer.status_code, answer.json()["status"], answer.json()["instance"]) == (status, status, path)


async def test_kafka_away(world: World) -> None:
    """When Kafka does not acknowledge, the sender is told to try again, and when."""
    world.producer.failures = 1
    answer = await world.post(structured())

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:tidemark:problem:kafka-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert (world.count("accepted"), world.count("unavailable")) == (0, 1)


async def test_a_fault_of_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that nobody expected is a problem that tells nothing of our insides."""

    async def broken(*_: object) -> int:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(world.producer, "partitions", broken)
    answer = await world.post(structured())

    assert (answer.status_code, "secret" in answer.text) == (500, False)


async def test_answer_waits_for_kafka(world: World) -> None:
    """No answer is given before Kafka has acknowledged; requests that wait together are sent together."""
    world.producer.held = asyncio.Event()
    waiting = [asyncio.create_task(world.post(structured(id=str(n)))) for n in range(5)]
    done, _ = await asyncio.wait(waiting, timeout=0.05)
    early = len(done)
    world.producer.held.set()
    answers = await asyncio.gather(*waiting)

    assert (early, [answer.status_code for answer in answers]) == (0, [202] * 5)
    assert sorted(event.id for event in world.stored()) == ["0", "1", "2", "3", "4"]


async def test_too_many_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """When Kafka is slower than the senders, they are asked to come back; those before them are served."""
    monkeypatch.setattr(gate, "MAX_WAITING_RECORDS", 2)
    world.producer.held = asyncio.Event()
    waiting = []
    for n in range(4):
        # The first is being sent, two wait, and that is enough.
        waiting.append(asyncio.create_task(world.post(structured(id=str(n)))))
        await asyncio.wait(waiting, timeout=0.02)
    early = [task.done() for task in waiting]
    world.producer.held.set()
    answers = await asyncio.gather(*waiting)

    assert early == [False, False, False, True]
    assert sorted(answer.status_code for answer in answers) == [202, 202, 202, 503]


async def test_sender_gone(world: World) -> None:
    """A sender that leaves while it waits takes nobody else with it."""
    world.producer.held = asyncio.Event()
    leaving, staying = (asyncio.create_task(world.post(structured(id=name))) for name in ("left", "stayed"))
    await asyncio.wait([leaving, staying], timeout=0.05)
    leaving.cancel()
    world.producer.held.set()

    assert (await staying).status_code == 202


async def test_schema() -> None:
    """An event that breaks the schema of its type is refused with field and rule; others are taken."""
    world = World()
    schema = EventSchema({"properties": {"delay": {"type": "integer", "minimum": 0}}})
    world.schemas.rules = {"flight.departed": TypeRule(schema, rejects=True, personal=())}
    bad, good = an_envelope(data={"delay": -5}), an_envelope(id="2", data={"delay": 5})
    one = await world.post(json.dumps(bad))
    both = (await world.post(json.dumps([bad, good]), BATCH)).json()

    assert one.status_code == 422
    assert one.json()["detail"] == (
        "data.delay breaks the rule minimum of the schema of its type:"
        " the value is less than the minimum of 0"
    )
    assert [(result["status"], result.get("reason")) for result in both["results"]] == [
        ("rejected", "schema_violation"),
        ("accepted", None),
    ]
    assert [clean_decoder.decode(record.value or b"").id for record in world.producer.sent[EVENTS]] == ["2"]


async def test_schemas_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before what is declared was read, nothing is taken: senders are asked to come back."""
    monkeypatch.setattr(schemas, "SOON_S", 0.01)
    world = World()
    world.schemas._known.clear()
    answer = await world.post(json.dumps(an_envelope()))

    assert answer.status_code == 503
    assert world.producer.sent == {}
