"""What series did to a change, told by the real application on a real Postgres: the oracle's numbers."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shared.contracts.events import CleanEvent
from shared.domain.contributions import Explanation
from shared.storage.contributions import Change, explained
from shared.storage.definitions import apply_changes
from shared.storage.engine import reading, transaction
from tests.integration.counting_rig import Counting, counting
from tests.integration.shop_api import shop_api
from tests.oracle import Oracle
from tests.unit.compute.builders import NOW, an_event
from tests.unit.domain.kpi_builders import a_kpi

pytestmark = pytest.mark.asyncio

KPI_FILE = Path(__file__).parents[1] / "shop" / "contributions.yaml"
SHOPS = ("Köln", "Łódź", None, "Paris", "Rom")
OTHER = {"shop": "__other__"}


@dataclass(frozen=True, slots=True)
class Shop:
    """An API on a shop of some thousand orders, at NOW, and the second opinion on them."""

    client: httpx2.AsyncClient
    oracle: Oracle

    async def told(self, query: str) -> Any:
        """The body that *query* is answered with, every number exact."""
        answer = await self.client.get(f"/v1/kpis/{query}")
        answer.raise_for_status()
        return json.loads(answer.text, parse_float=Decimal)

    def value(self, slug: str, window: str, at: datetime, shops: Sequence[str | None] = ()) -> Fraction:
        """What the oracle has for *shops* together, which is for sums only, or in all; 0 without data."""
        views = [{"shop": shop} for shop in shops] or [{}]
        values = [self.oracle.value(slug, window, view, at, now=NOW).value for view in views]
        return sum((Fraction(value) for value in values if value is not None), Fraction(0))


def events() -> list[CleanEvent]:
    """Orders and refunds of 60 days that are not spread evenly: shops open and grow, and Rom is closed."""
    came = []
    for n in range(3000):
        ago = timedelta(minutes=29 * n + 3)
        shop = SHOPS[(n * n + n // 48) % 5]
        if (shop == "Rom" and ago < timedelta(days=1)) or (shop == "Paris" and ago > timedelta(days=20)):
            continue
        data = {"shop": shop, "channel": ("web", "till")[n % 2], "price": n * 37 % 101 + len(shop or "")}
        kind = "order.refunded" if n % 7 == 0 or (shop == "Köln" and n % 3 == 0) else "order.paid"
        came.append(an_event(n, ago=ago, type=kind, data={k: v for k, v in data.items() if v is not None}))
    return came


@asynccontextmanager
async def a_shop(database_url: str) -> AsyncIterator[Shop]:
    """The shop, with everything counted."""
    async with shop_api(database_url, KPI_FILE, events()) as (client, oracle):
        yield Shop(client, oracle)


def added(items: Sequence[Mapping[str, Any]], name: str) -> Fraction:
    """The exact sum of a number of *items*."""
    return sum((Fraction(item[name]) for item in items), Fraction(0))


def instants(body: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """The two instants of *body*, the earlier one first."""
    return datetime.fromisoformat(body["base"]["at"]), datetime.fromisoformat(body["now"]["at"])


async def test_everything(database_url: str) -> None:
    """All values are the oracle's, and what all items did is the change, to the last digit."""
    reasons, wrong = Counter[str | None](), []
    async with a_shop(database_url) as shop:
        for query in _questions(shop.oracle):
            body = await shop.told(query)
            reasons[body["reason"]] += 1
            wrong += [f"{query}: {text}" for text in _wrong(shop.oracle, body)]

    assert wrong == []
    assert reasons == {None: 156, "too_coarse": 18}


def _questions(oracle: Oracle) -> Iterator[str]:
    """Every window of all that adds up or is a quotient.

    It is six minutes past midnight in New York: then, today is rounded to more minutes.
    """
    for slug in ("orders", "revenue", "refunds", "order_rate", "mean_price", "balance", "refund_share"):
        for window in oracle.windows(slug):
            for against in ("previous", "last_week", "last_month"):
                query = f"breakdown=shop&window={window}&with={against}"
                yield from (f"{slug}/contribution?{query}&most={most}" for most in (2, 100))


