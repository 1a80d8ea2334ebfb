"""Dead letters over HTTP, on a real Kafka: looked at, mended, sent again and counted."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
import pytest

from services.api.app import create_app
from services.api.dead_letters import DeadLetters
from shared.contracts.deadletters import DeadLetter, dead_letter_headers
from shared.contracts.topics import DEAD_LETTERS
from shared.messaging.producer import Outgoing, open_producer
from shared.storage import audit
from shared.storage.engine import opened_engine, reading
from tests.builders import structured
from tests.integration.ingest_rig import forwarded, refused_twice
from tests.unit.api.builders import NOWHERE, Memory, a_state

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def an_api(kafka: str, database_url: str = NOWHERE) -> AsyncIterator[httpx2.AsyncClient]:
    """The application with the dead letters of *kafka*; only sending needs a database."""
    async with opened_engine(database_url, application_name="tests") as engine:
        app = create_app(a_state(Memory(), dead_letters=DeadLetters(kafka, engine)))
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client


async def _listed(client: httpx2.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        body = (await client.get("/v1/deadletters", params=query | cursor)).json()
        items += body["items"]
        if body["next_cursor"] is None:
            return items
        cursor = {"cursor": body["next_cursor"]}


async def test_look(kafka: str, unique: str) -> None:
    """Refused records are listed with reason and origin, page by page, and shown with every byte."""
    place = await refused_twice(kafka, unique)
    async with an_api(place.kafka) as client:
        found = await _listed(client, topic=place.name, limit=1)
        one = next(each for each in found if each["reason"] == "malformed_json")
        whole = (await client.get(f"/v1/deadletters/{one['partition']}/{one['offset']}")).json()

    assert sorted((each["reason"], each["origin"]["partition"]) for each in found) == [
        ("malformed_json", 2),
        ("time_too_old", 3),
    ]
    assert (whole["text"], base64.b64decode(whole["value_base64"])) == ("no json", b"no json")
    assert whole["headers"] == [["content-type", "application/cloudevents+json"]]
    assert whole.items() >= one.items()


async def test_mend_and_send_again(kafka: str, unique: str, database_url: str) -> None:
    """A letter with a mended text becomes an event, to the last digit; it stays, and it is noted."""
    place = await refused_twice(kafka, unique)
    amount = '"amount": 12345678901234567890.123456789'
    event = structured(id="mended", source=place.name, data={"amount": 0}).decode()
    text = event.replace('"amount": 0', amount).replace('"amount":0', amount)
    async with an_api(place.kafka, database_url) as client:
        (old,) = await _listed(client, topic=place.name, reason="time_too_old")
        letter = {"partition": old["partition"], "offset": old["offset"], "text": text}
        answer = await client.post("/v1/deadletters/retry", json={"letters": [letter]})
        await forwarded(place)
        still = await _listed(client, topic=place.name, reason="time_too_old")

    async with opened_engine(database_url, application_name="tests") as engine, reading(engine) as connection:
        (entry,) = await audit.entries(connection, audit.Filters(action="deadletters.retry"))

    assert '"mended":true' in entry.detail.replace(" ", "")
    assert amount not in entry.detail
    assert answer.json() == {"sent": 1, "topics": {place.name: 1}}
    assert (await place.clean())["mended"] == 1
    assert [each["offset"] for each in still] == [old["offset"]]


async def test_all_or_none(kafka: str, unique: str) -> None:
    """When one of them is not there nothing is sent, and the answer says which."""
    place = await refused_twice(kafka, unique)
    async with an_api(place.kafka) as client:
        first, *_ = await _listed(client, topic=place.name)
        there = {"partition": first["partition"], "offset": first["offset"]}
        answer = await client.post(
            "/v1/deadletters/retry", json={"letters": [there, {**there, "offset": 10**9}]}
        )
        elsewhere = await client.post("/v1/deadletters/retry", json={"letters": [there], "topic": "no.such"})

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:tidemark:problem:unknown-dead-letter")
    assert "offset 1000000000" in answer.json()["detail"]
    assert (elsewhere.status_code, "no.such" in elsewhere.json()["detail"]) == (400, True)
    assert await place.lag() == 0


async def test_cut(kafka: str, unique: str) -> None:
    """Of what only the beginning was kept nothing is sent as it is: the answer asks for a text."""
    place = await refused_twice(kafka, unique)
    letter = DeadLetter("too_large", "too large", "ingest", place.name, 0, 0, "2026-11-01T10:00:00.000000Z")
    headers = [*dead_letter_headers(letter, [], value=b"x"), ("tidemark-truncated", b"9000000")]
    async with open_producer(place.kafka, "tests") as producer:
        await producer.send_all(DEAD_LETTERS, [Outgoing(b"beginning", None, headers=headers)])
    async with an_api(place.kafka) as client:
        (cut,) = await _listed(client, topic=place.name, reason="too_large")
        answer = await client.post(
            "/v1/deadletters/retry",
            json={"letters": [{"partition": cut["partition"], "offset": cut["offset"]}]},
        )

    assert cut["truncated"]
    assert (answer.status_code, "send it with a text" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/letters"),
        ({"letters": []}, "/letters"),
        ({"letters": [{"partition": 0}]}, "/letters/0/offset"),
        ({"letters": [{"partition": 0, "offset": -1}]}, "/letters/0/offset"),
        ({"letters": [{"partition": "0", "offset": 1}]}, "/letters/0/partition"),
        ({"letters": [{"partition": 0, "offset": 1, "value": {}}]}, "/letters/0/value"),
        ({"letters": [{"partition": 0, "offset": 1}], "topics": "a"}, "/topics"),
    ],
)
async def test_refused(body: Any, pointer: str) -> None:
    """A body that cannot be used is refused with the place of the fault; nothing is asked of Kafka."""
    async with an_api("127.0.0.1:1") as client:
        answer = await client.post("/v1/deadletters/retry", json=body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


async def test_foreign_cursor() -> None:
    """A cursor of another listing is refused."""
    async with an_api("127.0.0.1:1") as client:
        for position in (["departures"], {"0": -1}, {"a": 1}):
            cursor = msgspec.json.encode(position).hex()
            answer = await client.get("/v1/deadletters", params={"cursor": cursor})
            assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, "cursor")


async def test_a_body_that_grows() -> None:
    """A body without an announced length is counted, and refused when it is too long."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000
            await asyncio.sleep(0)

    async with an_api("127.0.0.1:1") as client:
        answer = await client.post(
            "/v1/deadletters/retry", content=endless(), headers={"content-type": "application/json"}
        )

    assert (answer.status_code, answer.json()["type"]) == (413, "urn:tidemark:problem:body-too-large")
