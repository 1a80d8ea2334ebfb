"""Definitions written over HTTP on a real Postgres: one validation, versions, preconditions, audit."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from sqlalchemy import select

from shared.domain.access import Limits, Scope
from shared.domain.definitions import Kind
from shared.storage.audit import Filters, entries
from shared.storage.definitions import load_catalogue
from shared.storage.engine import reading
from shared.storage.tables import backfills
from tests.integration.access_rig import locked_api
from tests.integration.api_rig import Api, serving_api

pytestmark = pytest.mark.asyncio

ORDERS: dict[str, Any] = {
    "slug": "orders",
    "title": "Orders",
    "category": "operational",
    "owner": "sales",
    "event_type": "order.paid",
    "aggregate": "count",
    "windows": ["5m"],
}
BOARD = {"slug": "board", "title": "Board", "owner": "me", "kpis": [{"kpi": "departures", "weight": 2.5}]}
GROW = {"slug": "grow", "title": "Grow", "owner": "me", "weight": 0.5}
PAID = {"type": "order/paid", "owner": "shop", "schema": {"type": "object", "minProperties": 1}}


@pytest.mark.parametrize("path", ["kpis/%00/versions", "objectives/%00/versions/1", "event-types/a%00b"])
async def test_names_with_a_nul(database_url: str, path: str) -> None:
    """A name that Postgres cannot be asked for is a name that nothing has."""
    async with serving_api(database_url) as api, api.client() as client:
        answer = await client.get(f"/v1/{path}")

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:tidemark:problem:not-found")


@pytest_asyncio.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """An API on one KPI, departures."""
    async with serving_api(database_url) as running:
        yield running


@pytest_asyncio.fixture
async def client(api: Api) -> AsyncIterator[httpx2.AsyncClient]:
    """A caller who may do everything."""
    async with api.client() as opened:
        yield opened


async def _etag(client: httpx2.AsyncClient, path: str) -> dict[str, str]:
    return {"If-Match": (await client.get(path)).raise_for_status().headers["etag"]}


async def _actions(api: Api) -> list[tuple[str, str]]:
    async with reading(api.engine) as connection:
        found = await entries(connection, Filters())
    return [(each.action, each.subject) for each in reversed(found)]


async def test_a_kpi_from_birth_to_death(api: Api, client: httpx2.AsyncClient) -> None:
    """A KPI is created, replaced, changed, retired and brought back; each is a version and an audit entry."""
    created = await client.post("/v1/kpis", json=ORDERS)
    shown = await client.get("/v1/kpis/orders")
    put = await client.put(
        "/v1/kpis/orders",
        json={**ORDERS, "title": "Paid orders", "scale": 0},
        headers={"If-Match": created.headers["etag"]},
    )
    patched = await client.patch(
        "/v1/kpis/orders",
        json={"unit": "orders", "tags": ["board"]},
        headers={"If-Match": put.headers["etag"]},
    )
    gone = await client.delete("/v1/kpis/orders", headers={"If-Match": patched.headers["etag"]})
    missing = await client.get("/v1/kpis/orders")
    back = await client.post("/v1/kpis", json=ORDERS)

    assert (created.status_code, created.headers["location"]) == (201, "/v1/kpis/orders")
    assert created.headers["etag"] == shown.headers["etag"]
    assert created.json()["definition"] == shown.json()
    assert created.json()["change"] == {
        "action": "create", "version": 1, "differences": [], "starts_counting": [[]],
    }  # fmt: skip
    assert put.json()["change"] == {
        "action": "update", "version": 2, "starts_counting": [],
        "differences": [{"field": "title", "before": "Orders", "after": "Paid orders"}],
    }  # fmt: skip
    assert (patched.json()["definition"]["unit"], patched.json()["definition"]["version"]) == ("orders", 3)
    assert patched.json()["definition"]["title"] == "Paid orders"
    assert (gone.status_code, gone.json()["definition"]["status"], missing.status_code) == (
        200,
        "retired",
        404,
    )
    assert back.json()["change"] == {
        "action": "create", "version": 4, "differences": [], "starts_counting": [[]],
    }  # fmt: skip
    assert await _actions(api) == [
        ("kpi.create", "orders"), ("kpi.update", "orders"), ("kpi.update", "orders"),
        ("kpi.retire", "orders"), ("kpi.create", "orders"),
    ]  # fmt: skip


async def test_at_once(api: Api, client: httpx2.AsyncClient) -> None:
    """Who has changed a definition reads it changed, and the engine loads what was written."""
    await client.post("/v1/kpis", json=ORDERS)
    value = await client.get("/v1/kpis/orders/value")

    assert value.status_code == 200
    async with reading(api.engine) as connection:
        assert "orders" in (await load_catalogue(connection)).kpis


async def test_preconditions(client: httpx2.AsyncClient) -> None:
    """A change says which state it is meant for; without it, or for another one, nothing happens."""
    first = (await client.post("/v1/kpis", json=ORDERS)).headers["etag"]
    await client.patch("/v1/kpis/orders", json={"unit": "a"}, headers={"If-Match": first})

    answers = {
        method: [
            await client.request(method, "/v1/kpis/orders", headers=headers, **body)
            for headers in ({}, {"If-Match": first}, {"If-Match": "*"})
        ]
        for method, body in (("PUT", {"json": ORDERS}), ("PATCH", {"json": {"unit": "b"}}), ("DELETE", {}))
    }

    for found in answers.values():
        assert [each.status_code for each in found] == [428, 412, 412]
    assert answers["PUT"][0].json()["type"] == "urn:tidemark:problem:if-match-required"
    shown = (await client.get("/v1/kpis/orders")).json()
    assert (shown["version"], shown["unit"]) == (2, "a")


REFUSED = [
    ("field", {**ORDERS, "colour": "red"}, "/colour", "there is no field 'colour'", None),
    ("deep", {**ORDERS, "format": {"decimals": 10}}, "/format/decimals", "decimals must be at most 9", None),
    ("expression", {**ORDERS, "where": "data.a == 1\n and b"}, "/where",
     "unknown name 'b': fields of the event are written data.b", (2, 6)),
    ("together", {**ORDERS, "event_type": None, "aggregate": None, "formula": "departurs / 2"}, "/formula",
     "there is no KPI 'departurs'; did you mean 'departures'?", (1, 1)),
    ("kind", {**ORDERS, "kind": "Objective"}, "/kind", "write kind: KPI, or leave it out", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "pointer", "detail", "place"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
async def test_refused(
    client: httpx2.AsyncClient, body: dict[str, Any], pointer: str, detail: str, place: tuple[int, int] | None
) -> None:
    """What breaks a rule is told as lint does, with a pointer to the field and the place in its text."""
    answer = await client.post("/v1/kpis", json=body)

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:tidemark:problem:invalid-definition")
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["detail"]) == (pointer, detail)
    assert (fault["line"], fault["column"]) == (place or (None, None))
    assert (await client.get("/v1/kpis/orders")).status_code == 404


async def test_yaml(client: httpx2.AsyncClient) -> None:
    """A document of a KPI file is taken as it is, and its problems are told with line and column."""
    head = "apiVersion: tidemark/v1\nkind: KPI\n"
    text = head + "".join(f"{name}: {json.dumps(value)}\n" for name, value in ORDERS.items())
    kind = {"Content-Type": "application/yaml"}

    wrong = await client.post("/v1/kpis", content=text + "where: amount > 1\n", headers=kind)
    two = await client.post(
        "/v1/kpis", content=f"{text}---\n{text.replace('orders', 'others')}", headers=kind
    )
    other = await client.post("/v1/scorecards", content=text, headers=kind)
    good = await client.post("/v1/kpis", content=text, headers=kind)

    (fault,) = wrong.json()["errors"]
    assert (fault["pointer"], fault["line"], fault["column"]) == ("/where", 10, 8)
    assert [each.status_code for each in (wrong, two, other, good)] == [422, 422, 422, 201]
    assert [each.json()["errors"][0]["detail"] for each in (two, other)] == [
        "send one document: there are 2",
        "write kind: Scorecard",
    ]


AS_JSON = {"Content-Type": "application/json"}
BODIES = [
    ("not json", {"content": b"{", "headers": AS_JSON}, 422),
    ("not an object", {"json": [1]}, 422),
    ("twice", {"content": b'{"slug": "a", "slug": "b"}', "headers": AS_JSON}, 422),
    ("nan", {"content": b'{"slug": NaN}', "headers": AS_JSON}, 422),
    ("deep", {"content": b"[" * 100_000, "headers": AS_JSON}, 422),
    ("no utf-8", {"content": b"\xff", "headers": {"Content-Type": "application/yaml"}}, 422),
    ("another type", {"content": b"x", "headers": {"Content-Type": "text/csv"}}, 415),
    ("large", {"content": b"#" * 1_100_000, "headers": {"Content-Type": "application/yaml"}}, 413),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "status"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
async def test_bodies(client: httpx2.AsyncClient, sent: dict[str, Any], status: int) -> None:
    """A body that cannot be read is a problem of the caller's."""
    assert (await client.post("/v1/kpis", **sent)).status_code == status