def _wrong(oracle: Oracle, body: Mapping[str, Any]) -> list[str]:
    then, now = instants(body)
    found = []
    for name, at in (("base", then), ("now", now)):
        expected = oracle.value(body["kpi"], body["window"], {}, at, now=NOW)
        if (not _agrees(expected, body[name]["value"])) or expected.n != body[name]["n"]:
            found.append(f"the total is {body[name]} and not {expected}")
    for item in body["items"]:
        for value, n, at in (("base", "base_n", then), ("value", "n", now)):
            expected = oracle.value(body["kpi"], body["window"], item["dimensions"], at, now=NOW)
            if item["dimensions"] != OTHER and not (_agrees(expected, item[value]) and expected.n == item[n]):
                found.append(f"{item} and not {expected}")
    if body["change"] is not None and added(body["items"], "contribution") != Fraction(body["change"]):
        found.append(f"all items come to {added(body['items'], 'contribution')} of {body['change']}")
    if added(body["items"], "n") != body["now"]["n"] or added(body["items"], "base_n") != body["base"]["n"]:
        found.append("the items have not all events")
    return found


def _agrees(expected: Any, value: Any) -> bool:
    return bool(expected.agrees_with(None if value is None else Decimal(value)))


@pytest.mark.parametrize("slug", ["orders", "revenue", "balance"])
async def test_what_adds_up(database_url: str, slug: str) -> None:
    """Of what adds up, a shop did what it changed by; the largest comes first, all others last."""
    async with a_shop(database_url) as shop:
        body = await shop.told(f"{slug}/contribution?breakdown=shop&window=7d&most=3")
        then, now = instants(body)
        changes = {
            name: shop.value(slug, "7d", now, [name]) - shop.value(slug, "7d", then, [name]) for name in SHOPS
        }

    ordered = sorted(changes, key=lambda name: -abs(changes[name]))
    expected = [*({"shop": name} for name in ordered[:3]), OTHER]
    amounts = [*(changes[name] for name in ordered[:3]), changes[ordered[3]] + changes[ordered[4]]]
    assert body["method"] == "difference"
    assert expected == [item["dimensions"] for item in body["items"]]
    assert amounts == [Fraction(item["contribution"]) for item in body["items"]]
    assert amounts == [Fraction(item["change"]) for item in body["items"]]


@pytest.mark.parametrize(
    ("slug", "above", "below", "times"),
    [("mean_price", "revenue", "orders", 1), ("refund_share", "refunds", "orders", 100)],
)
async def test_mix_and_rate(database_url: str, slug: str, above: str, below: str, times: int) -> None:
    """A quotient changes by weights and by the shops' own quotients, reckoned from the oracle's sums."""
    async with a_shop(database_url) as shop:
        body = await shop.told(f"{slug}/contribution?breakdown=shop&window=7d&most=2")
        then, now = instants(body)

        def sums(at: datetime, shops: Sequence[str | None]) -> tuple[Fraction, Fraction]:
            return shop.value(above, "7d", at, shops) * times, shop.value(below, "7d", at, shops)

        named = [item["dimensions"]["shop"] for item in body["items"][:2]]
        groups = [[named[0]], [named[1]], [name for name in SHOPS if name not in named]]
        wholes = sums(then, SHOPS), sums(now, SHOPS)
        expected = [_bennet(sums(then, group), sums(now, group), *wholes) for group in groups]

    assert body["method"] == "mix_and_rate"
    assert len(body["items"]) == 3
    for item, (mix, rate) in zip(body["items"], expected, strict=True):
        assert float(item["mix_effect"]) == pytest.approx(float(mix), rel=1e-12)
        assert float(item["rate_effect"]) == pytest.approx(float(rate), rel=1e-12)


def _bennet(*sums: tuple[Fraction, Fraction]) -> tuple[Fraction, Fraction]:
    """Mix and rate of a part, from above and below of it then and now, and of the whole then and now."""
    (a0, b0), (a1, b1), (whole_a0, whole_b0), (whole_a1, whole_b1) = sums
    w0, w1, r0, r1 = b0 / whole_b0, b1 / whole_b1, a0 / b0, a1 / b1
    mean = (whole_a0 / whole_b0 + whole_a1 / whole_b1) / 2
    return ((r0 + r1) / 2 - mean) * (w1 - w0), (w0 + w1) / 2 * (r1 - r0)


async def test_a_shop_that_closed(database_url: str) -> None:
    """A shop without orders now has no mean and no change of it, but what its end did to the mean of all."""
    async with a_shop(database_url) as shop:
        body = await shop.told("mean_price/contribution?breakdown=shop&window=24h&with=last_week")

    rome = next(item for item in body["items"] if item["dimensions"] == {"shop": "Rom"})
    assert (rome["value"], rome["n"], rome["change"], rome["rate_effect"]) == (None, 0, None, 0)
    assert rome["base_n"] > 0
    assert rome["contribution"] == rome["mix_effect"] != 0


