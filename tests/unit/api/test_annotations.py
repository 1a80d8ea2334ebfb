"""What cannot be said or asked about annotations, over HTTP."""

from typing import Any

import pytest

from tests.unit.api.builders import Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio

T0 = "2026-01-31T09:00:00Z"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/text"),
        ({"text": " \n "}, "/text"),
        ({"text": "x" * 4001}, "/text"),
        ({"text": "bell \x07"}, "/text"),
        ({"text": "turned \u202e round"}, "/text"),
        ({"text": "x", "kind": "rumour"}, "/kind"),
        ({"text": "x", "start_at": "2026-01-31"}, "/start_at"),
        ({"text": "x", "start_at": 1769850000}, "/start_at"),
        ({"text": "x", "start_at": T0, "end_at": T0}, "/end_at"),
        ({"text": "x", "link": "javascript:alert(1)"}, "/link"),
        ({"text": "x", "kpis": []}, "/kpis"),
        ({"text": "x", "kpis": ["departures", "nothing"]}, "/kpis/1"),
        ({"text": "x", "window": "1h"}, "/window"),
        ({"text": "x", "kpis": ["departures", "arrivals"], "window": "1h"}, "/window"),
        ({"text": "x", "kpis": ["departures"], "dimensions": {"origin": "JFK"}}, "/dimensions"),
        ({"text": "x", "reply_to": 0}, "/reply_to"),
        ({"text": "x", "markup": True}, "/markup"),
    ],
)
async def test_refused(body: dict[str, Any], pointer: str) -> None:
    """What cannot be said is refused, the field named."""
    async with a_client(Memory(), a_kpi(), a_kpi("arrivals", windows=["24h"])) as client:
        answer = await client.post("/v1/annotations", json=body)

    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/annotations?from=yesterday",
        "/v1/annotations?from=now&to=now-1h",
        "/v1/annotations?kind=rumour",
        "/v1/annotations?cursor=00",
        "/v1/annotations?sort=asc",
        "/v1/annotations/0",
        "/v1/annotations/9223372036854775808",
        "/v1/annotations/1?x=1",
    ],
)
async def test_bad_questions(path: str) -> None:
    """What cannot be asked is refused."""
    async with a_client(Memory()) as client:
        answer = await client.get(path)

    assert answer.status_code == 400
