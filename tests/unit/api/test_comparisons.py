"""How a KPI stands to what it was, over HTTP."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.readings import Reading
from shared.domain.windows import interval
from shared.storage.readings import Ask
from tests.unit.api.builders import NOW, Memory, Past, a_client, a_kpi

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[3]
DOCS, DEMO = ROOT / "docs" / "api.md", ROOT / "kpis" / "flights.yaml"
HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)


class Told(Memory):
    """A store that answers each ask with the value of its instant over the panes that are kept of it.

    Attributes:
        rounds: how often it was asked.
    """

    def __init__(self, values: Mapping[datetime, str | None] | None = None) -> None:
        super().__init__()
        self.values = values or {}
        self.rounds = 0

    async def evaluate(self, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime) -> list[Reading]:
        """A reading for each ask: the value of its instant, else the usual one."""
        self.rounds += 1
        readings = await super().evaluate(catalogue, asks, now=now)
        found = []
        for one, ask in zip(readings, asks, strict=True):
            start, end = _window(catalogue.kpis[ask.slug], ask, now)
            found.append(replace(one, value=self._value(ask.at), window_start=start, window_end=end))
        return found

    def _value(self, at: datetime) -> Decimal | None:
        if at not in self.values:
            return self.value
        text = self.values[at]
        return None if text is None else Decimal(text)


def _window(kpi: Kpi, ask: Ask, now: datetime) -> tuple[datetime, datetime]:
    whole = interval(
        kpi.window_of(ask.window),
        instant_us(ask.at),
        finest=kpi.finest,
        now_us=instant_us(now),
        calendar=Calendar(kpi.zone),
    )
    return as_datetime(whole.start_us), as_datetime(whole.end_us)


async def _answer(memory: Memory, query: str = "", **kpi: Any) -> httpx2.Response:
    async with a_client(memory, a_kpi(**kpi)) as client:
        return await client.get(f"/v1/kpis/departures/compare{query}")


async def _items(memory: Memory, query: str = "", **kpi: Any) -> list[dict[str, Any]]:
    body = json.loads((await _answer(memory, query, **kpi)).text, parse_float=Decimal, parse_int=Decimal)
    items: list[dict[str, Any]] = body["items"]
    return items


async def test_whole_answer() -> None:
    """A comparison says what the value is, what it was, and what became of it."""
    answer = await _answer(Told({NOW - HOUR: "40"}), "?window=1h", target={"value": 50, "warning": 41})

    assert answer.json() == {
        "kpi": "departures",
        "version": 3,
        "window": "1h",
        "dimensions": {},
        "value": 42,
        "unit": "flights",
        "n": 42,
        "window_start": "2026-01-31T08:30:00Z",
        "window_end": "2026-01-31T09:30:00Z",
        "as_of": "2026-01-31T09:29:59Z",
        "complete": False,
        "valid_until": None,
        "target": {
            "value": 50,
            "warning": 41,
            "tolerance": None,
            "kind": "fixed",
            "source": None,
        },
        "status": "at_risk",
        "attainment": 0.84,
        "at": "2026-01-31T09:30:00Z",
        "direction": "up",
        "items": [
            {
                "against": "previous",
                "at": "2026-01-31T08:30:00Z",
                "base": {
                    "value": 40,
                    "n": 42,
                    "window_start": "2026-01-31T07:30:00Z",
                    "window_end": "2026-01-31T08:30:00Z",
                    "excess_s": 0,
                    "complete": False,
                    "target": {
                        "value": 50,
                        "warning": 41,
                        "tolerance": None,
                        "kind": "fixed",
                        "source": None,
                    },
                    "status": "off_track",
                    "attainment": 0.8,
                },
                "change": 2,
                "relative_change": 0.05,
                "judgement": "better",
                "reason": None,
            }
        ],
    }


async def test_many_in_one_snapshot() -> None:
    """All that a value is compared with is read at once, and told in the order asked for, each once."""
    memory = Told()

    items = await _items(memory, "?with=last_year&with=previous&with=last_week&with=previous&with=last_month")

    assert [item["against"] for item in items] == ["last_year", "previous", "last_week", "last_month"]
    assert memory.rounds == 1
    assert [ask.at.isoformat() for ask in memory.asks] == [
        "2026-01-31T09:30:00+00:00",
        "2025-01-31T09:30:00+00:00",
        "2026-01-31T08:30:00+00:00",
        "2026-01-24T09:30:00+00:00",
        "2025-12-31T09:30:00+00:00",
    ]


async def test_local_time() -> None:
    """A month before, the clocks of the KPI's zone showed the same time: 10:30 in Berlin, in summer too."""
    items = await _items(
        Told(), "?at=2025-10-31T09:30:00Z&with=last_month&with=last_week", zone="Europe/Berlin"
    )

    assert [item["at"] for item in items] == ["2025-09-30T08:30:00Z", "2025-10-24T08:30:00Z"]


