"""What ingest sees of event types reaches the API: counted once, fresh, and with nothing of persons in it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx2
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from services.api.app import create_app
from services.api.catalogue_cache import CatalogueCache
from services.api.composition import opened_database, state_on
from services.api.declaring import Declarations
from services.api.observing import Observations
from services.api.settings import ApiSettings
from services.catalogue import app as kpi_app
from services.event_commands import app
from shared.contracts.observations import OTHERS, encode_observation
from shared.contracts.topics import OBSERVATIONS
from shared.domain.definitions.event_types import EventType, OnViolation
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.observations.types import MAX_TYPES, Observed, sampled
from shared.messaging.admin import TopicSpec, ensure_topics
from shared.messaging.producer import Outgoing, open_producer
from shared.storage import observation_news, observations
from shared.storage.definitions import apply_changes
from shared.storage.engine import reading, transaction
from shared.storage.observation_news import MovedOnError, News
from tests.builders import ARecord, structured
from tests.integration.ingest_rig import Ingest, Place, eventually, ingest
from tests.unit.api.builders import a_kpi
from tests.unit.compute.builders import NOW

pytestmark = pytest.mark.asyncio


@dataclass(frozen=True, slots=True)
class World:
    """A database and a client of the API on it, at NOW unless told otherwise."""

    engine: AsyncEngine
    client: httpx2.AsyncClient
    catalogue: CatalogueCache

    async def add(self, *news: News, since: int = 0, others: int = 0) -> None:
        """Put *news* in, one record each."""
        async with transaction(self.engine) as connection:
            await observation_news.add(
                connection, news, since=since, until=since + len(news), others=others, personal={}
            )


@contextlib.asynccontextmanager
async def a_world(database_url: str, *, now: datetime | None = NOW) -> AsyncIterator[World]:
    """The real application on a real database."""
    settings = ApiSettings.model_validate({"database_url": database_url, "insecure_local": True})
    async with opened_database(settings) as engine:
        state = state_on(engine, settings, registry=CollectorRegistry())
        if now is not None:
            fixed = now
            state = replace(state, clock=lambda: fixed)
        transport = httpx2.ASGITransport(app=create_app(state))
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            yield World(engine, client, state.catalogue)


def some(documents: Sequence[dict[str, object]], *, events: int = 0) -> Observed:
    """What *documents* and *events* others come to."""
    return replace(sampled(documents, declared=(), most_values=10**6), events=len(documents) + events)


async def test_from_a_sender_to_the_api(kafka: str, database_url: str, unique: str) -> None:
    """Events by Kafka and by HTTP are told by the API within seconds: counts, fields, masked examples."""
    place = Place(kafka, unique)
    data = [
        {"amount": n / 4, "status": "paid" if n % 2 else "open", "email": f"p{n}@example.org"}
        for n in range(40)
    ]
    await place.send([structured(id=str(n), source=unique, type=unique, data=data[n]) for n in range(30)])
    async with ingest(place) as started, a_world(database_url, now=None) as world:
        stopping, observations_job = asyncio.Event(), Observations(world.engine, kafka, world.catalogue)
        job = asyncio.create_task(observations_job.run(stopping), name="observations")
        async with httpx2.AsyncClient(trust_env=False) as sender:
            for n in range(30, 40):
                await sender.post(
                    f"http://127.0.0.1:{await started.port()}/v1/events",
                    content=structured(id=str(n), source=unique, type=unique, data=data[n]),
                    headers={"content-type": "application/cloudevents+json"},
                )
        await place.drained()
        drained_at = datetime.now(UTC)  # noqa: TID251 - how long people wait is what is tested

        async def body() -> dict[str, object]:
            found: dict[str, object] = (await world.client.get(f"/v1/event-types/{unique}")).json()
            return found

        found = await eventually(body, lambda found: found.get("events") == 40, within_s=30)
        took = datetime.now(UTC) - drained_at  # noqa: TID251
        stopping.set()
        await job

    fields = {field["path"]: field for field in found["fields"]}
    assert took < timedelta(seconds=10)
    assert found["rates"]["minute"]["events"] == 40
    assert (fields["data.amount"]["decimals"], fields["data.amount"]["share"]) == (2, 1)
    assert sorted(fields["data.status"]["examples"]) == ["open", "paid"]
    assert fields["data.status"]["distinct"] == 2
    assert fields["data.email"]["examples"] == ["p***@***"]
    assert (fields["data.email"]["personal"], fields["data.email"]["distinct"]) == (True, None)
    assert "example.org" not in str(found)


async def test_several_processes(database_url: str) -> None:
    """Summaries of several processes add up: counts, different values, smallest and largest."""
    async with a_world(database_url) as world:
        one = some([{"n": n, "kind": "a"} for n in range(1000)])
        other = some([{"n": n, "kind": "b"} for n in range(500, 1500)], events=7)
        await world.add(News("order", one, NOW), News("order", other, NOW))
        body = (await world.client.get("/v1/event-types/order")).json()
    fields = {field["path"]: field for field in body["fields"]}

    assert (body["events"], body["sampled"]) == (2007, 2000)
    assert (fields["data.n"]["min"], fields["data.n"]["max"]) == (0, 1499)
    assert fields["data.n"]["distinct"] == pytest.approx(1500, rel=0.025)
    assert fields["data.kind"]["distinct"] == 2


async def test_put_in_once(database_url: str) -> None:
    """Two APIs that read the same summaries put them in once."""
    records = [
        ARecord(encode_observation("order", Observed(events=5), until_us=0), offset=0),
        ARecord(encode_observation(OTHERS, Observed(events=3), until_us=0), offset=1),
        ARecord(b"of another release", offset=2),
        ARecord(encode_observation("order", Observed(events=2), until_us=0), offset=3),
    ]
    async with a_world(database_url) as world:
        jobs = [Observations(world.engine, "", world.catalogue) for _ in range(2)]
        await asyncio.gather(*(job.put_in(records) for job in jobs))
        await jobs[0].put_in(records[2:])
        await jobs[1].put_in([ARecord(encode_observation("order", Observed(events=1), until_us=0), offset=4)])
        listing = (await world.client.get("/v1/event-types")).json()

    assert [item["events"] for item in listing["items"]] == [8]
    assert listing["other_events"] == 3


async def test_moved_on(database_url: str) -> None:
    """Summaries that are not next are refused whole."""
    async with a_world(database_url) as world:
        await world.add(News("order", Observed(events=1), NOW))
        with pytest.raises(MovedOnError):
            await world.add(News("order", Observed(events=1), NOW))
        async with reading(world.engine) as connection:
            found = await observations.seen(connection)

    assert [each.observed.events for each in found] == [1]


async def test_rates(database_url: str) -> None:
    """A minute, an hour and a day are told, each with its begin; what is older is forgotten."""
    ages = {
        timedelta(seconds=20): 1,
        timedelta(minutes=20): 10,
        timedelta(hours=20): 100,
        timedelta(days=3): 1000,
    }
    async with a_world(database_url) as world:
        for place, (age, events) in enumerate(reversed(ages.items())):
            await world.add(News("order", Observed(events=events), NOW - age), since=place)
        body = (await world.client.get("/v1/event-types")).json()["items"][0]
        async with reading(world.engine) as connection:
            left = (await connection.execute(text("SELECT count(*) FROM observed_rates"))).scalar_one()

    assert {name: each["events"] for name, each in body["rates"].items()} == {
        "minute": 1,
        "hour": 11,
        "day": 111,
    }
    assert body["events"] == 1111
    # Of 20 s ago all three rungs, of 20 min ago two, of 20 h ago the last.
    assert left == 6


async def test_room_for_types(database_url: str) -> None:
    """Beyond 500 types, events are only counted, and the listing says how many."""
    async with a_world(database_url) as world:
        news = [News(f"t{n:04}", Observed(events=1), NOW) for n in range(MAX_TYPES + 5)]
        await world.add(*news, others=10)
        first = (await world.client.get("/v1/event-types", params={"limit": 500})).json()

    assert (len(first["items"]), first["other_events"]) == (MAX_TYPES, 15)


async def test_declared_personal_later(database_url: str) -> None:
    """When a field is declared personal, what was kept of it goes with the next summary."""
    async with a_world(database_url) as world:
        await world.add(News("order", some([{"ticket": "X1234"}, {"ticket": "X1235"}]), NOW))
        async with transaction(world.engine) as connection:
            news = [News("order", some([{"ticket": "X9"}]), NOW)]
            await observation_news.add(
                connection, news, since=1, until=2, others=0, personal={"order": ["ticket"]}
            )
        async with world.engine.connect() as connection:
            kept = (
                await connection.execute(text("SELECT CAST(fields AS text) FROM observed_types"))
            ).scalar_one()
            sketches = (await connection.execute(text("SELECT count(*) FROM observed_values"))).scalar_one()

    assert "X123" not in kept
    assert "X9" not in kept
    assert sketches == 0


async def test_kpis_and_pages(database_url: str) -> None:
    """A type names the KPIs that count it; the listing has pages, and a type that is not there a problem."""
    kpi = a_kpi(slug="orders", event_type="order/placed", breakdowns=[], target=None)
    async with a_world(database_url) as world:
        async with transaction(world.engine) as connection:
            await apply_changes(connection, [kpi], NOW)
        await world.add(News("order/placed", Observed(events=1), NOW), News("visit", Observed(events=1), NOW))
        one = (await world.client.get("/v1/event-types/order%2Fplaced")).json()
        first = (await world.client.get("/v1/event-types", params={"limit": 1})).json()
        second = (
            await world.client.get("/v1/event-types", params={"limit": 1, "cursor": first["next_cursor"]})
        ).json()
        answered = await world.client.get("/v1/event-types/visit")
        again = await world.client.get(
            "/v1/event-types/visit", headers={"If-None-Match": answered.headers["etag"]}
        )
        missing = await world.client.get("/v1/event-types/nothing")

    assert one["kpis"] == ["orders"]
    assert [first["items"][0]["type"], second["items"][0]["type"]] == ["order/placed", "visit"]
    assert second["next_cursor"] is None
    assert again.status_code == 304
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:tidemark:problem:unknown-event-type")


async def test_declared(database_url: str) -> None:
    """A declared type is listed before it was ever seen; what it calls personal is masked at once."""
    declared = EventType.model_validate(
        {"type": "order", "description": "When somebody buys.", "owner": "shop", "personal": ["ticket"]}
    )
    async with a_world(database_url) as world:
        await world.add(News("visit", some([{"ticket": "X1234"}]), NOW))
        async with transaction(world.engine) as connection:
            await apply_changes(connection, [declared, declared.model_copy(update={"type": "visit"})], NOW)
        listing = (await world.client.get("/v1/event-types")).json()["items"]
        unseen = (await world.client.get("/v1/event-types/order")).json()
        seen = (await world.client.get("/v1/event-types/visit")).json()

    assert [(item["type"], item["declared"], item["events"]) for item in listing] == [
        ("order", True, 0),
        ("visit", True, 1),
    ]
    assert (unseen["owner"], unseen["last_seen_at"], unseen["fields"]) == ("shop", None, [])
    assert (seen["fields"][0]["personal"], seen["fields"][0]["examples"]) == (True, ["X***"])


async def test_command(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`tidemark events types` shows the types, and of one type the fields."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", database_url)
    async with a_world(database_url) as world:
        await world.add(News("order", some([{"amount": Decimal("12.50"), "email": "p@example.org"}]), NOW))

    async def run(*arguments: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["types", *arguments])
        return result.exit_code, result.output

    listed, one, missing = await run("--json"), await run("order", "--json"), await run("nothing")
    table = (await run())[1] + (await run("order"))[1]
    fields = {field["path"]: field for field in json.loads(one[1])[0]["fields"]}

    assert [item["type"] for item in json.loads(listed[1])] == ["order"]
    assert (fields["data.amount"]["max"], fields["data.email"]["examples"]) == ("12.50", ["p***@***"])
    assert missing == (1, "no event of the type 'nothing' was seen\n")
    assert "data.amount" in table
    assert "example.org" not in table


@dataclass(frozen=True, slots=True)
class Telling:
    """The jobs of an API beside a world."""

    world: World
    kafka: str

    async def apply(self, *declared: EventType) -> None:
        """Put *declared*, and nothing else, in force and tell ingest."""
        async with transaction(self.world.engine) as connection:
            await apply_changes(connection, declared, NOW, prune=True)
        async with open_producer(self.kafka, "tests") as producer:
            job = Declarations(self.world.engine, producer, self.kafka, self.world.catalogue)
            await job.tell()


async def test_schema_at_ingest(kafka: str, database_url: str, unique: str) -> None:
    """A schema holds in every process from its start on; flagged events pass, and an end of it is learnt."""
    place = Place(kafka, unique)
    schema = {"properties": {"n": {"type": "integer", "minimum": 0}}}
    rejecting = EventType.model_validate({"type": unique, "owner": "me", "schema": schema})
    flagging = rejecting.model_copy(update={"on_violation": OnViolation.FLAG})

    async def send(name: str) -> None:
        await place.send(
            [structured(id=f"{name}{n}", source=unique, type=unique, data={"n": n}) for n in (-1, 1)]
        )

    async with a_world(database_url) as world:
        telling = Telling(world, kafka)
        async with ingest(place) as started:
            await started.logged("partitions_assigned")
            await telling.apply(rejecting)
        await send("rejected")
        # No API runs here, and the catalogue could be away: a new process knows the schema all the same.
        async with ingest(place) as started:
            await place.drained()
            async with httpx2.AsyncClient(trust_env=False) as sender:
                refused = await sender.post(
                    f"http://127.0.0.1:{await started.port()}/v1/events",
                    content=structured(id="http", source=unique, type=unique, data={"n": -1}),
                    headers={"content-type": "application/cloudevents+json"},
                )
            await telling.apply(flagging)
            await started.logged("event_types_changed", times=2)
            await send("flagged")
            await place.drained()
            metrics = (await httpx_text(started)).splitlines()
            await telling.apply()
            await started.logged("event_types_changed", times=3)
            await send("free")
            await place.drained()

    dead = [(letter.reason, letter.detail) for letter, _ in await place.dead()]
    sentence = (
        "data.n breaks the rule minimum of the schema of its type: the value is less than the minimum of 0"
    )
    assert dead == [("schema_violation", sentence)]
    assert (refused.status_code, refused.json()["results"][0]["reason"]) == (422, "schema_violation")
    assert set(await place.clean()) == {"rejected1", "flagged-1", "flagged1", "free-1", "free1"}
    assert 'tidemark_ingest_schema_flagged_events_total{way="kafka"} 1.0' in metrics


async def httpx_text(started: Ingest) -> str:
    """What its /metrics say."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{await started.port()}/metrics")).text


