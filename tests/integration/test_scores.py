"""Scores of the real application on a real Postgres are what the oracle's values come to."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import msgspec
import pytest

from shared.contracts.events import CleanEvent
from shared.domain.access import Limits, Principal, Scope
from tests.integration.callers import calling
from tests.integration.shop_api import shop_api
from tests.oracle import Oracle
from tests.oracle.scores import Score, Scores
from tests.unit.compute.builders import NOW, an_event

pytestmark = pytest.mark.asyncio

SHOP = Path(__file__).parents[1] / "shop"
KPI_FILE, CARD_FILE = SHOP / "scores.yaml", SHOP / "scorecards.yaml"
SHOPS = ("Köln", "Łódź", None)
PATHS = (
    "scorecards/board",
    "scorecards/weakest",
    "scorecards/untold",
    "objectives/thrive",
    "objectives/grow",
    "objectives/please",
    "objectives/save",
    "departments/sales",
    "departments/finance",
    "categories/financial",
)


def orders() -> list[CleanEvent]:
    """Orders of 40 days, about four an hour, fewer on every third day."""
    ages = [timedelta(minutes=15 * n + n * n % 11) for n in range(3800) if (n // 96) % 3 or n % 2]
    return [
        an_event(n, ago=age, data={"shop": SHOPS[n % 3], "price": n * 37 % 101}) for n, age in enumerate(ages)
    ]


@dataclass(frozen=True, slots=True)
class Shop:
    """An API on the shop, at NOW, and the second opinion on it."""

    client: httpx2.AsyncClient
    oracle: Oracle
    scores: Scores

    async def told(self, path: str, **parameters: str) -> Any:
        """The body of an answer, every number exact."""
        answer = await self.client.get(f"/v1/{path}", params=parameters)
        answer.raise_for_status()
        return msgspec.json.Decoder(float_hook=Decimal).decode(answer.content)

    def expected(self, path: str, at: datetime) -> Score:
        """What *path* comes to by the second opinion."""
        family, name = path.split("/")
        match family:
            case "scorecards":
                return self.scores.of_scorecard(name, at)
            case "objectives":
                return self.scores.of_objective(name, at)
            case "departments":
                return self.scores.of_group("department", name, at)
            case _:
                return self.scores.of_group("category", name, at)

    def card_agrees(self, card: Mapping[str, Any], at: datetime) -> bool:
        """Whether value and score of *card* are the second opinion's."""
        about = card["kpi"], card["window"], card["dimensions"], at
        value = None if card["value"] is None else Decimal(card["value"])
        expected = self.oracle.value(*about, now=NOW)
        return expected.agrees_with(value) and is_near(card["score"], self.scores.of_kpi(*about))


def is_near(told: Any, expected: Fraction | None) -> bool:
    """Whether *told* is *expected* to 4 decimals, but for the last digit of values with 12 digits."""
    if told is None or expected is None:
        return told is expected
    return abs(Fraction(told) - expected) <= Fraction(6, 100_000)


def agrees(body: Mapping[str, Any], expected: Score) -> bool:
    """Whether score, coverage and worst part of *body* are as *expected*."""
    worst = body["worst"]
    name: tuple[str, ...] = ()
    if worst is not None:
        series = worst["kpi"], worst["window"], str(worst["dimensions"])
        name = (worst["objective"],) if worst["kpi"] is None else series
    is_worst = name in expected.worst if expected.worst else worst is None
    return (
        is_worst and is_near(body["score"], expected.score) and is_near(body["coverage"], expected.coverage)
    )


def all_cards(body: Mapping[str, Any]) -> Iterator[Any]:
    """Every card of *body*, however deep."""
    yield from body["cards"]
    for each in body["objectives"]:
        yield from all_cards(each)


@asynccontextmanager
async def a_shop(database_url: str) -> AsyncIterator[Shop]:
    """The shop, with everything counted."""
    kpis, cards = KPI_FILE.read_text("utf-8"), CARD_FILE.read_text("utf-8")
    async with shop_api(database_url, KPI_FILE, orders(), CARD_FILE) as (client, oracle):
        yield Shop(client, oracle, Scores(oracle, kpis, cards, now=NOW))


