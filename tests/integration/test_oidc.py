"""Access tokens of an OpenID issuer, a real HTTP server: who is let in, who is not, and when it is away."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx2
import jwt
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from services.api.settings import ApiSettings
from services.ingest.http.app import make_app
from services.ingest.http.gate import Gate
from services.ingest.http.intake import Intake
from services.ingest.metrics import Metrics
from services.ingest.observing import Observer
from services.ingest.schemas import Schemas
from shared.access.doors import LockedDoor
from shared.access.keyring import Keyring
from shared.access.oidc import tokens as token_module
from shared.access.oidc.issuers import IssuerUnavailableError
from shared.access.oidc.key_caches import LOOK_EVERY_S, REFRESH_EVERY_S, RETRY_EVERY_S, TRUSTED_S
from shared.access.opening import door_on
from shared.domain.access import Limits, Scope
from shared.domain.access.claims import LEEWAY_S
from shared.domain.access.errors import UnauthenticatedError
from shared.runtime.clock import monotonic_s, utc_now
from shared.storage.audit import Filters, entries
from shared.storage.engine import open_engine, reading
from tests.builders import structured
from tests.integration.oidc_rig import (
    AUDIENCE,
    LocalIssuer,
    ec_key,
    encoded,
    local_issuer,
    oidc_api,
    public_text,
    published,
    rsa_key,
    tokens_by,
)
from tests.unit.api.builders import a_kpi
from tests.unit.ingest.fakes import FakeProducer

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[LocalIssuer]:
    """An issuer with an RSA key and one on P-256."""
    async with local_issuer() as opened:
        yield opened


class Clock:
    """A clock that a test moves on, for what is measured and for the time of day."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self._began_at = utc_now()

    def now_s(self) -> float:
        """Seconds."""
        return self.passed_s

    def utc(self) -> Any:
        """The time of day."""
        return self._began_at + timedelta(seconds=self.passed_s)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_accepted(issuer: LocalIssuer, database_url: str) -> None:
    """A token of the issuer is as good as a key with its scopes; the audit log has its subject."""
    wish = {"name": "board", "scopes": ["read"]}
    by_curve = issuer.signed(issuer.claims(), by=ec_key("two"), kid="two", typ="at+jwt")
    admin = issuer.token(sub="grace", scope=["tidemark:admin", "tidemark:read"])
    async with oidc_api(database_url, tokens_by(issuer)) as api, api.client() as client:
        found = [
            (await client.get("/v1/kpis", headers=_bearer(token))).status_code
            for token in (issuer.token(), by_curve, admin)
        ]
        refused = await client.post("/v1/keys", json=wish, headers=_bearer(issuer.token()))
        made = await client.post("/v1/keys", json=wish, headers=_bearer(admin))
        with_key = await client.get("/v1/kpis", headers=_bearer(made.json()["token"]))
        async with reading(api.engine) as connection:
            log = await entries(connection, Filters())

    assert found == [200, 200, 200]
    assert (refused.status_code, made.status_code, with_key.status_code) == (403, 201, 200)
    assert [(entry.action, entry.actor) for entry in log] == [("key.create", "oidc:grace")]


async def test_by_settings(issuer: LocalIssuer, database_url: str) -> None:
    """The variables are all it takes; without them a token is refused like any unknown key."""
    engine = open_engine(database_url, application_name="tests")
    settings = ApiSettings(
        oidc_issuer=issuer.url, oidc_audience=AUDIENCE, oidc_scopes_claim="roles", oidc_scope_prefix="kpi-",
        oidc_departments_claim="teams",
    )  # fmt: skip
    token = issuer.token(roles=["kpi-write", "read"], teams=["sales"])
    door = door_on(engine, settings)
    principal = (await door.admitted([f"Bearer {token}"])).principal
    told = await door.told()
    with pytest.raises(UnauthenticatedError, match="unknown, expired or revoked"):
        await door_on(engine, ApiSettings()).admitted([f"Bearer {token}"])
    await engine.dispose()

    assert (principal.name, principal.scopes) == ("oidc:ada", frozenset({Scope.WRITE}))
    assert principal.limits == Limits(departments=frozenset({"sales"}))
    assert told.endswith("; 2 keys of the issuer of tokens are known")


def _unsigned(issuer: LocalIssuer) -> str:
    return f"{encoded({'alg': 'none', 'kid': 'one'})}.{encoded(issuer.claims())}."


def _by_public_key(issuer: LocalIssuer) -> str:
    head = f"{encoded({'alg': 'HS256', 'kid': 'one'})}.{encoded(issuer.claims())}"
    # The library refuses to sign like this, so it is done by hand.
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        head.encode(), public_text(rsa_key("one"))
    )
    return f"{head}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


