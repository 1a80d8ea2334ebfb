"""What somebody with limits may change: nothing that is hidden, and nothing by which it could be seen."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from services.api.app import api_routes
from services.api.security.scopes import declared
from shared.domain.access import Limits, Scope
from shared.storage.audit import Filters, entries
from shared.storage.definitions import load_catalogue
from shared.storage.engine import reading
from tests.integration.access_rig import Locked, locked_api

pytestmark = pytest.mark.asyncio

_ANY: dict[str, Any] = {"category": "a", "owner": "me", "windows": ["5m"], "aggregate": "count"}
_PAID = {**_ANY, "event_type": "order.paid"}
_SPENT = {**_ANY, "event_type": "bill.settled"}


def _kpi(slug: str, department: str, **fields: Any) -> dict[str, Any]:
    return {"slug": slug, "title": slug.upper(), "department": department, **fields}


def _formula(slug: str, department: str, formula: str) -> dict[str, Any]:
    fields = {name: value for name, value in _ANY.items() if name != "aggregate"}
    return _kpi(slug, department, **fields, formula=formula)


def _other(slug: str, department: str, **fields: Any) -> dict[str, Any]:
    return {"slug": slug, "title": slug.upper(), "owner": "me", "department": department, **fields}


MOVED = {"type": "bank.moved", "owner": "bank"}
OWN = _kpi("orders", "sales", **_PAID)
THERE: list[tuple[str, dict[str, Any]]] = [
    ("kpis", OWN),
    ("kpis", _kpi("expenses", "finance", **_SPENT)),
    ("kpis", _kpi("expense_plan", "finance", **_SPENT, status="draft")),
    ("kpis", _kpi("expense_old", "finance", **_SPENT, description="closed in spring")),
    ("kpis", _formula("margin", "sales", "orders - expenses")),
    ("kpis", _kpi("aimed", "sales", **_PAID, target={"kpi": "expenses"})),
    ("kpis", _kpi("moved", "finance", **_PAID, description="expenses of old")),
    ("scorecards", _other("treasury", "finance", kpis=[{"kpi": "expenses"}])),
    ("scorecards", _other("mixed", "sales", kpis=[{"kpi": "expenses"}])),
    ("objectives", _other("thrift", "finance", kpi_weights={"expenses": 1})),
    ("event-types", MOVED),
]
HIDDEN = (
    "expenses",
    "expense_plan",
    "expense_old",
    "treasury",
    "thrift",
    "mixed",
    "bill.settled",
    "bank.moved",
)

ITEM = {"If-Match": '"any"'}
QUESTION = {"questions": [{"kpi": "expenses"}]}
SEE_THROUGH = _formula("through", "sales", "expenses * 2")
AGAIN = _kpi("again", "sales", **_SPENT)
AIMED = _kpi("through", "sales", **_PAID, target={"kpi": "expenses"})
TEXT = {"text": "a word"}


def _changes(base: str, item: str, hidden: str, body: dict[str, Any]) -> list[tuple[str, str, str, Any, int]]:
    path = f"/v1/{base}/{item}"
    at = path.replace("{slug}", hidden).replace("{event_type:path}", hidden)
    return [
        ("PUT", path, at, body, 404),
        ("PATCH", path, at, {"title": "x"}, 404),
        ("DELETE", path, at, None, 404),
    ]


ASKED: list[tuple[str, str, str, Any, int]] = [
    ("POST", "/v1/kpis", "/v1/kpis", SEE_THROUGH, 422),
    ("POST", "/v1/kpis", "/v1/kpis", {**SEE_THROUGH, "status": "draft"}, 422),
    ("POST", "/v1/kpis", "/v1/kpis", AIMED, 422),
    ("POST", "/v1/kpis", "/v1/kpis", AGAIN, 422),
    ("POST", "/v1/kpis", "/v1/kpis", {**AGAIN, "status": "draft"}, 422),
    ("POST", "/v1/kpis", "/v1/kpis", {**OWN, "slug": "expenses"}, 409),
    ("POST", "/v1/kpis", "/v1/kpis", {**OWN, "slug": "expense_plan"}, 409),
    ("POST", "/v1/kpis", "/v1/kpis", {**OWN, "slug": "expense_old"}, 409),
    ("POST", "/v1/kpis", "/v1/kpis", {**OWN, "slug": "no_department", "department": []}, 403),
    ("POST", "/v1/scorecards", "/v1/scorecards", _other("mine", "sales", kpis=[{"kpi": "expenses"}]), 422),
    ("POST", "/v1/scorecards", "/v1/scorecards", _other("treasury", "sales", kpis=[{"kpi": "orders"}]), 409),
    ("POST", "/v1/objectives", "/v1/objectives", _other("goal", "sales", kpi_weights={"expenses": 1}), 422),
    ("POST", "/v1/objectives", "/v1/objectives", _other("goal", "sales", parent="thrift"), 422),
    ("POST", "/v1/event-types", "/v1/event-types", {"type": "bill.sent", "owner": "me"}, 403),
    *_changes("kpis", "{slug}", "expenses", {**OWN, "slug": "expenses"}),
    *_changes("kpis", "{slug}", "expense_plan", {**OWN, "slug": "expense_plan"}),
    *_changes("scorecards", "{slug}", "treasury", _other("treasury", "sales", kpis=[{"kpi": "orders"}])),
    *_changes("scorecards", "{slug}", "mixed", _other("mixed", "sales", kpis=[{"kpi": "orders"}])),
    *_changes("objectives", "{slug}", "thrift", _other("thrift", "sales")),
    *_changes("event-types", "{event_type:path}/definition", "bank.moved", MOVED),
    ("POST", "/v1/kpis/preview", "/v1/kpis/preview", SEE_THROUGH, 422),
    ("POST", "/v1/kpis/preview", "/v1/kpis/preview", AGAIN, 422),
    ("POST", "/v1/kpis/preview", "/v1/kpis/preview", {**OWN, "slug": "expenses"}, 422),
    ("POST", "/v1/kpis/{slug}/shadow", "/v1/kpis/orders/shadow", {**OWN, "event_type": "bill.settled"}, 422),
    ("POST", "/v1/kpis/{slug}/shadow", "/v1/kpis/expenses/shadow", {**OWN, "slug": "expenses"}, 422),
    ("POST", "/v1/values/query", "/v1/values/query", QUESTION, 200),
    ("POST", "/v1/kpis/{slug}/annotations", "/v1/kpis/expenses/annotations", TEXT, 404),
    ("POST", "/v1/annotations", "/v1/annotations", {**TEXT, "kpis": ["expenses"]}, 400),
    ("POST", "/v1/annotations", "/v1/annotations", TEXT, 400),
    ("PUT", "/v1/annotations/{annotation_id}", "/v1/annotations/{theirs}", {**TEXT, "kpis": ["orders"]}, 404),
    ("DELETE", "/v1/annotations/{annotation_id}", "/v1/annotations/{theirs}", None, 404),
    ("POST", "/v1/backfills/{backfill}/cancel", "/v1/backfills/{filled}/cancel", None, 404),
]  # fmt: skip

ELSEWHERE = {"/v1/events/dry-run"}
"""Walked in tests/integration/test_dry_run_api.py, which has a log; it moves what is seen alone."""


@pytest_asyncio.fixture
async def locked(database_url: str) -> AsyncIterator[Locked]:
    """An API with what several departments have defined."""
    async with locked_api(database_url) as opened:
        async with opened.client(await opened.token(*Scope)) as free:
            for base, body in THERE:
                answer = await free.post(f"/v1/{base}", json=body)
                assert answer.status_code == 201, answer.text
            gone = {"If-Match": (await free.get("/v1/kpis/expense_old")).headers["etag"]}
            assert (await free.delete("/v1/kpis/expense_old", headers=gone)).status_code == 200
        yield opened


LIMITS = [
    pytest.param(Limits(departments=frozenset({"sales"})), id="department"),
    pytest.param(
        Limits(frozenset({"sales"}), frozenset({"orders", "margin", "again", "through"})), id="both"
    ),
]


async def _client(locked: Locked, limits: Limits) -> httpx2.AsyncClient:
    scopes = [scope for scope in Scope if scope is not Scope.ADMIN]
    return locked.client(await locked.token(*scopes, limits=limits))


async def _whole(locked: Locked) -> tuple[Any, ...]:
    async with reading(locked.engine) as connection:
        return await load_catalogue(connection), await entries(connection, Filters())


async def test_every_write_route_is_asked() -> None:
    """The table has every route that is no GET, but those for callers without limits."""
    writes = {
        (method, route.path)
        for route in api_routes()
        for method in (route.methods or set()) - {"GET", "HEAD"}
        if not any(Scope.ADMIN in scopes for scopes in declared(route))
    }

    assert {each[:2] for each in ASKED} == {each for each in writes if each[1] not in ELSEWHERE}


@pytest.mark.parametrize("limits", LIMITS)
async def test_nothing_hidden_is_touched(locked: Locked, limits: Limits) -> None:
    """No write route changes, takes over or shows what is hidden; what was not sent is not named either."""
    async with locked.client(await locked.token(*Scope)) as free:
        said = await free.post("/v1/kpis/expenses/annotations", json=TEXT)
        theirs = str(said.json()["annotation_id"])
        late = {**AGAIN, "slug": "expense_late", "department": "finance", "event_type": "bill.late"}
        filled = str((await free.post("/v1/kpis?backfill=true", json=late)).json()["backfill"])
    async with await _client(locked, limits) as client:
        before = await _whole(locked)
        for method, _, path, body, status in ASKED:
            at = path.replace("{theirs}", theirs).replace("{filled}", filled)
            answer = await client.request(method, at, json=body, headers=ITEM)
            sent = at + repr(body)

            assert answer.status_code == status, (method, at, body, answer.text)
            assert [name for name in HIDDEN if name in answer.text and name not in sent] == [], answer.text
            if status == 200:
                assert [each["problem"]["status"] for each in answer.json()["items"]] == [404]

    assert await _whole(locked) == before


async def test_as_if_there_were_none(locked: Locked) -> None:
    """A formula, target or event type that is hidden is refused in the words for one that there is not."""
    pairs = [
        (SEE_THROUGH, _formula("through", "sales", "nothings * 2"), "expenses", "nothings"),
        (AIMED, {**AIMED, "target": {"kpi": "nothings"}}, "expenses", "nothings"),
        (AGAIN, {**AGAIN, "event_type": "a.b"}, "bill.settled", "a.b"),
    ]
    async with await _client(locked, Limits(departments=frozenset({"sales"}))) as client:
        for path in ("/v1/kpis", "/v1/kpis?dry_run=true", "/v1/kpis/preview"):
            for hidden, missing, name, other in pairs:
                found = [(await client.post(path, json=body)).json()["errors"] for body in (hidden, missing)]

                assert found[0]
                assert repr(found[0]).replace(name, other) == repr(found[1]), path


@pytest.mark.parametrize("slug", ["margin", "aimed"])
async def test_seen_in_part(locked: Locked, slug: str) -> None:
    """A definition of which a part is hidden is not the caller's to change or to retire."""
    async with await _client(locked, Limits(departments=frozenset({"sales"}))) as client:
        shown = await client.get(f"/v1/kpis/{slug}")
        seen = {"If-Match": shown.headers["etag"]}
        versions = [await client.get(f"/v1/kpis/{slug}/versions{each}") for each in ("", "/1")]
        answers = [
            await client.patch(f"/v1/kpis/{slug}", json={"title": "x"}, headers=seen),
            await client.put(f"/v1/kpis/{slug}", json={**OWN, "slug": slug}, headers=seen),
            await client.delete(f"/v1/kpis/{slug}", headers=seen),
        ]

    assert [each.status_code for each in answers] == [403, 403, 403]
    assert {each.json()["type"] for each in answers} == {"urn:tidemark:problem:outside-limits"}
    assert [each.status_code for each in (shown, *versions)] == [200, 200, 200]
    assert "__hidden__" in versions[1].text
    assert [each.text for each in (shown, *versions, *answers) if "expenses" in each.text] == []