async def test_at_any_instant(database_url: str) -> None:
    """At random instants every score, coverage, worst part and card is the oracle's, however deep."""
    chosen = Random(4)  # noqa: S311 - instants, not secrets
    instants = [NOW, *(NOW - timedelta(seconds=chosen.randrange(33 * 86_400)) for _ in range(8))]
    async with a_shop(database_url) as shop:
        wrong, seen = [], set()
        for at in instants:
            for path in PATHS:
                body = await shop.told(f"{path}/score", at=at.isoformat())
                seen.add(body["status"])
                if not agrees(body, shop.expected(path, at)):
                    wrong.append((path, at, body["score"], shop.expected(path, at)))
                wrong += [
                    (path, at, card["kpi"], card["score"])
                    for card in all_cards(body)
                    if not shop.card_agrees(card, at)
                ]

    assert wrong == []
    assert seen == {"on_track", "at_risk", "off_track", "no_data"}


async def test_a_history(database_url: str) -> None:
    """Every point of a history is the score of its instant, by the weights of then."""
    stretch = {"from": (NOW - timedelta(days=30)).isoformat(), "to": NOW.isoformat(), "step": "54h"}
    async with a_shop(database_url) as shop:
        found = {path: await shop.told(f"{path}/history", **stretch) for path in PATHS}
        wrong = [
            (path, point)
            for path, body in found.items()
            for point in body["items"]
            if not agrees(point, shop.expected(path, datetime.fromisoformat(point["at"])))
        ]

    assert wrong == []
    assert {len(body["items"]) for body in found.values()} == {14}  # 30 d / 54 h = 13.3
    assert len({point["score"] for point in found["scorecards/board"]["items"]}) > 8


async def test_cards(database_url: str) -> None:
    """A card has all that a tile shows, from its meaning to its annotations, in the order of the file."""
    async with a_shop(database_url) as shop:
        note = {"text": "Fog", "start_at": (NOW - timedelta(hours=30)).isoformat()}
        (await shop.client.post("/v1/kpis/paid/annotations", json=note)).raise_for_status()
        body = await shop.told("scorecards/board/score")
        value = await shop.told("kpis/paid/compare", window="7d")

    assert [(card["kpi"], card["window"], card["weight"]) for card in body["cards"]] == [
        ("paid", "24h", 3),
        ("paid", "7d", Decimal("0.5")),
        ("orders", "24h", 1),
        ("orders", "today", 1),
        ("mean_order", "24h", 4),
        ("dearest", "24h", 2),
        ("waiting", "24h", 1),
    ]
    card = body["cards"][1]
    same = (
        "value",
        "unit",
        "target",
        "status",
        "attainment",
        "window_start",
        "window_end",
        "as_of",
        "complete",
    )
    assert {name: card[name] for name in same} == {name: value[name] for name in same}
    assert card["previous"] == value["items"][0]
    assert (card["title"], card["owner"], card["objective"]) == ("What was paid", "sales", ["grow", "please"])
    assert [each["annotations"] for each in body["cards"]] == [0, 1, 0, 0, 0, 0, 0]
    assert body["cards"][3]["dimensions"] == {"shop": None}
    assert [each["status"] for each in body["cards"][5:]] == ["no_target", "no_data"]
    assert (body["title"], body["roll_up"]) == ("What the board sees", "mean")
    assert datetime.fromisoformat(body["at"]) == NOW.astimezone(UTC)


