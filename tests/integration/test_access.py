"""Who is let in: every route with every sort of key, rotation, revocation, and rates."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from services.api.app import api_routes
from services.api.security.scopes import declared
from services.ingest.http.app import make_app
from services.ingest.http.gate import Gate
from services.ingest.http.intake import Intake
from services.ingest.metrics import Metrics
from services.ingest.observing import Observer
from services.ingest.schemas import Schemas
from shared.access.doors import LockedDoor
from shared.access.keyring import REFRESH_EVERY_S, Keyring
from shared.domain.access import Scope
from shared.runtime.clock import monotonic_s, utc_now
from shared.storage import audit
from shared.storage.audit import Filters
from shared.storage.engine import open_engine, reading
from tests.builders import structured
from tests.integration.access_rig import Locked, locked_api
from tests.unit.ingest.fakes import FakeProducer

pytestmark = pytest.mark.asyncio

WITHIN_S = 5.0
"""How soon a revoked key has to be refused everywhere."""


@pytest_asyncio.fixture
async def api(database_url: str) -> AsyncIterator[Locked]:
    """An API that asks for keys."""
    async with locked_api(database_url) as opened:
        yield opened


def _operations() -> Iterator[tuple[str, str, list[frozenset[Scope]]]]:
    for route in api_routes():
        for method in sorted(route.methods or ()):
            path = route.path.replace("{slug}", "departures")
            yield method, path, list(declared(route))


def _everything_but(wanted: frozenset[Scope]) -> list[Scope]:
    return [scope for scope in Scope if scope not in wanted]


async def _status(client: httpx2.AsyncClient, method: str, path: str) -> int:
    return (await client.request(method, path, json={})).status_code


async def test_every_route(api: Locked) -> None:
    """No route answers without a key, with a wrong or expired one, or with every scope but its own."""
    wrong = (await api.token(Scope.READ))[:-8] + "00000000"
    expired = await api.token(*Scope, at=utc_now() - timedelta(days=2))
    senders = [api.client(), api.client(wrong), api.client(expired), api.client(Authorization="Basic eDp5")]
    operations = list(_operations())
    for method, path, wanted in operations:
        assert wanted, f"{method} {path} declares nothing"
        for client in senders:
            assert await _status(client, method, path) == 401, f"{method} {path}"
        for scopes in wanted:
            lacking = api.client(await api.token(*_everything_but(scopes)))
            assert await _status(lacking, method, path) == 403, f"{method} {path} without {scopes}"

    assert len(operations) > 10


async def test_what_is_declared_is_enough(api: Locked) -> None:
    """With what a route declares, it answers whatever it has to say, which is neither 401 nor 403."""
    tokens: dict[frozenset[Scope], str] = {}
    for method, path, wanted in _operations():
        if path == "/v1/stream":
            continue
        scopes = frozenset(next(iter(sorted(each))) for each in wanted)
        if scopes not in tokens:
            tokens[scopes] = await api.token(*scopes)
        async with api.client(tokens[scopes]) as client:
            assert await _status(client, method, path) not in {401, 403}, f"{method} {path}"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
async def test_open_to_all(api: Locked, path: str) -> None:
    """How the process is, and what it could be asked, is told to everybody."""
    async with api.client() as client:
        assert (await client.get(path)).status_code == 200


async def test_unknown_paths(api: Locked) -> None:
    """Who is not known does not even learn which paths there are."""
    async with api.client() as client, api.client(await api.token(Scope.READ)) as known:
        assert (await client.get("/v2/secrets")).status_code == 401
        assert (await known.get("/v2/secrets")).status_code == 404


async def test_what_is_said(api: Locked) -> None:
    """A refusal is a problem, tells how to be let in (RFC 6750), and never whether a key exists."""
    dead = await api.make(Scope.READ, at=utc_now() - timedelta(days=2))
    async with (
        api.client() as nothing,
        api.client("tmk_nonsense") as nonsense,
        api.client(dead.token) as late,
    ):
        answers = [await client.get("/v1/kpis") for client in (nothing, nonsense, late)]

    assert [a.headers["www-authenticate"] for a in answers] == [
        'Bearer realm="tidemark"',
        'Bearer realm="tidemark", error="invalid_token"',
        'Bearer realm="tidemark", error="invalid_token"',
    ]
    assert {a.json()["type"] for a in answers} == {"urn:tidemark:problem:unauthenticated"}
    assert answers[1].json()["detail"] == answers[2].json()["detail"]


async def test_metrics_open(database_url: str) -> None:
    """/metrics asks nobody where the operator says so; nothing else opens with it."""
    async with locked_api(database_url, api_metrics_open=True) as api, api.client() as client:
        assert (await client.get("/metrics")).status_code == 200
        assert (await client.get("/v1/kpis")).status_code == 401


async def test_ingest(api: Locked) -> None:
    """Events over HTTP want the scope ingest; the ports for operations stay open."""
    registry = CollectorRegistry()
    producer = FakeProducer()
    intake = Intake(Gate(producer), Metrics.on(registry), Observer(), Schemas.settled({}))
    app = make_app(intake, door=LockedDoor(Keyring(api.engine)), probes={}, registry=registry)
    transport = httpx2.ASGITransport(app=app)
    tokens = [
        None,
        "tmk_wrong",
        await api.token(Scope.INGEST, at=utc_now() - timedelta(days=2)),
        await api.token(*_everything_but(frozenset({Scope.INGEST}))),
        await api.token(Scope.INGEST),
    ]
    found = []
    async with httpx2.AsyncClient(transport=transport, base_url="http://ingest") as client:
        for token in tokens:
            headers = {"Content-Type": "application/cloudevents+json"}
            headers |= {} if token is None else {"Authorization": f"Bearer {token}"}
            answer = await client.post("/v1/events", content=structured(), headers=headers)
            found.append(answer.status_code)
        is_open = [(await client.get(path)).status_code for path in ("/healthz", "/readyz", "/metrics")]
        hidden = (await client.get("/v1/other")).status_code

    assert found == [401, 401, 401, 403, 202]
    assert (is_open, hidden) == ([200, 200, 200], 401)


async def test_nothing_usable_is_stored(api: Locked) -> None:
    """The database has a digest of a key, and the key nowhere."""
    made = await api.make(Scope.ADMIN)
    assert made.token is not None
    async with reading(api.engine) as connection:
        row = (await connection.execute(text("SELECT * FROM api_keys"))).mappings().one()
        log = await audit.entries(connection, Filters())
    secret = made.token.split("_")[2]

    assert row["digest"] == hashlib.sha256(made.token.encode()).digest()
    assert secret not in repr(dict(row)) + repr(log)


async def test_by_http(api: Locked) -> None:
    """A key is made, shown, listed, rotated and revoked over HTTP, and each change leaves one entry."""
    wish = {"name": "board", "scopes": ["read"], "kpis": ["departures"], "valid_for_s": 3600}
    async with api.client(await api.token(Scope.ADMIN)) as admin:
        made = await admin.post("/v1/keys", json=wish)
        key_id = made.json()["key"]["key_id"]
        shown = (await admin.get(f"/v1/keys/{key_id}")).json()
        rotated = (await admin.post(f"/v1/keys/{key_id}/rotate", json={"overlap_s": 60})).json()
        both = [made.json()["token"], rotated["token"]]
        accepted = [(await api.client(token).get("/v1/kpis")).status_code for token in both]
        first = await admin.get("/v1/keys?limit=1")
        rest = await admin.get(f"/v1/keys?cursor={first.json()['next_cursor']}")
        revoked = (await admin.post(f"/v1/keys/{key_id}/revoke")).json()
        again = await admin.post(f"/v1/keys/{key_id}/rotate")
    async with reading(api.engine) as connection:
        log = await audit.entries(connection, Filters(subject=key_id))

    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    assert {name: shown[name] for name in ("name", "scopes", "kpis", "state")} == {
        "name": "board", "scopes": ["read"], "kpis": ["departures"], "state": "active",
    }  # fmt: skip
    assert accepted == [200, 200]
    assert [item["key_id"] for item in rest.json()["items"]] == [key_id]
    assert (revoked["state"], again.status_code) == ("revoked", 409)
    assert [entry.action for entry in log] == ["key.revoke", "key.rotate", "key.create"]
    assert all(entry.actor.startswith("key:") and entry.actor.endswith(":tests") for entry in log)


async def test_no_overlap(api: Locked) -> None:
    """Without an overlap the old secret ends with the rotation, as soon as a revoked key does."""
    made = await api.make(Scope.READ)
    async with api.client(made.token) as old, api.client(await api.token(Scope.ADMIN)) as admin:
        before = (await old.get("/v1/kpis")).status_code
        await admin.post(f"/v1/keys/{made.key.key_id}/rotate", json={"overlap_s": 0})
        refused_s = await _until_refused(old)

    assert before == 200
    assert refused_s < WITHIN_S


async def test_repeated_wish(api: Locked) -> None:
    """A wish repeated with its Idempotency-Key makes one key; another wish with it is refused."""
    wish = {"name": "board", "scopes": ["read"]}
    token = await api.token(Scope.ADMIN)
    async with api.client(token, **{"Idempotency-Key": "one"}) as admin:
        answers = await asyncio.gather(*(admin.post("/v1/keys", json=wish) for _ in range(4)))
        other = await admin.post("/v1/keys", json={**wish, "name": "other"})

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["key"]["key_id"] for answer in answers}) == 1
    assert sum(answer.json()["token"] is not None for answer in answers) == 1
    assert (other.status_code, other.json()["type"]) == (422, "urn:tidemark:problem:idempotency-key-reused")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\u0000"}, "/name"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["read", "read"]}, "/scopes"),
        ({"scopes": ["all"]}, "/scopes/0"),
        ({"scopes": ["admin"], "kpis": ["departures"]}, "/scopes"),
        ({"departments": []}, "/departments"),
        ({"kpis": [" "]}, "/kpis"),
        ({"valid_for_s": 59}, "/valid_for_s"),
        ({"valid_for_s": 10**10}, "/valid_for_s"),
    ],
)
async def test_bad_wishes(api: Locked, changes: dict[str, Any], pointer: str) -> None:
    """A key that there cannot be is refused with the field at fault."""
    async with api.client(await api.token(Scope.ADMIN)) as admin:
        answer = await admin.post("/v1/keys", json={"name": "board", "scopes": ["read"], **changes})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer), answer.text


@pytest.mark.parametrize("key_id", ["0" * 16, "%00", "x"])
async def test_no_such_key(api: Locked, key_id: str) -> None:
    """There is nothing to show, rotate or revoke where there is no key."""
    async with api.client(await api.token(Scope.ADMIN)) as admin:
        answers = [
            await admin.get(f"/v1/keys/{key_id}"),
            await admin.post(f"/v1/keys/{key_id}/rotate"),
            await admin.post(f"/v1/keys/{key_id}/revoke"),
        ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


async def _until_refused(client: httpx2.AsyncClient, path: str = "/v1/kpis") -> float:
    """Seconds until *client* is refused, asking all the time."""
    began_s = monotonic_s()
    async with asyncio.timeout(2 * WITHIN_S):
        while (await client.get(path)).status_code != 401:
            pass
    return monotonic_s() - began_s


async def test_revoked_everywhere(api: Locked, database_url: str) -> None:
    """A key that one process revokes is refused by another within 5 s, though it is used all the time."""
    made = await api.make(Scope.READ)
    async with (
        locked_api(database_url) as other,
        api.client(await api.token(Scope.ADMIN)) as admin,
        other.client(made.token) as client,
    ):
        before = (await client.get("/v1/kpis")).status_code
        await admin.post(f"/v1/keys/{made.key.key_id}/revoke")
        refused_s = await _until_refused(client)

    assert before == 200
    assert refused_s < WITHIN_S


async def test_streams_end(api: Locked) -> None:
    """A stream that is open when its key is revoked ends within 5 s, like everything else."""
    made = await api.make(Scope.READ)
    door = api.state.security.door
    await api.state.hub.poll()
    async with api.client(made.token) as client, api.client(await api.token(Scope.ADMIN)) as admin:
        streaming = asyncio.create_task(client.get("/v1/stream"), name="stream")
        await asyncio.sleep(REFRESH_EVERY_S / 2)
        is_open = not streaming.done()
        began_s = monotonic_s()
        await admin.post(f"/v1/keys/{made.key.key_id}/revoke")
        async with asyncio.timeout(2 * WITHIN_S):
            while not streaming.done():
                await door.refresh()
                await asyncio.sleep(0.1)

    assert is_open
    assert monotonic_s() - began_s < WITHIN_S


async def test_fails_closed(database_url: str) -> None:
    """Without a database that can be asked nobody is let in: 503, and nothing of why."""
    engine = open_engine("postgresql://tidemark@127.0.0.1:1/none", application_name="tests")
    async with locked_api(database_url) as api:
        token = await api.token(*Scope)
    door = LockedDoor(Keyring(engine))
    app = make_app(
        Intake(Gate(FakeProducer()), Metrics.on(CollectorRegistry()), Observer(), Schemas.settled({})),
        door=door, probes={}, registry=CollectorRegistry(),
    )  # fmt: skip
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://ingest"
    ) as client:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents+json"}
        answer = await client.post("/v1/events", content=structured(), headers=headers)
    await engine.dispose()

    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert "127.0.0.1" not in answer.text


async def test_no_io(api: Locked) -> None:
    """A key in use is proved from memory: while it is young no statement is sent for it."""
    keyring = Keyring(api.engine)
    door, token = LockedDoor(keyring), await api.token(Scope.READ)
    await door.admitted([f"Bearer {token}"])
    await api.engine.dispose()
    seen = api.engine.pool.checkedin()  # type: ignore[attr-defined]
    for _ in range(100):
        await door.admitted([f"Bearer {token}"])

    assert seen == 0
    assert api.engine.pool.checkedin() == 0  # type: ignore[attr-defined]


async def test_last_used(api: Locked) -> None:
    """When a key was used is known, coarsely, once the process has told the database."""
    made = await api.make(Scope.READ)
    async with api.client(made.token) as client, api.client(await api.token(Scope.ADMIN)) as admin:
        before = (await admin.get(f"/v1/keys/{made.key.key_id}")).json()["last_used_at"]
        await client.get("/v1/kpis")
        await api.state.security.door.refresh()
        after = (await admin.get(f"/v1/keys/{made.key.key_id}")).json()["last_used_at"]

    assert before is None
    assert after is not None


async def test_rates(database_url: str) -> None:
    """A caller who asks too often gets 429 and the time to wait; another one is not concerned."""
    async with (
        locked_api(database_url, api_rate_per_s=0.5, api_rate_burst=2) as api,
        api.client(await api.token(Scope.READ)) as one,
        api.client(await api.token(Scope.READ)) as other,
    ):
        answers = [await one.get("/v1/kpis") for _ in range(3)]
        others = (await other.get("/v1/kpis")).status_code

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert (answers[2].headers["retry-after"], others) == ("2", 200)
    assert answers[2].json()["type"] == "urn:tidemark:problem:too-many-requests"


async def test_pages_of_other_origins(database_url: str) -> None:
    """A page of a listed origin may ask and read, also why it was refused; other pages may not."""
    page = "https://kpis.example.com"
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    async with locked_api(database_url, api_cors_origins=page) as api:
        token = await api.token(Scope.READ)
        allowed = "access-control-allow-origin"
        async with api.client(Origin=page) as theirs, api.client(Origin=page + ".evil.example") as evil:
            preflight = await theirs.options("/v1/kpis", headers=asks)
            refused = await theirs.get("/v1/kpis")
            answer = await theirs.get("/v1/kpis", headers={"Authorization": f"Bearer {token}"})
            none = [await evil.options("/v1/kpis", headers=asks), await evil.get("/v1/kpis")]
    async with locked_api(database_url) as closed, closed.client(Origin=page) as client:
        by_default = await client.options("/v1/kpis", headers=asks)

    assert (preflight.status_code, preflight.headers[allowed]) == (200, page)
    assert (refused.status_code, refused.headers[allowed]) == (401, page)
    assert (answer.status_code, answer.headers[allowed]) == (200, page)
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert [allowed in each.headers for each in (*none, by_default)] == [False, False, False]