def _tampered(issuer: LocalIssuer) -> str:
    head, _, signature = issuer.token().split(".")
    return f"{head}.{encoded(issuer.claims(scope='tidemark:admin'))}.{signature}"


def _after(seconds: float) -> int:
    return int(utc_now().timestamp() + seconds)


FORGED: list[tuple[str, Callable[[LocalIssuer], str], str]] = [
    ("none", _unsigned, "RS256 or ES256 (alg)"),
    ("public key as secret", _by_public_key, "RS256 or ES256 (alg)"),
    ("another RSA", lambda it: jwt.encode(it.claims(), rsa_key("one"), "RS512", {"kid": "one"}), "(alg)"),
    ("padding", lambda it: jwt.encode(it.claims(), rsa_key("one"), "PS256", {"kid": "one"}), "(alg)"),
    ("another key", lambda it: it.signed(it.claims(), by=rsa_key("evil")), "as its issuer has signed it"),
    ("another kind", lambda it: it.signed(it.claims(), by=ec_key("two")), "no key of its issuer (kid)"),
    ("tampered", _tampered, "as its issuer has signed it"),
    ("cut", lambda it: it.token()[:-2], "as its issuer has signed it"),
    ("unknown kid", lambda it: it.signed(it.claims(), kid="three"), "no key of its issuer (kid)"),
    ("no kid", lambda it: jwt.encode(it.claims(), rsa_key("one"), "RS256"), "which key it is signed"),
    ("critical", lambda it: it.signed(it.claims(), crit=["exp"], exp=1), "cannot be read"),
    ("another type", lambda it: it.signed(it.claims(), typ="logout+jwt"), "no access token (typ)"),
    ("audience", lambda it: it.token(aud="another"), "(aud)"),
    ("audiences", lambda it: it.token(aud=["a", "b"]), "(aud)"),
    ("no audience", lambda it: it.token(aud=None), "(aud)"),
    ("issuer", lambda it: it.token(iss=it.url + "/"), "(iss)"),
    ("no issuer", lambda it: it.token(iss=None), "(iss)"),
    ("expired", lambda it: it.token(iat=_after(-400), nbf=None, exp=_after(-LEEWAY_S - 1)), "expired (exp)"),
    ("no end", lambda it: it.token(exp=None), "needs exp"),
    ("too long", lambda it: it.token(exp=_after(4000)), "longer than 3600 s"),
    ("not yet", lambda it: it.token(nbf=_after(LEEWAY_S + 9)), "not valid yet"),
    ("of tomorrow", lambda it: it.token(iat=_after(LEEWAY_S + 9), nbf=None), "not valid yet"),
    ("no time", lambda it: it.token(iat=None), "needs iat"),
    ("nobody", lambda it: it.token(sub=None), "needs sub"),
    ("odd departments", lambda it: it.token(departments=[1]), "a text or a list of texts"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "why"), [case[1:] for case in FORGED], ids=[case[0] for case in FORGED])
async def test_forged(issuer: LocalIssuer, made: Callable[[LocalIssuer], str], why: str) -> None:
    """What the issuer has not signed, for us and for now, proves nobody; the reason is told."""
    with pytest.raises(UnauthenticatedError) as refused:
        await tokens_by(issuer).prove(made(issuer))

    assert why in str(refused.value)


async def test_what_is_said(issuer: LocalIssuer, database_url: str) -> None:
    """A refused token is a problem like a refused key: 401, and how to be let in."""
    async with oidc_api(database_url, tokens_by(issuer)) as api, api.client(_tampered(issuer)) as client:
        answer = await client.get("/v1/kpis")

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:tidemark:problem:unauthenticated")
    assert answer.headers["www-authenticate"] == 'Bearer realm="tidemark", error="invalid_token"'


@pytest.mark.parametrize(
    "key",
    [
        published(rsa_key("one"), "one", use="enc"),
        published(rsa_key("one"), "one", alg="RS512"),
        published(rsa_key("one"), "one", key_ops=["encrypt"]),
        published(rsa_key("one"), "one", n="AQAB"),
        published(rsa_key("one"), "one", n="%"),
        {"kty": "oct", "kid": "one", "k": base64.urlsafe_b64encode(public_text(rsa_key("one"))).decode()},
    ],
    ids=["use", "alg", "key_ops", "short", "broken", "secret"],
)
async def test_keys_for_something_else(issuer: LocalIssuer, key: dict[str, Any]) -> None:
    """A key that is for something else, too short or broken proves nothing; the others do still."""
    issuer.keys = [key, published(ec_key("two"), "two")]
    tokens = tokens_by(issuer)
    proof = await tokens.prove(issuer.signed(issuer.claims(), by=ec_key("two"), kid="two"))
    with pytest.raises(UnauthenticatedError, match="kid"):
        await tokens.prove(issuer.token())

    assert proof.identity.principal.name == "oidc:ada"