async def test_names_stay(client: httpx2.AsyncClient) -> None:
    """The address names what is changed; a body may leave the name out, and not say another one."""
    seen = await _etag(client, "/v1/kpis/departures")

    put = await client.put("/v1/kpis/departures", json=ORDERS, headers=seen)
    patch = await client.patch("/v1/kpis/departures", json={"slug": "orders"}, headers=seen)
    nameless = {name: value for name, value in ORDERS.items() if name != "slug"}
    good = await client.put("/v1/kpis/departures", json=nameless, headers=seen)

    assert (put.status_code, patch.status_code, good.status_code) == (422, 422, 200)
    assert put.json()["errors"][0]["pointer"] == "/slug"


async def test_taken(client: httpx2.AsyncClient) -> None:
    """What is there already is changed, not created."""
    await client.post("/v1/kpis", json=ORDERS)
    again = await client.post("/v1/kpis", json=ORDERS)

    assert (again.status_code, again.json()["type"]) == (409, "urn:tidemark:problem:already-defined")


async def test_sent_twice(api: Api, client: httpx2.AsyncClient) -> None:
    """A creation that is sent again under its key has the same answer and changes nothing."""
    key = {"Idempotency-Key": "one"}
    first = await client.post("/v1/kpis", json=ORDERS, headers=key)
    again = await client.post("/v1/kpis", json=ORDERS, headers=key)
    other = await client.post("/v1/kpis", json={**ORDERS, "slug": "others"}, headers=key)
    refused = await client.post("/v1/kpis", json={**ORDERS, "slug": "A"}, headers={"Idempotency-Key": "two"})
    mended = await client.post("/v1/kpis", json={**ORDERS, "slug": "a"}, headers={"Idempotency-Key": "two"})

    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert {name: again.headers[name] for name in ("etag", "location")} == {
        name: first.headers[name] for name in ("etag", "location")
    }
    assert (other.status_code, other.json()["type"]) == (422, "urn:tidemark:problem:idempotency-key-reused")
    assert (refused.status_code, mended.status_code) == (422, 201)
    assert await _actions(api) == [("kpi.create", "orders"), ("kpi.create", "a")]


