"""What is wrong with definitions, as callers hear it who do not see all KPIs: at every door for them."""

import json
from typing import Any

import httpx2
import pytest

from shared.domain.access import Limits, Scope
from shared.domain.definitions.kpi_files import API_VERSION
from tests.integration.access_rig import Locked, locked_api

pytestmark = pytest.mark.asyncio

_ANY: dict[str, Any] = {"category": "a", "owner": "me", "windows": ["5m"]}
_COUNTED: dict[str, Any] = {**_ANY, "event_type": "order.paid", "aggregate": "count"}


def _named(slug: str, department: str, **fields: Any) -> dict[str, Any]:
    return {"slug": slug, "title": slug, "owner": "me", "department": department, **fields}


def _counted(slug: str, department: str, **fields: Any) -> dict[str, Any]:
    return _COUNTED | _named(slug, department, **fields)


def _formula(slug: str, department: str, formula: str) -> dict[str, Any]:
    return _ANY | _named(slug, department, formula=formula)


ORDERS = _counted("orders", "sales")
THERE = [
    ("kpis", ORDERS),
    ("kpis", _counted("expenses", "finance")),
    ("kpis", _formula("expense_share", "finance", "expenses / orders")),
    ("kpis", _formula("pair", "sales", "expense_share * 2")),
    ("kpis", _counted("expense_plan", "finance", status="draft")),
    ("kpis", _counted("old_orders", "sales", status="deprecated", replaced_by="expenses")),
    ("kpis", _counted("expense_goal", "finance", target={"kpi": "orders"})),
    ("scorecards", _named("treasury", "finance", kpis=[{"kpi": "orders", "window": "5m"}])),
    ("objectives", _named("thrift", "finance", kpi_weights={"orders": 1})),
]
HIDDEN = ["expenses", "expense_share", "expense_plan", "expense_goal", "treasury", "thrift"]

BODIES = {
    "close-to-a-hidden-one": ("kpis", _formula("mine", "sales", "expensez / 2")),
    "target-close-to-one": ("kpis", _counted("mine", "sales", target={"kpi": "expensez"})),
    "windows-that-they-need": ("kpis", _counted("orders", "sales", windows=["1h"])),
    "a-circle-by-way-of-them": ("kpis", _formula("orders", "sales", "pair / 2")),
    "scorecard-close-to-one": ("scorecards", _named("card", "sales", kpis=[{"kpi": "expensez"}])),
    "weights-close-to-one": ("objectives", _named("goal", "sales", kpi_weights={"expensez": 1})),
    "parent-close-to-one": ("objectives", _named("goal", "sales", parent="thrit")),
}

SALES = Limits(departments=frozenset({"sales"}))


async def _limited(locked: Locked) -> httpx2.AsyncClient:
    async with locked.client(await locked.token(Scope.READ, Scope.WRITE)) as free:
        for path, body in THERE:
            answer = await free.post(f"/v1/{path}", json=body)
            assert answer.status_code == 201, answer.text
    return locked.client(await locked.token(Scope.READ, Scope.WRITE, limits=SALES))


def _yaml(kind: str, body: dict[str, Any]) -> str:
    """JSON is YAML, too."""
    name = {"kpis": "KPI", "scorecards": "Scorecard", "objectives": "Objective"}[kind]
    return json.dumps({"apiVersion": API_VERSION, "kind": name, **body})


async def _answers(client: httpx2.AsyncClient, kind: str, body: dict[str, Any]) -> list[httpx2.Response]:
    """What is answered to *body* by every door that takes it."""
    base, slug = f"/v1/{kind}", body["slug"]
    found = await client.get(f"{base}/{slug}")
    seen = {"If-Match": found.headers.get("etag", '"none"')}
    yaml = {"content": _yaml(kind, body), "headers": {**seen, "Content-Type": "application/yaml"}}
    if found.status_code == 404:
        asked: list[tuple[str, str, dict[str, Any]]] = [("POST", base, {"json": body}), ("POST", base, yaml)]
    else:
        patch = {**dict.fromkeys(("event_type", "aggregate", "formula")), **body}
        asked = [
            ("PUT", f"{base}/{slug}", {"json": body, "headers": seen}),
            ("PUT", f"{base}/{slug}?dry_run=true", yaml),
            ("PATCH", f"{base}/{slug}", {"json": patch, "headers": seen}),
            ("PUT", f"{base}/{slug}?backfill=true", yaml),
        ]
    if kind == "kpis":
        for path in (f"{base}/preview", f"{base}/{slug}/shadow"):
            asked += [("POST", path, {"json": body}), ("POST", path, yaml)]
    return [await client.request(method, path, **sent) for method, path, sent in asked]


@pytest.mark.parametrize("case", list(BODIES))
async def test_refused_without_names(database_url: str, case: str) -> None:
    """A definition that breaks something is refused everywhere, and nothing hidden is named."""
    kind, body = BODIES[case]
    async with locked_api(database_url) as locked, await _limited(locked) as client:
        answers = await _answers(client, kind, body)

    assert len(answers) >= 2
    for answer in answers:
        assert answer.status_code == 422, answer.text
        assert answer.json()["type"] == "urn:tidemark:problem:invalid-definition"
        assert answer.json()["errors"]
        assert [name for name in HIDDEN if name in answer.text] == []


async def test_what_is_seen_is_named(database_url: str) -> None:
    """What the caller sees is still told: what it may have meant, and what of its own would break."""
    async with locked_api(database_url) as locked, await _limited(locked) as client:
        typo = await client.post("/v1/kpis", json=_formula("mine", "sales", "order / 2"))
        double = _formula("double", "sales", "orders * 2")
        (await client.post("/v1/kpis", json=double)).raise_for_status()
        narrowed = (await _answers(client, "kpis", _counted("orders", "sales", windows=["1h"])))[0]

    assert typo.json()["errors"][0]["detail"] == "there is no KPI 'order'; did you mean 'orders'?"
    assert [each["detail"] for each in narrowed.json()["errors"]] == [
        "KPI double: the formula needs orders, which has no window 5m",
        "others need it as it is",
    ]


async def test_warnings_without_names(database_url: str) -> None:
    """A warning about something deprecated does not name a successor that the caller may not see."""
    async with locked_api(database_url) as locked, await _limited(locked) as client:
        told = await client.post("/v1/kpis?dry_run=true", json=_formula("mine", "sales", "old_orders / 2"))

    assert told.json()["warnings"] == ["old_orders is deprecated"]


async def test_retired_without_names(database_url: str) -> None:
    """What only hidden KPIs need cannot be retired, and they are not named; a relative target needs one."""
    async with locked_api(database_url) as locked, await _limited(locked) as client:
        seen = {"If-Match": (await client.get("/v1/kpis/orders")).headers["etag"]}
        some = await client.delete("/v1/kpis/orders", headers=seen)
        async with locked.client(await locked.token(Scope.READ, Scope.WRITE)) as free:
            everything = await free.delete(
                "/v1/kpis/orders", headers={"If-Match": (await free.get("/v1/kpis/orders")).headers["etag"]}
            )

    assert (some.status_code, everything.status_code) == (409, 409)
    assert some.json()["detail"] == "the KPI orders is needed by others"
    assert "the KPI expense_goal" in everything.json()["detail"]