async def test_a_tree(database_url: str) -> None:
    """An objective holds those below it with the weights of the day, each with its own score."""
    async with a_shop(database_url) as shop:
        early = (NOW - timedelta(days=30)).isoformat()
        now, then = [await shop.told("objectives/thrive/score", at=at) for at in (NOW.isoformat(), early)]
        alone = await shop.told("objectives/please/score", at=NOW.isoformat())

    assert [(each["name"], each["weight"]) for each in now["objectives"]] == [
        ("grow", Decimal("0.5")),
        ("please", 2),
    ]
    assert then["objectives"][0]["weight"] == 3
    assert [card["weight"] for card in now["objectives"][0]["cards"]] == [Decimal("0.25"), 1]
    below = now["objectives"][1]
    assert {name: alone[name] for name in below} == below
    assert [each["name"] for each in below["objectives"]] == ["save"]


async def test_unchanged(database_url: str) -> None:
    """A score that the caller has is not sent again; at another instant it is another one."""
    async with a_shop(database_url) as shop:
        for path in ("scorecards/board/score", "scorecards/board/history"):
            first = await shop.client.get(f"/v1/{path}")
            known = {"If-None-Match": first.headers["etag"]}
            again = await shop.client.get(f"/v1/{path}", headers=known)
            assert (first.status_code, again.status_code) == (200, 304)
        earlier = {"at": (NOW - timedelta(days=2)).isoformat()}
        other = await shop.client.get("/v1/scorecards/board/score", params=earlier, headers=known)

    assert other.status_code == 200


async def test_other_weights(database_url: str) -> None:
    """When nothing has moved but a weight, the answer is another one."""
    edge = datetime(2026, 2, 20, tzinfo=UTC)
    async with a_shop(database_url) as shop:
        answers = [
            await shop.client.get("/v1/objectives/thrive/score", params={"at": at.isoformat()})
            for at in (edge - timedelta(microseconds=1), edge)
        ]
        bodies = [answer.json() for answer in answers]

    assert [body["objectives"][0]["weight"] for body in bodies] == [3, 0.5]
    assert answers[0].headers["etag"] != answers[1].headers["etag"]


async def test_what_is_hidden(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sees some KPIs gets scores of these alone, and no scorecard that names others."""
    limited = Principal("key:some", frozenset(Scope), Limits(kpis=frozenset({"orders", "cheap"})))
    async with a_shop(database_url) as shop:
        whole = await shop.told("departments/sales/score")
        with calling(monkeypatch, limited):
            part = await shop.told("departments/sales/score")
            statuses = [
                (await shop.client.get(f"/v1/{path}/{what}")).status_code
                for path in (
                    "scorecards/board",
                    "departments/finance",
                    "categories/customer",
                    "objectives/nil",
                )
                for what in ("score", "history")
            ]
            tree = await shop.client.get("/v1/objectives/grow/score")

    assert [card["kpi"] for card in whole["cards"]] == ["orders", "paid"]
    assert [card["kpi"] for card in part["cards"]] == ["orders"]
    assert part["score"] == part["cards"][0]["score"]
    assert statuses == [404] * 8
    assert "paid" not in tree.text


@pytest.mark.parametrize(
    ("path", "parameters", "status"),
    [
        ("scorecards/nothing/score", {}, 404),
        ("objectives/nothing/history", {}, 404),
        ("departments/nothing/score", {}, 404),
        ("categories/nothing/score", {}, 404),
        ("scorecards/board/score", {"at": "yesterday"}, 400),
        ("scorecards/board/score", {"at": "2024-01-01T00:00:00Z"}, 400),
        ("scorecards/board/score", {"window": "24h"}, 400),
        ("scorecards/board/history", {"step": "1s"}, 400),
        ("scorecards/board/history", {"from": "now", "to": "now-1d"}, 400),
        ("scorecards/board/history", {"at": "2026-01-01T00:00:00Z"}, 400),
    ],
)
async def test_bad_questions(
    database_url: str, path: str, parameters: Mapping[str, str], status: int
) -> None:
    """What there is not, and what cannot be asked, is refused."""
    async with shop_api(database_url, KPI_FILE, [], CARD_FILE) as (client, _):
        answer = await client.get(f"/v1/{path}", params=parameters)

    assert answer.status_code == status
    assert answer.json()["type"].startswith("urn:tidemark:problem:")
