"""The pace of the real application is what the oracle works out of looks at many instants."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.integration.shop_api import shop_api
from tests.integration.test_comparisons import orders
from tests.integration.test_targets import KPI_FILE, SERIES, is_near, told
from tests.oracle import Oracle
from tests.unit.compute.builders import NOW

pytestmark = pytest.mark.asyncio

KPIS = {"paid": True, "orders": True, "price": False, "kept": True}
PERIODS = ("this_week", "mtd", "qtd", "ytd")


def _agrees(body: dict[str, Any], oracle: Oracle, at: datetime) -> str:
    """How the projection of *body* was made, which is what the oracle says it is."""
    about = {name: body[name] for name in ("window", "dimensions")}
    found = oracle.paced(body["kpi"], **about, at=at, now=NOW, adds_up=KPIS[body["kpi"]])
    where = (body["kpi"], about, at, body, found)
    projection, target = body["projection"], body["target"]
    assert is_near(body["expected"], found.expected.target), where
    assert body["status"] == found.expected.status, where
    assert is_near(body["attainment"], found.expected.attainment), where
    assert is_near(None if target is None else target["value"], found.whole.target), where
    assert (projection["method"], projection["status"]) == (found.method, found.whole.status), where
    assert is_near(projection["value"], found.projected), where
    assert is_near(projection["attainment"], found.whole.attainment), where
    assert is_near(body["required_per_day"], found.required_per_day), where
    return str(projection["method"])


async def test_every_kind(database_url: str) -> None:
    """At random instants, for every period and series, the API and the oracle tell the same pace."""
    chance, met = random.Random(7), set[str]()  # noqa: S311 - no secret
    instants = [NOW - timedelta(seconds=chance.randrange(30 * 86_400)) for _ in range(2)]
    async with shop_api(database_url, KPI_FILE, orders()) as (client, oracle):
        for at in (NOW, *instants):
            for slug in KPIS:
                for window in (each for each in PERIODS if each in oracle.windows(slug)):
                    for dimensions in SERIES:
                        asked = {name: value or "" for name, value in dimensions.items()}
                        asked |= {"window": window, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
                        met.add(_agrees(await told(client, f"/v1/kpis/{slug}/pace", **asked), oracle, at))

    assert met == {"seasonal", "run_rate", "None"}


async def test_adds_up(database_url: str) -> None:
    """What is there and what has to come for the rest of the period make its target."""
    async with shop_api(database_url, KPI_FILE, orders()) as (client, _):
        at = f"{NOW - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
        body = await told(client, "/v1/kpis/paid/pace", window="mtd", at=at)

    left = datetime.fromisoformat(body["period_end"]) - datetime.fromisoformat(body["until"])
    rest = Fraction(body["required_per_day"]) * Fraction(left // timedelta(microseconds=1), 86_400_000_000)
    assert is_near(Decimal(body["target"]["value"]), Fraction(body["value"]) + rest)
    assert Fraction(body["ahead"]) == Fraction(body["value"]) - Fraction(body["expected"])
    assert len(body["projection"]["earlier"]) == 8


@pytest.mark.parametrize("window", ["24h", "previous_month"])
async def test_no_period(database_url: str, window: str) -> None:
    """Only a period that is going on has a pace; the answer names the parameter and what to ask for."""
    async with shop_api(database_url, KPI_FILE, []) as (client, _):
        answer = await client.get("/v1/kpis/paid/pace", params={"window": window})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == "window"
    assert "mtd" in answer.json()["errors"][0]["detail"]
