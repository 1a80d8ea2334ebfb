"""Targets, attainment and status of the real application are what the oracle works out day by day."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from tests.integration.shop_api import shop_api
from tests.integration.test_comparisons import orders
from tests.oracle import Oracle
from tests.unit.compute.builders import NOW

pytestmark = pytest.mark.asyncio

KPI_FILE = Path(__file__).parents[1] / "shop" / "targets.yaml"
KPIS = ("paid", "orders", "price", "kept", "steady")
SERIES: list[dict[str, str | None]] = [{}, {"shop": "Köln"}, {"shop": "Łódź"}, {"shop": None}]


async def told(client: httpx2.AsyncClient, path: str, **parameters: str) -> Any:
    """The body that *path* is answered with, every number exact."""
    answer = await client.get(path, params=parameters)
    answer.raise_for_status()
    return msgspec.json.Decoder(float_hook=Decimal).decode(answer.content)


def _agrees(body: dict[str, Any], oracle: Oracle, at: datetime, **about: Any) -> str:
    """The status of *body*, which is what the oracle says of it."""
    where = (about, at, body)
    expected = oracle.judged(about["kpi"], about["window"], about["dimensions"], at, now=NOW)
    target = body["target"]
    assert body["status"] == expected.status, (*where, expected)
    assert is_near(None if target is None else target["value"], expected.target), (*where, expected)
    assert is_near(body["attainment"], expected.attainment), (*where, expected)
    if target is not None:
        assert is_near(target["warning"], expected.warning), (*where, expected)
    return str(body["status"])


def is_near(found: Decimal | None, expected: Fraction | None) -> bool:
    """Whether *found* is *expected* to 30 digits."""
    if found is None or expected is None:
        return found is None and expected is None
    return abs(Fraction(found) - expected) <= max(abs(expected), Fraction(1)) / 10**30


async def test_every_kind(database_url: str) -> None:
    """At random instants, over every window and for every series, the API and the oracle judge alike."""
    chance, met = random.Random(4), set[str]()  # noqa: S311 - no secret
    instants = [NOW - timedelta(seconds=chance.randrange(33 * 86_400)) for _ in range(3)]
    async with shop_api(database_url, KPI_FILE, orders()) as (client, oracle):
        for at in (NOW, *instants):
            for slug in KPIS:
                for window in oracle.windows(slug):
                    for dimensions in SERIES:
                        asked = {name: value or "" for name, value in dimensions.items()}
                        asked |= {"window": window, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
                        body = await told(client, f"/v1/kpis/{slug}/value", **asked)
                        met.add(_agrees(body, oracle, at, kpi=slug, window=window, dimensions=dimensions))

    assert met == {"on_track", "at_risk", "off_track", "no_target", "no_data"}


async def test_everywhere(database_url: str) -> None:
    """A history has the target of each point, a comparison that of then, a list that of now."""
    begin = NOW - timedelta(days=4)
    async with shop_api(database_url, KPI_FILE, orders()) as (client, oracle):
        span = {"from": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "to": f"{NOW:%Y-%m-%dT%H:%M:%SZ}", "step": "7h"}
        history = await told(client, "/v1/kpis/paid/history", window="mtd", **span)
        compared = await told(client, "/v1/kpis/paid/compare", window="mtd", **{"with": "last_week"})
        listed = await told(client, "/v1/values", kpi="paid")

        about: dict[str, Any] = {"kpi": "paid", "window": "mtd", "dimensions": {}}
        targets = {item["target"]["value"] for item in history["items"]}
        for item in history["items"]:
            _agrees(item, oracle, datetime.fromisoformat(item["at"]), **about)
        base = compared["items"][0]
        _agrees(base["base"], oracle, datetime.fromisoformat(base["at"]), **about)
        for item in listed["items"]:
            _agrees(item, oracle, NOW, kpi="paid", window=item["window"], dimensions=item["dimensions"])

    assert (len(targets), len(history["items"])) == (11, 14)  # nothing is aimed at on the Sunday