async def test_two_dimensions(database_url: str) -> None:
    """A breakdown by two dimensions is told by the combinations of their values."""
    async with a_shop(database_url) as shop:
        body = await shop.told("orders/contribution?breakdown=channel,shop&window=7d&most=100")

    assert body["breakdown"] == ["shop", "channel"]
    assert len(body["items"]) == len(SHOPS) * 2
    assert added(body["items"], "contribution") == body["change"]


async def test_refused(database_url: str) -> None:
    """A minimum is nobody's sum: it is refused, and so is what is not kept."""
    async with a_shop(database_url) as shop:
        answer = await shop.client.get("/v1/kpis/lowest_price/contribution?breakdown=shop")
        strange = await shop.client.get("/v1/kpis/orders/contribution?breakdown=channel")

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:tidemark:problem:bad-input")
    assert "lowest_price is a min" in answer.json()["detail"]
    assert strange.json()["type"] == "urn:tidemark:problem:unknown-breakdown"


def told(found: Explanation) -> dict[str | None, Decimal | None]:
    """By shop, the value now."""
    readings = [part.compared.now for part in found.parts]
    return {reading.dimensions["shop"]: reading.value for reading in readings}


DAY = Change("orders", "24h", ("shop",), NOW - timedelta(days=1), NOW)


async def test_younger_breakdown(database_url: str) -> None:
    """What came before a breakdown was counted is in no series: it is left, and still all adds up.

    | before the breakdown: 3 orders | after it: 2 of Köln |
    """
    plain = a_kpi("orders", windows=["24h"])
    async with counting(database_url, [plain]) as mine:
        await mine.take_over([0])
        await mine.count_events(_of("Köln", range(3)))
        async with transaction(mine.engine) as connection:
            await apply_changes(connection, [a_kpi("orders", windows=["24h"], breakdowns=[["shop"]])], NOW)
        await mine.reload()
        await mine.count_events(_of("Köln", range(3, 5)))
        async with reading(mine.engine) as connection:
            found = await explained(connection, mine.catalogue, DAY, most=10, now=NOW)

    assert told(found) == {"Köln": 2, "__other__": 3}
    assert [part.contribution.amount for part in found.parts if part.contribution] == [2, 3]
    assert found.whole.change == 5


async def test_many_shops(database_url: str) -> None:
    """Those that did most are found among all series, wherever they stand; the others are one.

    230 shops with an order each, and of three of them 4, 3 and 2.
    """
    numbers = [*range(230), *[150] * 3, *[220] * 2, 5]
    async with counting(database_url, [a_kpi("orders", windows=["24h"], breakdowns=[["shop"]])]) as mine:
        await mine.take_over([0])
        await mine.count_events(an_event(n, data={"shop": f"{k:03}"}) for n, k in enumerate(numbers))
        async with reading(mine.engine) as connection:
            found = await explained(connection, mine.catalogue, DAY, most=3, now=NOW)

    assert list(told(found)) == ["150", "220", "005", "__other__"]
    assert list(told(found).values()) == [4, 3, 2, 227]


async def test_nothing(database_url: str) -> None:
    """Without any event nothing has changed, and nobody did anything to it."""
    async with counting(database_url, [a_kpi("orders", windows=["24h"], breakdowns=[["shop"]])]) as mine:
        await mine.take_over([0])
        async with reading(mine.engine) as connection:
            found = await explained(connection, mine.catalogue, DAY, most=10, now=NOW)

    assert found.whole.change == 0
    assert told(found) == {}


async def test_one_snapshot(database_url: str) -> None:
    """Whatever is counted meanwhile, total and series are those of one moment: nothing is left over."""
    async with counting(database_url, [a_kpi("orders", windows=["24h"], breakdowns=[["shop"]])]) as mine:
        await mine.take_over([0])
        await mine.count_events(_of("Köln", range(2)))
        async with reading(mine.engine) as connection:
            await connection.exec_driver_sql("SELECT 1 FROM positions")
            await _count_more(mine)
            found = await explained(connection, mine.catalogue, DAY, most=10, now=NOW)

    assert told(found) == {"Köln": 2}


async def _count_more(mine: Counting) -> None:
    await mine.count_events(_of("Łódź", range(2, 5)))


def _of(shop: str, numbers: range) -> list[CleanEvent]:
    return [an_event(number, data={"shop": shop}) for number in numbers]
