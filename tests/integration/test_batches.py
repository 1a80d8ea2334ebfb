"""Questions asked together of the real application on a real Postgres are answered as the oracle has it."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.integration.test_comparisons import SHOPS, Shop, a_shop
from tests.unit.compute.builders import NOW

pytestmark = pytest.mark.asyncio

AGES = (timedelta(0), timedelta(hours=5, minutes=13), timedelta(days=40))


def _questions() -> Iterator[dict[str, Any]]:
    for number, slug in enumerate(("paid", "orders", "growth")):
        for age in AGES:
            yield {"kpi": slug, "window": "today", "at": (NOW - age).isoformat()}
        yield {"kpi": slug, "window": "ytd", "dimensions": {"shop": SHOPS[number]}, "compare": ["last_month"]}
        yield {"kpi": slug, "window": "previous_month", "breakdown": ["shop"], "top": 2}
        yield {"kpi": slug, "window": "17h"}


async def _answers(shop: Shop, questions: list[dict[str, Any]]) -> list[Any]:
    answer = await shop.client.post("/v1/values/query", json={"questions": questions})
    answer.raise_for_status()
    items = msgspec.json.Decoder(float_hook=Decimal).decode(answer.content)["items"]
    return list(items)


async def test_oracle(database_url: str) -> None:
    """Totals, single series and the largest series of a breakdown are the oracle's, question by question."""
    checked = 0
    async with a_shop(database_url) as shop:
        questions = list(_questions())
        for question, answer in zip(questions, await _answers(shop, questions), strict=True):
            if question["window"] == "17h":
                assert answer["problem"]["type"] == "urn:tidemark:problem:unknown-window"
                continue
            found = answer["series"] or [answer["value"]]
            at = (
                NOW if "at" not in question else __import__("datetime").datetime.fromisoformat(question["at"])
            )
            for value in found:
                if value["dimensions"].get("shop") == "__other__":
                    continue
                assert shop.agrees(value, value, at), value
                checked += 1

    assert checked == 3 * (3 + 1 + 2)