async def test_dry_run(api: Api, client: httpx2.AsyncClient) -> None:
    """A dry run tells what would change, and changes nothing: no version, no revision, no audit entry."""
    seen = await _etag(client, "/v1/kpis/departures")
    async with reading(api.engine) as connection:
        before = await load_catalogue(connection)

    created = await client.post("/v1/kpis?dry_run=true", json=ORDERS)
    changed = await client.patch(
        "/v1/kpis/departures?dry_run=true", json={"where": "data.x == 1"}, headers=seen
    )
    gone = await client.delete("/v1/kpis/departures?dry_run=true", headers=seen)

    assert [each.status_code for each in (created, changed, gone)] == [200, 200, 200]
    assert [each.json()["applied"] for each in (created, changed, gone)] == [False, False, False]
    assert changed.json()["change"]["starts_counting"] == [[], ["carrier"]]
    assert "etag" not in changed.headers
    async with reading(api.engine) as connection:
        assert await load_catalogue(connection) == before
    assert await _actions(api) == []


async def test_backfill(api: Api, client: httpx2.AsyncClient) -> None:
    """With backfill a KPI waits for its history, as with the command; a change of words does not wait."""
    waiting = await client.post("/v1/kpis?backfill=true", json=ORDERS)
    seen = await _etag(client, "/v1/kpis/departures")
    words = await client.patch("/v1/kpis/departures?backfill=true", json={"title": "Left"}, headers=seen)

    assert (waiting.status_code, waiting.json()["applied"]) == (202, False)
    assert (words.status_code, words.json()["backfill"], words.json()["applied"]) == (200, None, True)
    assert (await client.get("/v1/kpis/orders")).status_code == 404
    async with reading(api.engine) as connection:
        rows = (await connection.execute(select(backfills.c.backfill_id, backfills.c.state))).all()
    assert [tuple(row) for row in rows] == [(waiting.json()["backfill"], "running")]
    assert await _actions(api) == [("backfill.order", str(rows[0][0])), ("kpi.update", "departures")]