async def test_remembered(issuer: LocalIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token in use costs neither IO nor a check of its signature; no more than some are remembered."""
    monkeypatch.setattr(token_module, "MOST_REMEMBERED", 3)
    tokens, token = tokens_by(issuer), issuer.token()
    first = await tokens.prove(token)
    asked = issuer.asked
    proofs = [await tokens.prove(token) for _ in range(50)]
    for number in range(5):
        await tokens.prove(issuer.token(sub=f"user{number}"))

    assert all(proof is first for proof in proofs)
    assert (issuer.asked, len(tokens._proofs)) == (asked, 3)
    assert await tokens.prove(token) is not first


async def test_rotation(issuer: LocalIssuer) -> None:
    """For unknown keys the issuer is asked once a minute; what a withdrawn key has proved ends with that."""
    clock = Clock()
    tokens = tokens_by(issuer, now_s=clock.now_s)
    old = await tokens.prove(issuer.token())
    issuer.keys = [published(rsa_key("new"), "new")]
    new = issuer.signed(issuer.claims(), by=rsa_key("new"), kid="new")
    for kid in ("made", "up", "new"):
        with pytest.raises(UnauthenticatedError, match="kid"):
            await tokens.prove(issuer.signed(issuer.claims(), by=rsa_key("new"), kid=kid))
    early = (issuer.asked, tokens.still_proves(old))
    clock.passed_s += LOOK_EVERY_S
    await tokens.prove(new)
    late = (issuer.asked, tokens.still_proves(old))

    assert (early, late) == ((1, True), (2, False))


async def test_withdrawn(issuer: LocalIssuer) -> None:
    """A key that the issuer withdraws is refused after the next refresh; what others have proved stays."""
    clock = Clock()
    tokens = tokens_by(issuer, now_s=clock.now_s)
    first = await tokens.prove(issuer.token())
    second = await tokens.prove(issuer.signed(issuer.claims(), by=ec_key("two"), kid="two"))
    issuer.keys = issuer.keys[1:]
    clock.passed_s += REFRESH_EVERY_S - 1
    await tokens.refresh()
    before = issuer.asked
    clock.passed_s += 1
    await tokens.refresh()

    assert (before, issuer.asked) == (1, 2)
    assert (tokens.still_proves(first), tokens.still_proves(second)) == (False, True)


async def test_issuer_away(issuer: LocalIssuer) -> None:
    """While the issuer is away its last keys are good for an hour; then nobody is let in by a token."""
    clock = Clock()
    tokens = tokens_by(issuer, now_s=clock.now_s)
    proof = await tokens.prove(issuer.token())
    issuer.status = 503
    clock.passed_s = TRUSTED_S - 1
    await tokens.refresh()
    within = (tokens.still_proves(proof), tokens.told())
    fresh = await tokens.prove(issuer.token(sub="grace"))
    clock.passed_s = TRUSTED_S
    after = (tokens.still_proves(proof), tokens.told())
    with pytest.raises(IssuerUnavailableError):
        await tokens.prove(issuer.token())
    asked = issuer.asked
    issuer.status = 200
    clock.passed_s += RETRY_EVERY_S
    await tokens.prove(issuer.token())

    assert fresh.identity.principal.name == "oidc:grace"
    assert (within[0], after[0]) == (True, False)
    assert within[1].endswith("): its last keys are still good")
    assert after[1].endswith("): its tokens are refused")
    assert "HTTP 503" in after[1]
    assert issuer.asked == asked + 1


async def test_away_from_the_start(issuer: LocalIssuer, database_url: str) -> None:
    """An issuer that cannot be asked is told as 503 with a time, without its address; keys are served."""
    issuer.status = 500
    async with oidc_api(database_url, tokens_by(issuer)) as api, api.client(issuer.token()) as client:
        answer = await client.get("/v1/kpis")
        ready = await client.get("/readyz")
        by_key = await client.get("/v1/kpis", headers=_bearer(await api.token(Scope.READ)))

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:tidemark:problem:try-again")
    assert ("retry-after" in answer.headers, "127.0.0.1" in answer.text) == (True, False)
    assert (ready.status_code, by_key.status_code) == (200, 200)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("error", {"status": 500}, "HTTP 500"),
    ("slow", {"delay_s": 5.0}, "no whole answer within 0.3 s"),
    ("huge", {"padding": 300_000}, "more than 262144 bytes"),
    ("many", {"keys": [published(ec_key("two"), f"k{number}") for number in range(51)]}, "at most 50 keys"),
    ("no list", {"keys": {"one": 1}}, "at most 50 keys"),
    ("another issuer", {"discovered": {"issuer": "https://evil.example"}}, "of another issuer"),
    ("elsewhere", {"discovered": {"jwks_uri": "https://evil.example/keys"}}, "TIDEMARK_OIDC_JWKS_ORIGIN"),
    ("another port", {"discovered": {"jwks_uri": "http://127.0.0.1:1/keys"}}, "TIDEMARK_OIDC_JWKS_ORIGIN"),
    ("no address", {"discovered": {"jwks_uri": 7}}, "TIDEMARK_OIDC_JWKS_ORIGIN"),
    ("redirect", {"discovered": {"jwks_uri": "{url}/moved"}}, "HTTP 302"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "why"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
async def test_hostile_issuers(issuer: LocalIssuer, changes: dict[str, Any], why: str) -> None:
    """What an issuer answers is bounded in time, size and number, and it sends us nowhere else."""
    for name, value in changes.items():
        setattr(issuer, name, json.loads(json.dumps(value).replace("{url}", issuer.url)))
    tokens = tokens_by(issuer, deadline_s=0.3)
    began_s = monotonic_s()
    with pytest.raises(IssuerUnavailableError):
        await tokens.prove(issuer.token())

    assert why in tokens.told()
    assert monotonic_s() - began_s < 2.0


async def test_nobody_listens() -> None:
    """An issuer that does not listen is one that is away."""
    tokens = tokens_by(LocalIssuer(url="http://127.0.0.1:1"))
    with pytest.raises(IssuerUnavailableError):
        await tokens.prove(LocalIssuer(url="http://127.0.0.1:1").token())


async def test_limits(issuer: LocalIssuer, database_url: str) -> None:
    """What claims limit to is all that is seen: the rest is 404; without these claims nothing is."""
    sales, finance = a_kpi("booked", department="sales"), a_kpi("spent", department="finance")
    wishes: list[dict[str, Any]] = [
        {"departments": ["sales"]}, {"departments": "sales"}, {"departments": [], "kpis": ["spent"]},
        {"departments": None}, {"departments": ["sales"], "scope": "tidemark:read tidemark:admin"},
    ]  # fmt: skip
    seen, admins = [], []
    async with oidc_api(database_url, tokens_by(issuer)) as api, api.client() as client:
        await api.apply([sales, finance])
        for wish in wishes:
            sent = _bearer(issuer.token(**wish))
            answers = [await client.get(f"/v1/kpis/{each.slug}", headers=sent) for each in (sales, finance)]
            seen.append([answer.status_code for answer in answers])
            admins.append((await client.get("/v1/keys", headers=sent)).status_code)
        nothing = await client.get("/v1/kpis", headers=_bearer(issuer.token(scope="openid read")))

    assert seen == [[200, 404], [200, 404], [404, 200], [404, 404], [200, 404]]
    assert (set(admins), nothing.status_code) == ({403}, 403)


async def test_streams_end(issuer: LocalIssuer, database_url: str) -> None:
    """A stream ends when the token that opened it does, without any question to the issuer."""
    clock = Clock()
    tokens = tokens_by(issuer, clock=clock.utc)
    async with oidc_api(database_url, tokens) as api, api.client(issuer.token()) as client:
        await api.state.hub.poll()
        streaming = asyncio.create_task(client.get("/v1/stream"), name="stream")
        await asyncio.sleep(1.5)
        is_open, asked = not streaming.done(), issuer.asked
        clock.passed_s = 300 + LEEWAY_S + 1
        async with asyncio.timeout(5):
            ended = await streaming
        again = await client.get("/v1/kpis")

    assert (is_open, ended.status_code, again.status_code) == (True, 200, 401)
    assert issuer.asked == asked


async def test_ingest(issuer: LocalIssuer, database_url: str) -> None:
    """Events over HTTP are let in by a token with the scope ingest; while the issuer is away, 503."""
    engine = open_engine(database_url, application_name="tests")
    registry = CollectorRegistry()
    intake = Intake(Gate(FakeProducer()), Metrics.on(registry), Observer(), Schemas.settled({}))
    apps = [
        make_app(intake, door=LockedDoor(Keyring(engine), tokens), probes={}, registry=registry)
        for tokens in (tokens_by(issuer), tokens_by(LocalIssuer(url="http://127.0.0.1:1")))
    ]
    found = []
    for app, scope in (
        (apps[0], "tidemark:ingest"),
        (apps[0], "tidemark:read"),
        (apps[1], "tidemark:ingest"),
    ):
        headers = {"Content-Type": "application/cloudevents+json", **_bearer(issuer.token(scope=scope))}
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app), base_url="http://ingest"
        ) as client:
            answer = await client.post("/v1/events", content=structured(), headers=headers)
        found.append((answer.status_code, answer.json().get("type")))
    await engine.dispose()

    assert [status for status, _ in found] == [202, 403, 503]
    assert found[2][1] == "urn:tidemark:problem:try-again"