async def test_suggestions(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was seen becomes drafts that can be put in force; the command says what the API says."""
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", database_url)
    data: list[dict[str, object]] = [
        {"price": Decimal(n) / 4, "status": "paid" if n % 2 else "open"} for n in range(40)
    ]
    async with a_world(database_url) as world:
        await world.add(News("order/placed", some(data), NOW))
        body = (await world.client.get("/v1/event-types/order%2Fplaced/suggestions")).json()
        missing = await world.client.get("/v1/event-types/nothing/suggestions")
        text_of_command = await asyncio.to_thread(CliRunner().invoke, kpi_app, ["suggest", "order/placed"])
        drafts = kpis_of(body["text"])
        async with transaction(world.engine) as connection:
            changes = await apply_changes(connection, drafts, NOW)

    assert text_of_command.output == body["text"]
    assert [item["definition"]["slug"] for item in body["items"]] == [kpi.slug for kpi in drafts]
    assert {change.slug for change in changes} >= {"order_placed_events", "order_placed_price_sum"}
    assert missing.status_code == 404


async def test_topic_made_anew(kafka: str, database_url: str, unique: str) -> None:
    """A topic that is shorter than what was read of it is another one: all of it is read."""
    await ensure_topics(kafka, [TopicSpec(OBSERVATIONS, 1)])
    async with open_producer(kafka, "tests") as producer:
        record = Outgoing(encode_observation(unique, Observed(events=1), until_us=0), partition=0)
        await producer.send_all(OBSERVATIONS, [record])
    async with a_world(database_url) as world:
        async with transaction(world.engine) as connection:
            await observation_news.add(connection, [], since=0, until=10**9, others=0, personal={})
        stopping = asyncio.Event()
        job = asyncio.create_task(
            Observations(world.engine, kafka, world.catalogue).run(stopping), name="observations"
        )

        async def status() -> int:
            return (await world.client.get(f"/v1/event-types/{unique}")).status_code

        found = await eventually(status, lambda found: found == 200, within_s=30)
        stopping.set()
        await job

    assert found == 200