async def test_in_use(client: httpx2.AsyncClient) -> None:
    """What formulas and scorecards need is not retired, and they are named."""
    formula = {**ORDERS, "slug": "half", "formula": "departures / 2", "event_type": None, "aggregate": None}
    await client.post("/v1/kpis", json=formula)
    await client.post("/v1/scorecards", json=BOARD)
    seen = await _etag(client, "/v1/kpis/departures")

    refused = await client.delete("/v1/kpis/departures", headers=seen)
    tried = await client.delete("/v1/kpis/departures?dry_run=true", headers=seen)
    narrowed = await client.patch("/v1/kpis/departures", json={"windows": ["1h"]}, headers=seen)

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:tidemark:problem:still-used")
    assert refused.json()["detail"] == "the KPI departures is needed by the KPI half, the scorecard board"
    assert tried.status_code == 409
    assert narrowed.json()["errors"][0]["detail"] == (
        "KPI half: the formula needs departures, which has no window 5m"
    )


async def test_who_uses_it(client: httpx2.AsyncClient) -> None:
    """Lineage names targets that follow a KPI, scorecards it stands on and objectives; targets keep it."""
    aimed = {**ORDERS, "slug": "aimed", "target": {"kpi": "departures", "times": 2}}
    chosen = {**BOARD, "slug": "chosen", "kpis": [], "select": {"category": "operational"}}
    for path, body in (
        ("kpis", aimed),
        ("scorecards", BOARD),
        ("scorecards", chosen),
        ("objectives", {**GROW, "kpi_weights": {"departures": 3}}),
    ):
        assert (await client.post(f"/v1/{path}", json=body)).status_code == 201, body
    found = (await client.get("/v1/kpis/departures/lineage")).json()
    affected = (await client.get("/v1/lineage?event_type=flight.departed")).json()["items"][0]
    for board in ("board", "chosen"):
        await client.delete(f"/v1/scorecards/{board}", headers=await _etag(client, f"/v1/scorecards/{board}"))
    await client.delete("/v1/objectives/grow", headers=await _etag(client, "/v1/objectives/grow"))
    kept = await client.delete("/v1/kpis/departures", headers=await _etag(client, "/v1/kpis/departures"))

    users = {"followed_by": ["aimed"], "scorecards": ["board", "chosen"], "objectives": ["grow"]}
    assert {name: found[name] for name in users} == users
    assert {name: affected[name] for name in users} == users
    assert (kept.status_code, kept.json()["detail"]) == (
        409,
        "the KPI departures is needed by the KPI aimed",
    )


