"""Drafts over HTTP: values beside the oracle, what they would cost, and what is wrong with them."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import httpx2
import pytest

from shared.contracts.events import CleanEvent, encode_clean
from tests.integration.counting_rig import counting
from tests.integration.preview_rig import preview_api
from tests.integration.replay_rig import Remembering, of_one
from tests.oracle import Oracle, Record
from tests.unit.compute.builders import NOW, an_event
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

HEADER = "apiVersion: tidemark/v1\nkind: KPI\n"
REVENUE = """\
slug: revenue
title: Revenue
category: financial
owner: sales
unit: EUR
scale: 2
event_type: order.paid
where: data.channel == 'web'
value: data.price
aggregate: sum
breakdowns: [[shop]]
windows: [1h, 24h]
"""
PER_ORDER = """\
slug: revenue_per_order
title: Revenue per order
category: financial
owner: sales
formula: revenue / orders
windows: [1h]
target: {value: 20}
"""
FIELDS: Mapping[str, Any] = {
    "slug": "revenue",
    "title": "Revenue",
    "category": "financial",
    "owner": "sales",
    "scale": 2,
    "event_type": "order.paid",
    "where": "data.channel == 'web'",
    "value": "data.price",
    "aggregate": "sum",
    "breakdowns": [["shop"]],
    "windows": ["1h", "24h"],
}
YAML = {"content-type": "application/yaml"}


def events() -> list[CleanEvent]:
    """Orders of two days: some without a price, some with a word for one, some of no shop."""
    came = []
    for n in range(240):
        data: dict[str, Any] = {"channel": ("web", "till")[n % 2], "shop": ("Köln", "Rom", None)[n % 3]}
        if n % 10:
            data["price"] = "much" if n % 12 == 2 else Decimal(n) / 4
        came.append(an_event(n, ago=timedelta(minutes=12 * n + 1), data=data))
    return came


@dataclass(frozen=True, slots=True)
class Shop:
    """An API beside which orders are counted, and nothing of the drafts."""

    client: httpx2.AsyncClient

    async def preview(self, body: Any = FIELDS, **parameters: Any) -> Any:
        """What is told of a draft, every number exact."""
        given = {"content": body, "headers": YAML} if isinstance(body, str) else {"json": body}
        answer = await self.client.post("/v1/kpis/preview", params=parameters, **given)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    async def refused(self, body: Any = FIELDS, **parameters: Any) -> Any:
        """The problem with a draft."""
        given = {"content": body, "headers": YAML} if isinstance(body, str) else {"json": body}
        answer = await self.client.post("/v1/kpis/preview", params=parameters, **given)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.json()


@asynccontextmanager
async def a_shop(database_url: str, came: list[CleanEvent], *, at_once: int = 1000) -> AsyncIterator[Shop]:
    """A shop with these orders, *at_once* of them in a flush."""
    async with counting(database_url, [a_kpi("orders", windows=["1h", "24h"])]) as one:
        mine = Remembering(one)
        await one.take_over([0])
        for start in range(0, len(came), at_once):
            await mine.flush(of_one(*came[start : start + at_once], first=start))
        async with preview_api(mine) as client:
            yield Shop(client)


def oracle(*documents: str, came: list[CleanEvent]) -> Oracle:
    """The second opinion on drafts and on the orders in force."""
    orders = "slug: orders\ntitle: Orders\ncategory: x\nowner: x\nevent_type: order.paid\naggregate: count\n"
    texts = [HEADER + orders + "windows: [1h, 24h]\n", *(HEADER + each for each in documents)]
    return Oracle("---\n".join(texts), [Record(encode_clean(each)) for each in came], ingested_at=NOW)


async def test_values(database_url: str) -> None:
    """All points of the total and of the largest series are the oracle's, for a definition nobody counts."""
    async with a_shop(database_url, events()) as shop:
        body = await shop.preview(window="24h", step="1h", breakdown="shop", **{"from": "now-6h"})
    second = oracle(REVENUE, came=events())

    last = [each["items"][-1]["value"] for each in body["series"]]
    assert last[0] == sum(last[1:])
    assert last[1:] == sorted(last[1:], reverse=True)
    for series in body["series"]:
        for number, point in enumerate(series["items"]):
            at = NOW - timedelta(hours=6 - number)
            told = second.value("revenue", "24h", series["dimensions"], at, now=NOW)
            assert (point["value"], point["n"]) == (told.value, told.n)
    assert (body["read"]["complete"], body["read"]["cut_off"], body["series_met"]) == (True, False, 3)


async def test_formulas(database_url: str) -> None:
    """A draft may read KPIs in force and drafts beside it; the last of the body is told."""
    text = f"{HEADER}{REVENUE}---\n{HEADER}{PER_ORDER}"
    async with a_shop(database_url, events()) as shop:
        body = await shop.preview(text, step="1h", **{"from": "now-3h"})
    second = oracle(REVENUE, PER_ORDER, came=events())

    assert body["kpi"] == "revenue_per_order"
    for number, point in enumerate(body["series"][0]["items"]):
        told = second.value("revenue_per_order", "1h", {}, NOW - timedelta(hours=3 - number), now=NOW)
        assert told.agrees_with(point["value"])
        assert point["n"] == told.n
    assert [each["kpi"] for each in body["events"]] == ["orders", "revenue"]


