"""Explanations over HTTP: what is asked, and what is wrong with it."""

import base64
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from services.api.explanation_cursors import Mark, fingerprint, mark_of, mark_text
from services.api.http.parameters import InvalidParameterError
from shared.domain.calendars import instant_us
from shared.domain.errors import LogLostError, ReplayTooLargeError
from shared.domain.expressions import Operand
from shared.replay.explaining import Inquiry, Page
from shared.replay.listing import Pinned
from shared.storage.readings import Ask
from tests.unit.api.builders import NOW, Memory, Past, a_client, a_kpi

AT = "2026-01-31T08:00:00Z"
INQUIRY = Inquiry(Ask("departures", "1h", (), NOW), Operand("departures"), NOW, is_past=False)
FORMULA = a_kpi("ratio", formula="departures / prev(departures)", event_type=None, aggregate=None)


async def _answer(path: str, past: Past | None = None) -> httpx2.Response:
    async with a_client(Memory(), a_kpi(), FORMULA, past=past or Past(Memory())) as client:
        return await client.get(f"/v1/kpis/{path}")


def _past(failure: Exception) -> Past:
    past = Past(Memory())
    past.failure = failure
    return past


@pytest.mark.asyncio
async def test_what_is_asked() -> None:
    """Window, instant, dimensions, part and sample become the inquiry."""
    past = _past(ReplayTooLargeError(7, 6))
    await _answer(f"ratio/explain?at={AT}&carrier=AA&part=prev(departures)&sample=7&window=24h", past)
    inquiry, page = past.explaining[0]

    assert inquiry.operand == Operand("departures", is_previous=True)
    assert (inquiry.ask.slug, inquiry.ask.window, inquiry.ask.dimensions) == (
        "ratio",
        "24h",
        (("carrier", "AA"),),
    )
    assert page == Page(7)


@pytest.mark.asyncio
async def test_no_sample() -> None:
    """Without a sample no events are looked for."""
    past = _past(ReplayTooLargeError(7, 6))
    await _answer("departures/explain?sample=0", past)

    assert past.explaining[0][1] is None


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("failure", "status", "kind", "text"),
    [
        (ReplayTooLargeError(700, 600), 400, "replay-too-large", "700 records"),
        (LogLostError(3, 5, 9), 410, "log-lost", "partition 3"),
    ],
)
@pytest.mark.parametrize("path", ["departures/explain", "departures/explain/events"])
async def test_what_cannot_be_read(path: str, failure: Exception, status: int, kind: str, text: str) -> None:
    """A log that is too long, or no longer there, is told with the numbers."""
    answer = await _answer(path, _past(failure))

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:tidemark:problem:{kind}")
    assert text in answer.json()["detail"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "parameter", "text"),
    [
        ("departures/explain?sample=501", "sample", "500"),
        ("departures/explain?sample=-1", "sample", "0"),
        ("departures/explain?part=prev(departures)", "part", "departures, which reads nothing"),
        ("ratio/explain?part=arrivals", "part", "departures, prev(departures)"),
        ("ratio/explain/events", "part", "ratio is a formula"),
        ("departures/explain?at=yesterday", "at", "RFC 3339"),
        ("departures/explain/events?cursor=!", "cursor", "not one that"),
        ("departures/explain/events?cursor=7b7d", "cursor", "not one that"),
        ("departures/explain/events?limit=501", "limit", "500"),
    ],
)
async def test_bad_parameters(path: str, parameter: str, text: str) -> None:
    """What cannot be used is named, with what would be right."""
    answer = await _answer(path)

    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, parameter)
    assert text in answer.json()["errors"][0]["detail"]


@pytest.mark.asyncio
async def test_cursor_of_another_list() -> None:
    """A cursor goes on with the list that gave it out, and with no other."""
    text = mark_text(Mark.of(INQUIRY, fingerprint(INQUIRY, 3), Pinned({0: 5}, 9, 1), (1, 0, 2)))
    past = _past(ReplayTooLargeError(7, 6))
    same, window, instant = [
        await _answer(f"departures/explain/events?cursor={text}{more}", past)
        for more in ("", "&window=24h", f"&at={AT}")
    ]

    assert past.explaining == [(INQUIRY, Page(100, (1, 0, 2)))]
    assert same.json()["type"] == "urn:tidemark:problem:replay-too-large"
    assert window.json()["errors"][0]["parameter"] == "cursor"
    assert instant.json()["errors"][0]["parameter"] == "at"


def test_a_mark_comes_back() -> None:
    """A cursor says all that pins the list down, partitions that are not counted yet included."""
    mark = Mark.of(INQUIRY, b"12345678", Pinned({0: 5, 2: 2**40}, 9, 17), (instant_us(NOW), 2, 3))
    found = mark_of(mark_text(mark), now=NOW)

    assert found == mark
    assert found.pinned == Pinned({0: 5, 1: 0, 2: 2**40}, 9, 17)


def test_a_url_has_room() -> None:
    """A cursor of 128 partitions with billions of records each fits into an address."""
    pinned = Pinned(dict.fromkeys(range(128), 2**33), 10**9, 2**61 - 2)

    assert len(mark_text(Mark.of(INQUIRY, b"12345678", pinned, (instant_us(NOW), 127, 2**33)))) < 1700


@pytest.mark.parametrize(
    "changes",
    [
        {"now_us": instant_us(NOW + timedelta(seconds=1))},
        {"now_us": instant_us(NOW - timedelta(days=401))},
        {"at_us": instant_us(NOW + timedelta(minutes=6))},
        {"at_us": 0},
        {"offsets": [-1]},
        {"offsets": [2**63]},
        {"offsets": [0] * 2000},
        {"last": [0, 0]},
        {"about": "text"},
        {"n": 2**80},
    ],
    ids=str,
)
def test_a_mark_of_somebody_else(changes: dict[str, Any]) -> None:
    """What no list gave out is refused, whatever stands in it."""
    mark = Mark.of(INQUIRY, b"12345678", Pinned({0: 5}, 9, 17), (1, 2, 3))
    fields = [changes.get(name, value) for name, value in msgspec.structs.asdict(mark).items()]
    fields = [str(field) if isinstance(field, int) and field >= 2**64 else field for field in fields]
    text = base64.urlsafe_b64encode(msgspec.msgpack.encode(fields)).decode().rstrip("=")

    with pytest.raises(InvalidParameterError):
        mark_of(text, now=NOW)