async def test_drafts_and_retired(client: httpx2.AsyncClient) -> None:
    """Drafts are shown and have no values until they are active; they and retired KPIs are listed on wish."""
    draft = await client.post("/v1/kpis", json={**ORDERS, "status": "draft"})
    value = await client.get("/v1/kpis/orders/value")
    listed = {
        status: [each["slug"] for each in (await client.get(f"/v1/kpis?status={status}")).json()["items"]]
        for status in ("draft", "active")
    }
    active = await client.patch(
        "/v1/kpis/orders", json={"status": None}, headers={"If-Match": draft.headers["etag"]}
    )
    await client.delete("/v1/kpis/orders", headers={"If-Match": active.headers["etag"]})
    retired = (await client.get("/v1/kpis?status=retired")).json()["items"]
    all_of_them = (await client.get("/v1/kpis?status=retired&status=active")).json()["items"]

    assert (draft.json()["change"]["starts_counting"], value.status_code) == ([], 404)
    assert listed == {"draft": ["orders"], "active": ["departures"]}
    assert active.json()["change"]["starts_counting"] == [[]]
    assert [(each["slug"], each["status"], each["version"]) for each in retired] == [("orders", "retired", 2)]
    assert retired[0]["retired_at"] is not None
    assert [each["slug"] for each in all_of_them] == ["departures", "orders"]


async def test_versions(client: httpx2.AsyncClient) -> None:
    """Every version is there for good, page by page, also of what was retired."""
    etag = (await client.post("/v1/kpis", json=ORDERS)).headers["etag"]
    etag = (await client.patch("/v1/kpis/orders", json={"unit": "a"}, headers={"If-Match": etag})).headers[
        "etag"
    ]
    await client.delete("/v1/kpis/orders", headers={"If-Match": etag})

    first = (await client.get("/v1/kpis/orders/versions?limit=1")).json()
    second = (await client.get(f"/v1/kpis/orders/versions?cursor={first['next_cursor']}")).json()
    one = await client.get("/v1/kpis/orders/versions/1")
    missing = await client.get("/v1/kpis/orders/versions/3")
    unknown = await client.get("/v1/kpis/nothing/versions")

    assert first["retired_at"] is not None
    assert [each["version"] for each in first["items"] + second["items"]] == [1, 2]
    assert second["items"][0]["spec"] == {**ORDERS, "unit": "a"}
    assert (one.json(), one.status_code) == (first["items"][0], 200)
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:tidemark:problem:unknown-version")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:tidemark:problem:unknown-kpi")


KINDS = [
    ("objectives", GROW, "/v1/objectives/grow", {"title": "Thrive"}),
    ("scorecards", BOARD, "/v1/scorecards/board", {"title": "Ours"}),
    ("event-types", PAID, "/v1/event-types/order%2Fpaid/definition", {"owner": "checkout"}),
]


@pytest.mark.parametrize(("base", "body", "path", "patch"), KINDS, ids=[case[0] for case in KINDS])
async def test_other_kinds(
    client: httpx2.AsyncClient, base: str, body: dict[str, Any], path: str, patch: dict[str, Any]
) -> None:
    """Objectives, scorecards and event types have the same doors as KPIs."""
    created = await client.post(f"/v1/{base}", json=body)
    shown = await client.get(path)
    unasked = await client.patch(path, json=patch)
    patched = await client.patch(path, json=patch, headers={"If-Match": shown.headers["etag"]})
    put = await client.put(path, json=body, headers={"If-Match": patched.headers["etag"]})
    versions = await client.get(f"{path.removesuffix('/definition')}/versions")
    gone = await client.delete(path, headers={"If-Match": put.headers["etag"]})
    missing = await client.get(path)

    assert (created.status_code, created.headers["location"]) == (201, path)
    assert (shown.json(), shown.headers["etag"]) == (created.json()["definition"], created.headers["etag"])
    assert {**shown.json(), **body}.keys() == shown.json().keys()
    assert unasked.status_code == 428
    assert patched.json()["definition"]["version"] == 2
    assert [each["field"] for each in put.json()["change"]["differences"]] == list(patch)
    assert [each["version"] for each in versions.json()["items"]] == [1, 2, 3]
    assert gone.json()["definition"]["retired_at"] is not None
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:tidemark:problem:unknown-definition")


async def test_exact_numbers(client: httpx2.AsyncClient) -> None:
    """Numbers of a body are taken to their last digit."""
    body = b'{"slug": "grow", "title": "Grow", "owner": "me", "weight": 0.10000000000000000000001}'
    created = await client.post("/v1/objectives", content=body, headers={"Content-Type": "application/json"})

    assert b'"weight":0.10000000000000000000001' in created.content