async def test_what_became_of_events(database_url: str) -> None:
    """Every event of the windows asked for is accounted for, by reason, and no other of the log."""
    async with a_shop(database_url, events()) as shop:
        body = await shop.preview(window="1h", **{"from": "now-6h"}, step="1h")
    (told,) = body["events"]
    own = [each for each in events() if each.time >= body["read"]["start"]]
    web = [each.data for each in own if each.data["channel"] == "web"]

    assert told["events"] == len(own) == 35
    assert told["filtered"] == len(own) - len(web)
    assert told["value_missing"] == sum("price" not in data for data in web)
    assert told["value_not_a_number"] == sum(data.get("price") == "much" for data in web) > 0
    assert told["counted"] == sum(isinstance(data.get("price"), Decimal) for data in web)


async def test_cost(database_url: str) -> None:
    """Panes are those that have events; what a KPI in force counts already costs nothing."""
    came = [an_event(n, ago=timedelta(minutes=10 * n + 1), data={"shop": "Rom"}) for n in range(144)]
    same = {**FIELDS, "slug": "orders_too", "value": None, "where": None, "scale": 0, "aggregate": "count"}
    async with a_shop(database_url, came) as shop:
        body = await shop.preview(same, window="24h", to="now", **{"from": "now"})
    total, by_shop = body["cost"]["breakdowns"]

    assert (total["shared_with"], total["rows_per_day"]) == (["orders"], 0)
    assert {each["length"]: each["panes_per_day"] for each in by_shop["rungs"]} == {
        "10s": 144, "1m": 144, "15m": 96, "1h": 24, "1d": 1,
    }  # fmt: skip
    assert body["cost"]["rows_per_day"] == 409


def codes(body: Any) -> dict[str, str]:
    """The warnings by code."""
    return {each["code"]: each["message"] for each in body["warnings"]}


async def test_warnings(database_url: str) -> None:
    """What may be wrong with a draft is told, with what was probably meant."""
    misspelt = {**FIELDS, "value": "data.prize", "breakdowns": []}
    elsewhere = {**FIELDS, "event_type": "order.payed"}
    nobody = {**FIELDS, "where": "data.channel == 'fax'", "aggregate": "percentile", "percentile": 90}
    async with a_shop(database_url, events()) as shop:
        found = [codes(await shop.preview(each)) for each in (FIELDS, misspelt, elsewhere, nobody)]
    plain, field, event_type, filtered = found

    assert plain.keys() == {"no_target", "value_missing", "value_not_a_number", "dimension_missing"}
    assert field["unknown_field"].endswith("has data.prize; did you mean data.price?")
    assert event_type["no_events"].endswith("did you mean order.paid?")
    assert {"filter_matches_nothing", "sketch", "no_value"} <= filtered.keys()


async def test_cut_off(database_url: str) -> None:
    """Of too many records the newest are read; the answer says from when on, and what that spoils."""
    came = sorted(events(), key=lambda event: event.time)
    async with a_shop(database_url, came, at_once=10) as shop:
        body = await shop.preview(window="24h", limit_records=60, step="6h", **{"from": "now-24h"})
        nothing = await shop.refused(window="24h", limit_records=9)
    start = body["read"]["start"]
    told = oracle(REVENUE, came=[each for each in came if each.time >= start]).value(
        "revenue", "24h", {}, NOW
    )

    assert (body["read"]["cut_off"], body["read"]["records"]) == (True, 60)
    assert {"cut_off", "window_not_covered"} <= codes(body).keys()
    assert body["series"][0]["items"][-1]["value"] == told.value
    assert nothing["type"] == "urn:tidemark:problem:replay-too-large"


async def test_log_too_short(database_url: str) -> None:
    """What the log has lost is told, and not taken for nothing."""
    came = sorted(events(), key=lambda event: event.time)
    async with counting(database_url, [a_kpi("orders")]) as one:
        mine = Remembering(one)
        await one.take_over([0])
        for start in range(0, len(came), 10):
            await mine.flush(of_one(*came[start : start + 10], first=start))
        mine.log.begins[0] = 205
        async with preview_api(mine) as client:
            body = await Shop(client).preview(window="24h", step="6h")

    assert (body["read"]["complete"], body["read"]["records"]) == (False, 30)
    assert "log_too_short" in codes(body)


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({**FIELDS, "colour": "red"}, [("/colour", "there is no field 'colour'", None, None)]),
        (
            {**FIELDS, "where": "amount > 1"},
            [("/where", "unknown name 'amount': fields of the event are written data.amount", 1, 1)],
        ),
        (f"{HEADER}{REVENUE}colour: red\n", [("/colour", "there is no field 'colour'", 15, 1)]),
        (
            f"{HEADER}{PER_ORDER}",
            [("/formula", "there is no KPI 'revenue'", 7, 10)],
        ),
    ],
    ids=["field", "expression", "yaml", "formula"],
)
async def test_refused(database_url: str, body: Any, faults: list[object]) -> None:
    """A draft is judged as apply would judge it, and every problem names its field and place."""
    async with a_shop(database_url, []) as shop:
        problem = await shop.refused(body)

    assert (problem["type"], problem["status"]) == ("urn:tidemark:problem:invalid-definition", 422)
    assert [(e["pointer"], e["detail"], e["line"], e["column"]) for e in problem["errors"]] == faults