async def test_what_was_of_others(locked: Locked) -> None:
    """Of a KPI that came from another department, the versions from before are not told."""
    async with locked.client(await locked.token(*Scope)) as free:
        seen = {"If-Match": (await free.get("/v1/kpis/moved")).headers["etag"]}
        change = {"department": "sales", "description": "ours"}
        (await free.patch("/v1/kpis/moved", json=change, headers=seen)).raise_for_status()
        whole = (await free.get("/v1/kpis/moved/versions")).json()["items"]
    async with await _client(locked, Limits(departments=frozenset({"sales"}))) as client:
        some = (await client.get("/v1/kpis/moved/versions")).json()["items"]
        first = await client.get("/v1/kpis/moved/versions/1")
        mixed = await client.get("/v1/scorecards/mixed/versions")

    assert ([each["version"] for each in whole], [each["version"] for each in some]) == ([1, 2], [2])
    assert (first.status_code, mixed.status_code) == (404, 404)


async def test_own_work_goes_on(locked: Locked) -> None:
    """What lies within the limits is created, drafted, changed, retired and taken up again."""
    body = _kpi("mine", "sales", **_PAID)
    async with await _client(locked, Limits(departments=frozenset({"sales"}))) as client:
        drafted = await client.post("/v1/kpis", json={**body, "status": "draft"})
        active = await client.patch(
            "/v1/kpis/mine", json={"status": None}, headers={"If-Match": drafted.headers["etag"]}
        )
        gone = await client.delete("/v1/kpis/mine", headers={"If-Match": active.headers["etag"]})
        again = await client.post("/v1/kpis", json=body)
        half = await client.post("/v1/kpis", json=_formula("half", "sales", "mine / 2"))

    found = [each.status_code for each in (drafted, active, gone, again, half)]
    assert found == [201, 200, 200, 201, 201], [each.text for each in (drafted, active, gone, again, half)]
