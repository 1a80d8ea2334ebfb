"""What was known at an earlier time, over HTTP."""

from typing import Any

import httpx2
import pytest

from shared.domain.errors import BrokerUnavailableError, LogLostError, ReplayTooLargeError
from tests.unit.api.builders import NOW, Memory, Past, a_client, a_kpi

pytestmark = pytest.mark.asyncio

THEN = "2026-01-31T07:00:00Z"


async def _answer(path: str, past: Past | None = None, memory: Memory | None = None) -> httpx2.Response:
    memory = memory or Memory()
    async with a_client(memory, a_kpi(), past=past or Past(memory)) as client:
        return await client.get(f"/v1/kpis/departures/{path}")


async def test_value() -> None:
    """A value as known earlier is answered by the log of then, for the instant of then."""
    memory = Memory()
    past = Past(memory)
    answer = await _answer(f"value?known_at={THEN}", past, memory)

    assert answer.json()["as_of"] == THEN
    assert [(ask.at.isoformat(), ask.window) for ask in memory.asks] == [("2026-01-31T07:00:00+00:00", "1h")]
    assert past.times == [NOW.replace(hour=7, minute=0)]


async def test_an_earlier_instant() -> None:
    """The instant and the time of knowing are two questions."""
    memory = Memory()
    await _answer(f"value?known_at={THEN}&at=2026-01-31T05:00:00Z", memory=memory)

    assert [ask.at.hour for ask in memory.asks] == [5]


async def test_of_all_series() -> None:
    """The series of a breakdown, too, are told as they were known."""
    memory = Memory()
    memory.known = [(("carrier", "AA"),), (("carrier", "BB"),)]
    past = Past(memory)
    answer = await _answer(f"value?breakdown=carrier&known_at={THEN}", past, memory)

    assert [each["as_of"] for each in answer.json()["items"]] == [THEN, THEN]
    assert len(past.times) == 1


async def test_history() -> None:
    """A history as known earlier ends, unless told otherwise, at the time of knowing."""
    memory = Memory()
    answer = await _answer(f"history?step=1h&from=now-3h&known_at={THEN}", memory=memory)

    assert [each["at"][11:13] for each in answer.json()["items"]] == ["04", "05", "06", "07"]
    assert answer.json()["as_of"] == THEN


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("value?known_at=2026-01-31T09:30:01Z", "known_at"),
        ("value?known_at=yesterday", "known_at"),
        ("value?known_at=2021-01-31T09:30:00Z", "known_at"),
        (f"value?known_at={THEN}&at=2026-01-31T07:06:00Z", "at"),
        (f"history?step=1s&from=now-1h&known_at={THEN}", "step"),
    ],
)
async def test_refused(path: str, fault: str) -> None:
    """Nothing is known of the future, what lies further ahead than then, or too many points at once."""
    answer = await _answer(path)

    assert answer.status_code == 400
    assert [each["parameter"] for each in answer.json()["errors"]] == [fault]


@pytest.mark.parametrize(
    ("failure", "status", "slug"),
    [
        (ReplayTooLargeError(2_000_000, 500_000), 400, "replay-too-large"),
        (LogLostError(0, 5, 10), 410, "log-lost"),
        (BrokerUnavailableError("no answer"), 503, "try-again"),
    ],
    ids=str,
)
async def test_failures(failure: Exception, status: int, slug: str) -> None:
    """What cannot be read again is told as what it is."""
    past = Past(Memory())
    past.failure = failure
    answer = await _answer(f"value?known_at={THEN}", past)
    body: Any = answer.json()

    assert (answer.status_code, body["type"]) == (status, f"urn:tidemark:problem:{slug}")