async def test_drafts_that_are_not_counted(database_url: str) -> None:
    """A document that is a draft still is told as if it counted, and is judged like any other."""
    async with a_shop(database_url, events()) as shop:
        body = await shop.preview({**FIELDS, "status": "draft"})
        text = f"{HEADER}{PER_ORDER.replace('revenue /', 'nothing /')}status: draft\n"
        problem = await shop.refused(text)

    assert body["series"][0]["items"][-1]["n"] > 0
    assert problem["errors"][0]["pointer"] == "/formula"


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ({"limit_records": 100_001}, "limit_records"),
        ({"from": "now", "to": "now-1h"}, "to"),
        ({"step": "1s"}, "step"),
        ({"kpi": "orders"}, "kpi"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_parameters(database_url: str, parameters: Mapping[str, Any], fault: str) -> None:
    """A parameter that cannot be used is named."""
    async with a_shop(database_url, []) as shop:
        problem = await shop.refused(**parameters)

    assert problem["status"] == 400
    assert [each["parameter"] for each in problem["errors"]] == [fault]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 422),
        (b'{"slug": "a", "slug": "b"}', "application/json", 422),
        (b"slug: \xff", "application/yaml", 422),
        (b"", "application/yaml", 422),
        (b"{}", "text/plain", 415),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
    ids=["no json", "twice", "no utf-8", "nothing", "another type", "too large"],
)
async def test_bodies(database_url: str, content: bytes, kind: str, status: int) -> None:
    """A body that cannot be read is a problem of its sender."""
    async with a_shop(database_url, []) as shop:
        answer = await shop.client.post("/v1/kpis/preview", content=content, headers={"content-type": kind})

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_side_by_side(database_url: str) -> None:
    """Old and new values are told by one log, of the KPI that changes and of those that read it."""
    old = a_kpi("revenue", value="data.price", aggregate="sum", scale=2, windows=["1h", "24h"])
    rate = a_kpi("per_order", formula="revenue / orders", windows=["24h"])
    orders = a_kpi("orders", windows=["1h", "24h"])
    new = {**FIELDS, "windows": ["24h", "7d"]}
    document = json.dumps(new)
    async with counting(database_url, [orders, old, rate]) as one:
        mine = Remembering(one)
        await one.take_over([0])
        await mine.flush(of_one(*events()))
        async with preview_api(mine) as client:
            answer = await client.post(
                "/v1/kpis/revenue/shadow?from=now-12h&step=6h",
                content=document,
                headers={"content-type": "application/json"},
            )
    body = json.loads(answer.text, parse_float=Decimal)
    before = oracle(
        REVENUE.replace("where: data.channel == 'web'\n", ""),
        PER_ORDER.replace("[1h]", "[24h]"),
        came=events(),
    )
    after = oracle(
        REVENUE.replace("[1h, 24h]", "[24h, 7d]"), PER_ORDER.replace("[1h]", "[24h]"), came=events()
    )

    assert [(each["kpi"], each["window"], each["differs"]) for each in body["changes"]] == [
        ("per_order", "24h", 3), ("revenue", "24h", 3), ("revenue", "7d", 0),
    ]  # fmt: skip
    for each in body["changes"]:
        slug = each["kpi"].replace("per_order", "revenue_per_order")
        for number, pair in enumerate(each["items"]):
            at = NOW - timedelta(hours=12 - 6 * number)
            assert after.value(slug, each["window"], {}, at, now=NOW).agrees_with(pair["after"])
            if each["window"] == "24h":
                assert before.value(slug, each["window"], {}, at, now=NOW).agrees_with(pair["before"])
                assert Fraction(pair["difference"]) == Fraction(pair["after"]) - Fraction(pair["before"])
            else:
                assert (pair["before"], pair["difference"]) == (None, None)


@pytest.mark.parametrize(
    ("path", "fault"),
    [("orders/shadow", "slug"), ("revenue/shadow?window=7d", "window"), ("revenue/shadow?step=1s", "step")],
)
async def test_no_shadow(database_url: str, path: str, fault: str) -> None:
    """What cannot be set side by side is told by the parameter at fault."""
    async with a_shop(database_url, []) as shop:
        answer = await shop.client.post(f"/v1/kpis/{path}", json=FIELDS)

    assert answer.status_code == 400
    assert [each["parameter"] for each in answer.json()["errors"]] == [fault]
