"""One event over HTTP: what would become of it, what it would move, and that nothing is written."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from shared.contracts.events import CleanEvent, encode_clean
from shared.domain.definitions.event_types import EventType
from shared.storage.definitions import apply_changes
from shared.storage.engine import transaction
from tests.integration.counting_rig import Counting, counting
from tests.integration.preview_rig import preview_api
from tests.integration.replay_rig import Remembering, of_one
from tests.unit.compute.builders import NOW, an_event
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

MANY = {"name": "many", "window": "5m", "condition": "above", "threshold": 3}
ORDERS = a_kpi("orders", breakdowns=[["shop"]], windows=["5m", "1h"], alerts=[MANY])
REVENUE = a_kpi("revenue", value="data.price", aggregate="sum", scale=2, windows=["1h"])
PER_ORDER = a_kpi("per_order", formula="revenue / orders", windows=["1h"])
HIGHEST = a_kpi("highest", value="data.price", aggregate="max", windows=["1h"])


@dataclass(frozen=True, slots=True)
class Shop:
    """An API beside three orders of Rom."""

    client: httpx2.AsyncClient
    mine: Remembering

    async def told(self, event: CleanEvent | bytes, kind: str = "application/cloudevents+json") -> Any:
        """What *event* would do, every number exact."""
        content = event if isinstance(event, bytes) else encode_clean(event)
        answer = await self.client.post("/v1/events/dry-run", content=content, headers={"content-type": kind})
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)


def an_order(number: int, **fields: Any) -> CleanEvent:
    """An order of Rom."""
    return an_event(number, data={"shop": "Rom", "price": 10 * number}, **fields)


@asynccontextmanager
async def a_shop(database_url: str) -> AsyncIterator[Shop]:
    """Three orders of half a minute ago, the last of which was retracted before it came."""
    async with counting(database_url, [ORDERS, REVENUE, PER_ORDER, HIGHEST]) as one:
        mine = Remembering(one)
        await one.take_over([0])
        await mine.flush(of_one(an_order(1), an_order(2), an_order(3), an_event(90, retracts="order-9")))
        # What is known of copies goes by the database's clock.
        await one.connection.execute("UPDATE flushes SET flushed_at = now()")
        async with preview_api(mine) as client:
            yield Shop(client, mine)


def moved(body: Any) -> dict[tuple[str, str, str | None], tuple[object, object]]:
    """The values before and after, by KPI, window and shop."""
    return {
        (each["kpi"], each["window"], each["dimensions"].get("shop")): (each["before"], each["after"])
        for each in body["moves"]
    }


async def rows(mine: Counting) -> list[object]:
    """Everything that there is, counted."""
    tables = ("flushes", "panes", "series", "retractions", "positions", "activations", "kpi_current")
    return [await mine.connection.fetchval("SELECT count(*) FROM " + table) for table in tables]


async def test_counted(database_url: str) -> None:
    """A new order is told with every value that it moves, formulas too, and the rule that it breaches."""
    async with a_shop(database_url) as shop:
        before = await rows(shop.mine.counting)
        body = await shop.told(an_order(4))
        after = await rows(shop.mine.counting)

    assert (body["outcome"], body["late"], body["left_out"]) == ("counted", False, 0)
    assert moved(body) == {
        ("orders", "5m", None): (3, 4),
        ("orders", "1h", None): (3, 4),
        ("orders", "5m", "Rom"): (3, 4),
        ("orders", "1h", "Rom"): (3, 4),
        ("revenue", "1h", None): (60, 100),
        ("per_order", "1h", None): (20, 25),
        ("highest", "1h", None): (30, 40),
    }
    assert [each["alerts"] for each in body["moves"] if each["alerts"]] == [
        [{"rule": "many", "condition": "above", "threshold": 3, "before": False, "after": True}]
    ]
    assert before == after


async def test_known(database_url: str) -> None:
    """A copy counts nothing, nor does an event that was retracted before it comes."""
    async with a_shop(database_url) as shop:
        copy, cancelled = await shop.told(an_order(1)), await shop.told(an_order(9))

    assert [(each["outcome"], each["moves"]) for each in (copy, cancelled)] == [
        ("duplicate", []),
        ("cancelled", []),
    ]


async def test_late(database_url: str) -> None:
    """An event that is older than the watermark changes complete values: that is a revision."""
    async with a_shop(database_url) as shop:
        await shop.mine.counting.connection.execute(
            "UPDATE positions SET watermark = $1", NOW + timedelta(hours=1)
        )
        body = await shop.told(an_order(4, ago=timedelta(minutes=30)))

    assert body["late"] is True
    assert [each["revises"] for each in body["moves"] if each["kpi"] == "revenue"] == [True]


async def test_undone(database_url: str) -> None:
    """A retraction is told with its event and what is left without it; an extreme may need a recount."""
    async with a_shop(database_url) as shop:
        body = await shop.told(an_event(91, retracts="order-3"))
        lower = await shop.told(an_event(92, retracts="order-2"))

    assert (body["outcome"], body["undone"]["id"]) == ("undoes", "order-3")
    assert moved(body)["revenue", "1h", None] == (60, 30)
    assert moved(body)["per_order", "1h", None] == (20, 15)
    assert [each["after"] for each in body["moves"] if each["recounted"]] == [None]
    assert ("highest", "1h", None) not in moved(lower) or moved(lower)["highest", "1h", None] == (30, 30)


async def test_undone_already(database_url: str) -> None:
    """A second retraction changes nothing; one of an event that nobody remembers waits."""
    async with a_shop(database_url) as shop:
        again = await shop.told(an_event(93, retracts="order-9"))
        unknown = await shop.told(an_event(94, retracts="order-77"))

    assert [again["outcome"], unknown["outcome"]] == ["duplicate", "waits"]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (b"{", "malformed_json"),
        (b'{"specversion":"1.0","id":"a","source":"/shop"}', "missing_attribute"),
        (encode_clean(an_order(4, ago=timedelta(minutes=-6))), "time_in_future"),
        (encode_clean(an_order(4, ago=timedelta(days=401))), "time_too_old"),
        (encode_clean(an_event(4, data={"price": 10**18})), "value_out_of_range"),
        (b'{"specversion":"1.0","data":{"a":"' + b"x" * 70_000 + b'"}}', "event_too_large"),
    ],
    ids=["json", "type", "future", "old", "digits", "size"],
)
async def test_rejected(database_url: str, event: bytes, reason: str) -> None:
    """An event that would be refused is told why, in the words of dead letters."""
    async with a_shop(database_url) as shop:
        body = await shop.told(event, "application/json")

    assert (body["outcome"], body["reason"], body["moves"]) == ("rejected", reason, [])
    assert body["detail"]


async def test_bodies(database_url: str) -> None:
    """What is no event at all is a problem of its sender."""
    async with a_shop(database_url) as shop:
        kind = {"content-type": "text/plain"}
        strange = await shop.client.post("/v1/events/dry-run", content=b"{}", headers=kind)
        kind = {"content-type": "application/json"}
        large = await shop.client.post("/v1/events/dry-run", content=b" " * 140_000, headers=kind)

    assert [strange.status_code, large.status_code] == [415, 413]


async def test_nobody_takes_it(database_url: str) -> None:
    """An event of a type that no KPI counts is accepted, and moves nothing."""
    async with a_shop(database_url) as shop:
        body = await shop.told(an_event(5, type="order.lost"))

    assert (body["outcome"], body["moves"]) == ("counted", [])


async def test_before_anything(database_url: str) -> None:
    """Where nothing has been counted yet, the first event makes the first values."""
    async with counting(database_url, [REVENUE]) as one, preview_api(Remembering(one)) as client:
        body = await Shop(client, Remembering(one)).told(an_order(4))

    assert moved(body) == {("revenue", "1h", None): (0, 40)}


@pytest.mark.parametrize(("on_violation", "outcome"), [("reject", "rejected"), ("flag", "counted")])
async def test_schemas(database_url: str, on_violation: str, outcome: str) -> None:
    """An event is held against the schema of its type, as ingest does."""
    schema = {"properties": {"price": {"type": "integer"}}}
    declared = EventType.model_validate(
        {"type": "order.paid", "owner": "sales", "schema": schema, "on_violation": on_violation}
    )
    async with a_shop(database_url) as shop:
        async with transaction(shop.mine.counting.engine) as connection:
            await apply_changes(connection, [declared], NOW)
        body = await shop.told(an_event(4, data={"price": "ten"}))

    assert body["outcome"] == outcome
    assert "data.price breaks the rule type" in (body["detail"] or body["flagged"])