async def test_weekdays() -> None:
    """Aligned by weekday a month is 28 days and a year 364."""
    items = await _items(Told(), "?with=last_week&with=last_month&with=last_year&align=weekday")

    ages = [NOW - datetime.fromisoformat(item["at"]) for item in items]
    assert ages == [timedelta(days=7), timedelta(days=28), timedelta(days=364)]


async def test_not_kept() -> None:
    """What lies more than 400 days back is not asked for; it is null, with the reason, beside the rest."""
    memory = Told()

    items = await _items(
        memory, f"?at={(NOW - timedelta(days=100)).isoformat()[:19]}Z&with=last_year&with=last_week"
    )

    assert [(each["against"], each["reason"]) for each in items] == [
        ("last_year", "not_kept"),
        ("last_week", None),
    ]
    assert {items[0][name] for name in ("base", "change", "relative_change", "judgement")} == {None}
    assert items[0]["at"] == "2024-10-23T09:30:00Z"
    assert len(memory.asks) == 2


@pytest.mark.parametrize(("days", "reason"), [(393, None), (394, "not_kept")])
async def test_the_last_that_is_kept(days: int, reason: str | None) -> None:
    """An instant 400 days back is the last one that is kept: a week before 393 days ago."""
    items = await _items(Told(), f"?at={(NOW - timedelta(days=days)).isoformat()[:19]}Z&with=last_week")

    assert [each["reason"] for each in items] == [reason]


@pytest.mark.parametrize(
    ("window", "against", "excess_h", "reason"),
    [
        ("1h", "last_month", 0, None),  # quarters of an hour are kept for 35 days
        ("1h", "last_year", 23, "too_coarse"),  # and only days after 100 days
        ("24h", "last_year", 0, None),
        ("today", "last_year", 14.5, "too_coarse"),  # from 09:30 to midnight
        ("mtd", "last_year", 14.5, None),  # of 30.4 days
        ("previous_hour", "last_year", 23, "too_coarse"),
        ("yesterday", "last_year", 0, None),
        ("ytd", "last_year", 14.5, None),
    ],
)
async def test_too_coarse(window: str, against: str, excess_h: float, reason: str | None) -> None:
    """Where old panes make a window longer by more than a twentieth, its value is told, but no change."""
    windows = ["1h", "24h", "today", "mtd", "previous_hour", "yesterday", "ytd"]

    told = (await _items(Told(), f"?window={window}&with={against}", windows=windows))[0]

    assert (told["base"]["value"], told["base"]["excess_s"]) == (42, excess_h * 3600)
    assert (told["reason"], told["change"] is None, told["judgement"] is None) == (
        reason,
        reason is not None,
        reason is not None,
    )


async def test_as_coarse() -> None:
    """Two windows of the distant past that are too long alike can be compared."""
    at = f"{(NOW - timedelta(days=200)).isoformat()[:19]}Z"

    told = (await _items(Told(), f"?window=1h&at={at}&with=last_week"))[0]

    assert (told["base"]["excess_s"], told["change"], told["reason"]) == (23 * 3600, 0, None)


@pytest.mark.parametrize(("now", "before"), [(None, "1"), ("1", None), (None, None)])
async def test_no_data(now: str | None, before: str | None) -> None:
    """Where one of both values is null there is no change, and neither better nor worse."""
    items = await _items(Told({NOW: now, NOW - HOUR: before}))

    told = items[0]
    assert told["base"]["value"] == (None if before is None else Decimal(before))
    assert (told["change"], told["relative_change"], told["judgement"]) == (None, None, None)
    assert told["reason"] == "no_data"


