"""How a KPI has gone, over HTTP."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.storage.readings import Ask
from tests.unit.api.builders import NOW, Memory, a_client, a_kpi

pytestmark = pytest.mark.asyncio


class Days(Memory):
    """Readings of whole days."""

    async def evaluate(self, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime) -> list[Reading]:
        """The readings, each of the day that ends with the instant asked for."""
        found = await super().evaluate(catalogue, asks, now=now)
        return [replace(each, window_start=each.window_end - timedelta(days=1)) for each in found]


async def test_points() -> None:
    """Points lie a step apart from the first instant, the last instant included."""
    memory = Memory()
    async with a_client(memory) as client:
        body = (await client.get("/v1/kpis/departures/history?from=now-1h&to=now&step=20m")).json()

    assert body["step_s"] == 1200
    assert [item["at"] for item in body["items"]] == [
        "2026-01-31T08:30:00Z",
        "2026-01-31T08:50:00Z",
        "2026-01-31T09:10:00Z",
        "2026-01-31T09:30:00Z",
    ]


async def test_series() -> None:
    """A history is of one series, and says which."""
    memory = Memory()
    async with a_client(memory) as client:
        query = "?window=24h&carrier=AA&from=2026-01-31T09:00:00Z&to=2026-01-31T09:00:00Z"
        body = (await client.get(f"/v1/kpis/departures/history{query}")).json()

    assert (body["window"], body["dimensions"], len(body["items"])) == ("24h", {"carrier": "AA"}, 1)


async def test_default_stretch() -> None:
    """Without wishes a history is of the last day, in steps that suit a chart: 24 h / 240 is 6 min, so 15."""
    memory = Memory()
    async with a_client(memory) as client:
        body = (await client.get("/v1/kpis/departures/history")).json()

    assert (memory.asks[0].at, memory.asks[-1].at, body["step_s"]) == (NOW - timedelta(days=1), NOW, 900)


@pytest.mark.parametrize(("span_s", "is_allowed"), [(1999, True), (2000, False)])
async def test_most_points(span_s: int, *, is_allowed: bool) -> None:
    """A history has 2,000 points at most: 1,999 steps and the first point."""
    async with a_client(Memory()) as client:
        answer = await client.get(f"/v1/kpis/departures/history?from=now-{span_s}s&step=1s")

    assert (answer.status_code == 200) is is_allowed


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?from=now-1x", "from"),
        ("?from=now-9999999w", "from"),
        ("?from=now&to=now-1h", "to"),
        ("?from=now-1501d", "from"),
        ("?step=0m", "step"),
        ("?step=5", "step"),
    ],
)
async def test_parameters_refused(query: str, parameter: str) -> None:
    """A stretch that makes no sense is a problem that names the parameter."""
    async with a_client(Memory()) as client:
        answer = await client.get(f"/v1/kpis/departures/history{query}")

    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]


async def test_unchanged() -> None:
    """Who has the history already gets 304."""
    async with a_client(Memory()) as client:
        first = await client.get("/v1/kpis/departures/history")
        tag = {"If-None-Match": first.headers["etag"]}
        again = await client.get("/v1/kpis/departures/history", headers=tag)

    assert again.status_code == 304


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?bucket=day&step=1h", "step"),
        ("?bucket=day&window=1h", "window"),
        ("?bucket=day&from=now-1h", "from"),
        ("?bucket=hour&from=now-399d&to=now-390d", "bucket"),
        ("?bucket=day&zone=Asia/Kathmandu", "zone"),
        ("?zone=Nowhere/At_All", "zone"),
        ("?zone=../../etc/passwd", "zone"),
        ("?step=1y", "step"),
        ("?top=3", "top"),
        ("?breakdown=carrier&known_at=2026-01-31T09:00:00Z", "known_at"),
        ("?breakdown=carrier&origin=JFK", "origin"),
        ("?breakdown=carrier&annotations=true", "annotations"),
        ("?fill=guess", "fill"),
    ],
)
async def test_wishes_refused(query: str, parameter: str) -> None:
    """What cannot be told is refused, and the parameter named."""
    async with a_client(Memory()) as client:
        answer = await client.get(f"/v1/kpis/departures/history{query}")

    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]


@pytest.mark.parametrize("bucket", ["day", "week", "month", "quarter", "year"])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu"])
async def test_begin_of_calendars(bucket: str, zone: str) -> None:
    """Where calendars begin nothing is kept, and no zone is asked what came before."""
    async with a_client(Memory(), a_kpi(zone=zone)) as client:
        query = f"?bucket={bucket}&from=0001-01-01T00:00:00Z"
        answer = await client.get(f"/v1/kpis/departures/history{query}")

    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == ["from"]


@pytest.mark.parametrize(
    ("bucket", "zone", "status"),
    [
        ("day", "Asia/Tokyo", 400),
        ("month", "Asia/Tokyo", 400),
        ("hour", "Asia/Tokyo", 200),
        ("hour", "Asia/Kathmandu", 400),
        ("day", "Africa/Accra", 200),
    ],
)
async def test_parts_of_other_zones(bucket: str, zone: str, status: int) -> None:
    """What is counted by the days of two zones has no day of its own; hours may be the same."""
    kpis = [a_kpi(), a_kpi("other", zone=zone)]
    both = a_kpi("both", event_type=None, aggregate=None, formula="departures + other")
    async with a_client(Memory(), *kpis, both) as client:
        answer = await client.get(f"/v1/kpis/both/history?bucket={bucket}&from=now-45d")

    assert answer.status_code == status


@pytest.mark.parametrize(("zone", "status"), [("Asia/Tokyo", "no_data"), ("UTC", "on_track")])
async def test_targets_of_other_zones(zone: str, status: str) -> None:
    """A period of another zone is not the one that a target is followed for."""
    kpis = [a_kpi(target={"kpi": "other"}), a_kpi("other", zone=zone)]
    async with a_client(Days(), *kpis) as client:
        body = (await client.get("/v1/kpis/departures/history?bucket=day&from=now-3d")).json()

    assert {item["status"] for item in body["items"]} == {status}


async def test_too_many_series() -> None:
    """Series and points together have a limit."""
    memory = Memory()
    memory.known = [(("carrier", str(number)),) for number in range(6)]
    async with a_client(memory) as client:
        answers = [
            await client.get(f"/v1/kpis/departures/history?breakdown=carrier&from=now-{points - 1}s&step=1s")
            for points in (833, 834)
        ]

    assert [answer.status_code for answer in answers] == [200, 400]


async def test_gaps_of_a_kpi() -> None:
    """What a KPI says of its gaps holds unless another rule is asked for; the status stays no data."""
    memory = Memory()
    memory.value = None
    async with a_client(memory, a_kpi(gaps="zero", target={"value": 5})) as client:
        path = "/v1/kpis/departures/history?from=now&to=now"
        own, other = [(await client.get(f"{path}{more}")).json() for more in ("", "&fill=null")]

    assert [
        (each["fill"], each["items"][0]["value"], each["items"][0]["filled"]) for each in (own, other)
    ] == [
        ("zero", 0, True),
        ("null", None, False),
    ]
    assert own["items"][0]["status"] == "no_data"


async def test_same_periods_elsewhere() -> None:
    """A zone whose periods are those of the KPI's zone is as good as it."""
    async with a_client(Memory()) as client:
        answer = await client.get("/v1/kpis/departures/history?bucket=day&zone=Africa/Accra&from=now-5d")

    assert (answer.status_code, answer.json()["zone"], len(answer.json()["items"])) == (
        200,
        "Africa/Accra",
        4,
    )