async def test_lists(client: httpx2.AsyncClient) -> None:
    """Objectives and scorecards are listed by slug, page by page."""
    for slug in ("b", "a", "c"):
        await client.post("/v1/objectives", json={**GROW, "slug": slug})

    first = (await client.get("/v1/objectives?limit=2")).json()
    second = (await client.get(f"/v1/objectives?limit=2&cursor={first['next_cursor']}")).json()

    assert [each["slug"] for each in first["items"] + second["items"]] == ["a", "b", "c"]
    assert (await client.get("/v1/scorecards")).json() == {"items": [], "next_cursor": None}


async def test_warnings(client: httpx2.AsyncClient) -> None:
    """What is allowed and probably not meant is told with the answer."""
    await client.post("/v1/objectives", json=GROW)
    created = await client.post("/v1/kpis", json={**ORDERS, "objective": "grwo"})

    assert (created.status_code, created.json()["warnings"]) == (
        201,
        ["there is no objective 'grwo'; did you mean 'grow'?"],
    )


async def test_kinds_in_force(api: Api, client: httpx2.AsyncClient) -> None:
    """What came over HTTP is what a file would have put in force."""
    for base, body, *_ in KINDS:
        await client.post(f"/v1/{base}", json=body)

    async with reading(api.engine) as connection:
        catalogue = await load_catalogue(connection)
    assert [key for key in catalogue.definitions.by_key() if key[0] is not Kind.KPI] == [
        (Kind.OBJECTIVE, "grow"), (Kind.SCORECARD, "board"), (Kind.EVENT_TYPE, "order/paid"),
    ]  # fmt: skip


async def test_limits(database_url: str) -> None:
    """Who is limited to a department writes there alone, names nothing else, and learns of nothing else."""
    ours, theirs = {**ORDERS, "department": "sales"}, {**ORDERS, "slug": "costs", "department": "finance"}
    async with locked_api(database_url) as locked:
        limits = Limits(departments=frozenset(["sales"]))
        token = await locked.token(Scope.READ, Scope.WRITE, limits=limits)
        async with locked.client(await locked.token(Scope.READ, Scope.WRITE)) as free:
            await free.post("/v1/kpis", json={**ours, "slug": "first"})
            await free.post("/v1/kpis", json=theirs)
            seen = await _etag(free, "/v1/kpis/costs")
            board = {**BOARD, "department": "sales", "kpis": [{"kpi": "costs"}]}
            await free.post("/v1/scorecards", json=board)
            await free.post("/v1/kpis", json={**theirs, "slug": "draft_costs", "status": "draft"})
        async with locked.client(token) as client:
            created = await client.post("/v1/kpis", json=ours)
            outside = await client.post("/v1/kpis", json={**theirs, "slug": "more"})
            taken = await client.post("/v1/kpis", json={**ours, "slug": "costs"})
            reading_theirs = await client.post(
                "/v1/kpis",
                json={"slug": "half", "title": "Half", "category": "a", "owner": "me", "windows": ["5m"],
                      "formula": "costs / 2", "department": "sales"},
            )  # fmt: skip
            hidden = [
                await client.request(method, path, headers=seen, **body)
                for method, path, body in (
                    ("GET", "/v1/kpis/costs", {}),
                    ("GET", "/v1/kpis/draft_costs", {}),
                    ("GET", "/v1/kpis/costs/versions", {}),
                    ("GET", "/v1/scorecards/board", {}),
                    ("PUT", "/v1/kpis/costs", {"json": {**theirs, "department": "sales"}}),
                    ("PATCH", "/v1/kpis/costs", {"json": {"department": "sales"}}),
                    ("DELETE", "/v1/kpis/costs", {}),
                )
            ]
            moved = await client.patch(
                "/v1/kpis/orders",
                json={"department": "finance"},
                headers={"If-Match": created.headers["etag"]},
            )

    assert (created.status_code, outside.status_code, taken.status_code) == (201, 403, 409)
    assert outside.json()["type"] == "urn:tidemark:problem:outside-limits"
    assert reading_theirs.json()["errors"][0]["detail"] == "there is no KPI 'costs'"
    assert [each.status_code for each in hidden] == [404] * 7
    assert moved.status_code == 403
