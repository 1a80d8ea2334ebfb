"""Why a value is what it is, asked of the real application on a real Postgres and a log in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from services.api import dependencies
from shared.domain.access import Limits, Principal, Scope
from shared.domain.definitions.kpi_files import kpis_of
from shared.storage.definitions import apply_changes
from shared.storage.engine import transaction
from tests.integration.counting_rig import counting
from tests.integration.explain_rig import Explaining, explaining, question
from tests.integration.replay_rig import Remembering, of_one
from tests.unit.compute.builders import NOW, an_event

pytestmark = pytest.mark.asyncio

KPIS = """
apiVersion: tidemark/v1
kind: KPI
slug: paid
title: Paid
category: financial
owner: sales
scale: 2
event_type: order.paid
where: data.channel == 'web'
value: data.price
aggregate: sum
breakdowns: [[shop]]
windows: [1h, 24h]
target: {value: 20, warning: 10}
---
apiVersion: tidemark/v1
kind: KPI
slug: orders
title: Orders
category: operational
owner: sales
event_type: order.paid
aggregate: count
breakdowns: [[shop]]
windows: [1m, 1h, 24h]
---
apiVersion: tidemark/v1
kind: KPI
slug: basket
title: Basket
category: financial
owner: sales
formula: paid / orders
breakdowns: [[shop]]
windows: [1h, 24h]
---
apiVersion: tidemark/v1
kind: KPI
slug: growth
title: Growth
category: financial
owner: sales
formula: (basket - prev(basket)) / total(orders) + share(orders)
breakdowns: [[shop]]
windows: [1h]
"""

WINDOW_END = NOW.replace(second=10)
"""Where an hour that is asked about at NOW ends, for it moves by ten seconds."""


def _order(number: int, price: Any, *, shop: str | None = "a", channel: str = "web", **more: Any) -> Any:
    return an_event(number, data={"price": price, "shop": shop, "channel": channel}, **more)


def _retraction(number: int, *, of: int) -> Any:
    return an_event(number, retracts=f"order-{of}")


@asynccontextmanager
async def a_shop(
    database_url: str, patch: pytest.MonkeyPatch, *, most: int = 500_000
) -> AsyncIterator[tuple[Remembering, Explaining]]:
    """A shop, and a client that asks why."""
    async with counting(database_url, kpis_of(KPIS)) as one:
        await one.take_over([0])
        mine = Remembering(one)
        async with explaining(one, mine.log, patch, most=most) as asking:
            yield mine, asking


async def test_the_whole_answer(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum says what it is of, by which rule, and how it stands to its target."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        await mine.flush(of_one(_order(1, "7.005"), _order(2, 5), _order(3, 9, channel="till")))
        await mine.flush(of_one(_order(4, "n/a"), _order(5, Decimal("2.345"), shop="b"), first=3))
        body = await asking.told("paid/explain", question("1h", NOW))

    assert body["status"] == "off_track"
    assert body["status_rule"].startswith("20 is the target: on track with that or more, at risk from 10;")
    assert body["definition"]["where"] == "data.channel == 'web'"
    assert "rounded half to even, to 2 decimals" in body["definition"]["rule"]
    assert [e["id"] for e in body["events"]["items"]] == ["order-5", "order-2"]
    assert [e["value"] for e in body["events"]["items"]] == [Decimal("2.34"), Decimal("5.00")]
    assert (body["value"], body["n"], body["reconciles"]) == (Decimal("7.34"), 2, True)
    assert body["arithmetic"] == "sum of 2 events = 7.34"
    assert body["events"]["not_counted"] == {
        "before_start": 0,
        "filtered": 1,
        "out_of_range": 0,
        "without_value": 2,
        "outside_hours": 0,
        "other_series": 0,
    }
    assert body["events"]["until"] == [{"partition": 0, "until_offset": 5}]
    assert body["events"]["records_read"] == 5


async def test_only_what_is_needed_is_shown(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an event there is its name, time, place, the value and the dimensions, and nothing else."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        event = an_event(1, data={"price": 3, "shop": "a", "channel": "web", "email": "x@example.com"})
        await mine.flush(of_one(event))
        answer = await asking.client.get("/v1/kpis/paid/explain", params=question("1h", NOW, {"shop": "a"}))

    assert "x@example.com" not in answer.text
    assert answer.json()["events"]["items"] == [
        {
            "source": "/shop",
            "id": "order-1",
            "time": "2026-03-04T05:05:37Z",
            "value": 3.0,
            "dimensions": {"shop": "a"},
            "partition": 0,
            "offset": 0,
            "arrived_at": "2026-03-04T05:06:08Z",
            "late": False,
        }
    ]


async def test_one_series(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a series there are its own events, and those of others are told as that."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        await mine.flush(of_one(_order(1, 4), _order(2, 5, shop="b"), _order(3, 6, shop=None)))
        one, none = [
            await asking.told("paid/explain", question("1h", NOW, {"shop": shop})) for shop in ("b", None)
        ]

    for body, name in ((one, "order-2"), (none, "order-3")):
        assert [event["id"] for event in body["events"]["items"]] == [name]
        assert (body["n"], body["reconciles"], body["events"]["not_counted"]["other_series"]) == (1, True, 2)


async def test_late(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came when the window was over and ten seconds more had passed is counted and told as late."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        await mine.flush(of_one(_order(1, 1)), arrived=WINDOW_END + timedelta(seconds=9.999))
        await mine.flush(of_one(_order(2, 1), first=1), arrived=WINDOW_END + timedelta(seconds=10))
        body = await asking.told("paid/explain", question("1h", NOW))

    assert (body["n"], body["events"]["late"]) == (2, 1)
    assert {e["id"]: e["late"] for e in body["events"]["items"]} == {"order-1": False, "order-2": True}


async def test_set_aside(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies, what was retracted after or before it counted, and values out of range are told apart."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        first, second, third = _order(1, 4), _order(2, 5), _order(3, 6)
        await mine.flush(of_one(first, first, second, _order(9, 10**17)))
        went = await mine.flush(of_one(_retraction(20, of=2), _retraction(21, of=3), first=4))
        await mine.flush(of_one(third, third, first, _order(4, 1), first=6))
        body = await asking.told("paid/explain", question("1h", NOW))

    aside = body["events"]["set_aside"]
    assert (body["value"], body["n"], body["reconciles"]) == (5, 2, True)
    assert {name: aside[name] for name in ("retracted", "cancelled", "copies", "dead_lettered")} == {
        "retracted": 1,
        "cancelled": 1,
        "copies": 3,
        "dead_lettered": 1,
    }
    (gone,) = aside["retractions"]
    assert (gone["id"], gone["value"], gone["retraction_offset"]) == ("order-2", 5, 4)
    assert gone["undone_at"] == went.strftime("%Y-%m-%dT%H:%M:%SZ")


async def test_pages_hold_still(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes between two pages is on none of them; what is retracted ends the list with a problem."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        orders = [_order(n, n, ago=timedelta(seconds=10 + n)) for n in range(1, 6)]
        await mine.flush(of_one(*orders))
        query = {"window": "1h", "limit": 2}
        first = await asking.told("paid/explain/events", query)
        await mine.flush(of_one(_order(7, 7, ago=timedelta(minutes=5)), first=5))
        second = await asking.told("paid/explain/events", {**query, "cursor": first["next_cursor"]})
        await mine.flush(of_one(_retraction(20, of=5), first=6))
        problem = await asking.problem("paid/explain/events", {**query, "cursor": second["next_cursor"]})

    assert [e["id"] for page in (first, second) for e in page["items"]] == [f"order-{n}" for n in range(1, 5)]
    assert (first["n"], second["n"], first["at"]) == (5, 5, second["at"])
    assert (problem["type"], problem["status"]) == ("urn:tidemark:problem:events-moved", 409)


async def test_a_formula(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A formula is told with its numbers in, and leads to each of its parts, down to the events."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        hour = timedelta(hours=1)
        events = [
            _order(1, 6),
            _order(2, 3),
            _order(3, 8, shop="b"),
            _order(4, 5, ago=hour),
            _order(5, 1, ago=hour),
        ]
        await mine.flush(of_one(*events))
        body = await asking.told("growth/explain", question("1h", NOW, {"shop": "a"}))
        inner = {part["part"]: await asking.client.get(part["explain"]) for part in body["parts"]}
        earlier = inner["prev(basket)"].json()
        leaf = (await asking.client.get(earlier["parts"][1]["explain"])).json()

    assert body["arithmetic"] == (
        "(basket - prev(basket)) / total(orders) + share(orders) "
        f"= (4.50 - 3.00) / 3 + 2 / 3 = {body['value']:f}"
    )
    assert (body["reconciles"], body["events"], body["panes"]) == (None, None, [])
    assert [(p["part"], p["n"]) for p in body["parts"]] == [
        ("basket", 4), ("prev(basket)", 4), ("orders", 2), ("total(orders)", 3),
    ]  # fmt: skip
    for part in body["parts"]:
        told = inner[part["part"]].json()
        assert (told["value"], told["n"], told["part"]) == (float(part["value"]), part["n"], part["part"])
        assert (told["window_start"], told["kpi"]) == (part["window_start"], part["kpi"])
    assert earlier["arithmetic"] == "paid / orders = 6.00 / 2 = 3.00"
    assert (leaf["part"], leaf["kpi"], leaf["n"], leaf["reconciles"]) == ("prev(paid)", "paid", 2, True)


async def test_known_then(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As known at an earlier time, a value has the events of then, retracted ones too, and no panes."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        then = await mine.flush(of_one(_order(1, 4), _order(2, 5)))
        await mine.flush(of_one(_retraction(20, of=2), _order(3, 1), first=2))
        query = question("1h", NOW, known_at=then.strftime("%Y-%m-%dT%H:%M:%SZ"))
        body = await asking.told("paid/explain", query)
        every = await asking.every_event("paid", query, limit=1)
        formula = await asking.told("basket/explain", query)

    assert (body["value"], body["n"], body["reconciles"], body["panes"]) == (9, 2, True, [])
    assert (body["known_at"], body["valid_until"]) == (query["known_at"], None)
    assert [event["id"] for event in every] == ["order-2", "order-1"]
    assert formula["arithmetic"] == "paid / orders = 9.00 / 2 = 4.50"


async def test_drift_is_told(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Panes that are not what the log says are told as that."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        await mine.flush(of_one(_order(1, 4), _order(2, 5)))
        await mine.counting.connection.execute("UPDATE panes SET sum = sum + 1")
        body = await asking.told("paid/explain", question("1h", NOW))

    assert (body["value"], body["reconciles"]) == (Decimal("9.01"), False)


async def test_bounds(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many records and lost ones are told as such; without events there is still an answer."""
    async with a_shop(database_url, monkeypatch, most=2) as (mine, asking):
        await mine.flush(of_one(_order(1, 4), _order(2, 5)))
        mine.log.begins[0] = 1
        lost = await asking.problem("paid/explain", question("1h", NOW))
        await mine.flush(of_one(_order(3, 4), first=2))
        large = await asking.problem("paid/explain", question("1h", NOW))
        reads = len(mine.log.reads)
        bare = await asking.told("paid/explain", question("1h", NOW, sample=0))

    assert (lost["status"], lost["type"]) == (410, "urn:tidemark:problem:log-lost")
    assert (large["status"], large["type"]) == (400, "urn:tidemark:problem:replay-too-large")
    assert (bare["value"], bare["events"], bare["reconciles"]) == (13, None, None)
    assert len(mine.log.reads) == reads


