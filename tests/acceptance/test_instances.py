"""Two and three instances of each service: they share the work, and each of them tells the same numbers."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from shared.runtime.clock import utc_now
from tests.acceptance.members import Member
from tests.acceptance.rig import SOURCES, house
from tests.acceptance.verdicts import judge
from tests.oracle import Oracle
from tests.oracle.__main__ import read_topics
from tests.shop.judging import KPI_FILE
from tests.shop.logs import shop_log

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(170)]


@pytest.mark.parametrize("number", [2, 3])
async def test_instances(number: int) -> None:
    """All instances take a share of the work, and every API answers as the oracle does."""
    log = shop_log(seed=40 + number, events=10_000, now=(made_at := utc_now()))
    async with house() as found:
        members = await found.start(*["ingest"] * number, *["compute"] * number, *["api"] * number)
        ingests, computes, apis = (members[start : start + number] for start in range(0, 3 * number, number))
        await found.all_own(computes)
        await found.send(log.records)
        await judge(found, log, made_at=made_at)
        forwarded = [bool(member.entries("batch_forwarded")) for member in ingests]
        records = await read_topics(found.kafka, list(SOURCES))
        oracle = Oracle(KPI_FILE.read_text(encoding="utf-8"), records, ingested_at=made_at)
        wrong = [line for api in apis for line in await _wrong(api, oracle)]

    assert forwarded == [True] * number
    assert wrong == []


async def _wrong(api: Member, oracle: Oracle) -> Sequence[str]:
    """Every total that *api* has otherwise than the oracle, at an instant within the hour."""
    at = utc_now() - timedelta(minutes=50)
    lines = []
    async with httpx2.AsyncClient(base_url=api.url, timeout=30, trust_env=False) as client:
        for slug in oracle.slugs:
            for window in oracle.windows(slug):
                expected = oracle.value(slug, window, {}, at, now=utc_now())
                told = await _told(client, slug, window, at)
                if not expected.agrees_with(told["value"]) or expected.n != told["n"]:
                    lines.append(f"{slug} {window}: {told} and not {expected}")
    return lines


async def _told(client: httpx2.AsyncClient, slug: str, window: str, at: datetime) -> dict[str, Any]:
    parameters = {"window": window, "at": at.isoformat()}
    answer = await client.get(f"/v1/kpis/{slug}/value", params=parameters)
    assert answer.is_success, answer.text
    told: dict[str, Any] = json.loads(answer.content, parse_float=Decimal)
    value = told["value"]
    return told | {"value": value if value is None else Decimal(value)}