async def test_from_nothing() -> None:
    """There is no change relative to 0, but there is a change."""
    told = (await _items(Told({NOW - HOUR: "0"})))[0]

    assert (told["change"], told["relative_change"], told["judgement"]) == (42, None, "better")
    assert told["reason"] is None


async def test_exact_numbers() -> None:
    """Changes have every digit, and relative ones have 34."""
    values = {NOW: "12345678901234567890123456789012345678.5", NOW - HOUR: "3"}

    told = (await _items(Told(values)))[0]

    assert told["change"] == Decimal("12345678901234567890123456789012345675.5")
    assert told["relative_change"] == Decimal("4.115226300411522630041152263004115E+36")


@pytest.mark.parametrize(
    ("kpi", "judgement"),
    [
        ({"direction": "up"}, "better"),
        ({"direction": "down"}, "worse"),
        ({"direction": "band", "target": {"value": 50, "tolerance": 1}}, "better"),  # 8 off, was 10
        ({"direction": "band", "target": {"value": 20, "tolerance": 1}}, "worse"),
        ({"direction": "band", "target": {"value": 41, "tolerance": 1}}, "same"),
        ({"direction": "band"}, None),
    ],
)
async def test_judgement(kpi: dict[str, Any], judgement: str | None) -> None:
    """A change from 40 to 42 is for the better or the worse by the direction of the KPI."""
    told = (await _items(Told({NOW - HOUR: "40"}), **kpi))[0]

    assert told["judgement"] == judgement


async def test_series() -> None:
    """What is compared is the same series, however its dimension is called."""
    memory = Told()

    answer = await _answer(memory, "?with=last_week&data.with=x&align=date", breakdowns=[["with"]])

    assert answer.json()["dimensions"] == {"with": "x"}
    assert [ask.dimensions for ask in memory.asks] == [(("with", "x"),)] * 2


async def test_what_was_known() -> None:
    """Values as known earlier are compared with each other, all from the log of then."""
    memory = Told()
    past = Past(memory)
    async with a_client(memory, past=past) as client:
        answer = await client.get("/v1/kpis/departures/compare?with=last_week&known_at=2026-01-31T07:00:00Z")

    then = NOW.replace(hour=7, minute=0)
    assert [ask.at for ask in memory.asks] == [then, then - WEEK]
    assert past.times == [then]
    assert answer.json()["as_of"] == "2026-01-31T07:00:00Z"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("?with=yesteryear", "with.0"),
        ("?with=previous&with=", "with.1"),
        ("?align=moon", "align"),
        ("?at=2021-12-01T00:00:00Z", "at"),
        ("?known_at=2031-12-01T00:00:00Z", "known_at"),
    ],
)
async def test_parameters_refused(query: str, parameter: str) -> None:
    """What cannot be compared is a problem that names the parameter, and which of them if there are many."""
    answer = await _answer(Told(), query)

    assert answer.status_code == 400
    assert [fault["parameter"] for fault in answer.json()["errors"]] == [parameter]


@pytest.mark.parametrize(
    ("query", "problem"),
    [("?window=2h", "unknown-window"), ("?karrier=AA", "unknown-breakdown")],
)
async def test_unknown(query: str, problem: str) -> None:
    """What the KPI does not have is told like everywhere."""
    assert (await _answer(Told(), query)).json()["type"] == f"urn:tidemark:problem:{problem}"


async def test_examples() -> None:
    """What docs/api.md shows of comparisons and trends is answered with the KPIs of the demo."""
    shown = re.findall(
        r"curl '[^']*(/v1/kpis/\S+/(?:compare|trend)\?[^']*)'", DOCS.read_text(encoding="utf-8")
    )
    async with a_client(Told(), *kpis_of(DEMO.read_text(encoding="utf-8"))) as client:
        statuses = {path: (await client.get(path)).status_code for path in shown}

    assert list(statuses.values()) == [200, 200]


async def test_unchanged() -> None:
    """Who has the answer gets 304 until a value moves, be it the one of then."""
    memory = Told({NOW - HOUR: "40"})
    path = "/v1/kpis/departures/compare"
    async with a_client(memory) as client:
        tag = {"If-None-Match": (await client.get(path)).headers["etag"]}
        again = await client.get(path, headers=tag)
        memory.values = {NOW - HOUR: "41"}
        moved = await client.get(path, headers=tag)

    assert [each.status_code for each in (again, moved)] == [304, 200]