async def test_only_what_touches_the_window(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flushes whose events lie elsewhere are not read."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        far = [_order(n, 1, ago=timedelta(days=3)) for n in range(2500)]
        await mine.flush(of_one(*far))
        await mine.flush(of_one(_order(2501, 4), first=2500))
        body = await asking.told("paid/explain", question("1h", NOW))

    assert body["events"]["records_read"] == 1
    assert mine.log.reads == [(0, 2500, 2501)]


async def test_an_unread_window(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an answer the panes are empty, and 304 tells who has it already that nothing has moved."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        await mine.flush(of_one(_order(1, 4, ago=timedelta(days=2))))
        first = await asking.client.get("/v1/kpis/paid/explain", params=question("1h", NOW))
        again = await asking.client.get(
            "/v1/kpis/paid/explain",
            params=question("1h", NOW),
            headers={"If-None-Match": first.headers["etag"]},
        )

    body = first.json()
    assert (body["value"], body["n"], body["reconciles"], again.status_code) == (0, 0, True, 304)
    assert (body["events"]["items"], body["events"]["next_cursor"]) == ([], None)
    assert sum(run["panes"] for run in body["panes"]) == 0


async def test_hidden_parts(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what a caller may not see neither value nor way is told, nor the numbers of a formula with it."""
    principal = Principal("tests", frozenset(Scope), Limits(kpis=frozenset({"basket", "paid"})))
    monkeypatch.setattr(dependencies, "principal_of", lambda _: principal)
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        await mine.flush(of_one(_order(1, 4), _order(2, 5)))
        body = await asking.told("basket/explain", question("1h", NOW))
        problem = await asking.problem("basket/explain", question("1h", NOW, part="orders"))
        hidden = await asking.problem("orders/explain", question("1h", NOW))

    assert [part["part"] for part in body["parts"]] == ["paid"]
    assert (body["hidden_parts"], body["arithmetic"]) == (1, "paid / __hidden__ = 4.50")
    assert problem["errors"][0]["detail"] == "is not read by basket, which reads paid"
    assert hidden["status"] == 404


async def test_panes_of_every_length(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The panes told are those that were read, in finer ones where coarser ones are not made yet."""
    async with a_shop(database_url, monkeypatch) as (mine, asking):
        ages = [timedelta(minutes=minutes) for minutes in (1, 7, 40, 61, 300, 1000, 1439)]
        await mine.flush(of_one(*(_order(n, n, ago=age) for n, age in enumerate(ages, 1))))
        before = await asking.told("orders/explain", question("24h", NOW))
        await mine.counting.derive(until=NOW)
        after = await asking.told("orders/explain", question("24h", NOW))

    for body in (before, after):
        assert (body["n"], body["reconciles"]) == (7, True)
        assert sum(run["partial"]["n"] for run in body["panes"]) == 7
        edges = [(run["start"], run["end"]) for run in body["panes"]]
        assert (edges[0][0], edges[-1][1]) == (body["window_start"], body["window_end"])
        assert all(one[1] == other[0] for one, other in pairwise(edges))
    assert {run["length"] for run in after["panes"]} == {"1h", "15m", "1m", "1s"}
    assert _of_seconds(after) < _of_seconds(before)


def _of_seconds(body: Any) -> timedelta:
    """How much of the window was read in panes of a second."""
    edges = [(run["start"], run["end"]) for run in body["panes"] if run["length"] == "1s"]
    lengths = (datetime.fromisoformat(end) - datetime.fromisoformat(start) for start, end in edges)
    return sum(lengths, timedelta(0))


async def test_before_it_was_counted(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events that came before the KPI was there are told as that."""
    first, *_, second = kpis_of(KPIS)[:2]
    async with counting(database_url, [second]) as one:
        await one.take_over([0])
        mine = Remembering(one)
        await mine.flush(of_one(_order(1, 4), _order(2, 5)))
        async with transaction(one.engine) as connection:
            await apply_changes(connection, [first], NOW)
        await one.reload()
        await mine.flush(of_one(_order(3, 6), first=2))
        async with explaining(one, mine.log, monkeypatch) as asking:
            body = await asking.told("paid/explain", question("1h", NOW))

    assert (body["value"], body["n"], body["complete"], body["reconciles"]) == (6, 1, False, True)
    assert body["events"]["not_counted"]["before_start"] == 2
