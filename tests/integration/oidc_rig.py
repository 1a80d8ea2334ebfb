"""An OpenID issuer of our own: a real HTTP server on loopback, whose keys the tests make."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.app import create_app
from shared.access.doors import LockedDoor
from shared.access.keyring import Keyring
from shared.access.oidc.issuers import DISCOVERY_PATH, Issuer
from shared.access.oidc.key_caches import KeyCache
from shared.access.oidc.tokens import Tokens
from shared.domain.access.claims import ClaimNames, Expected
from shared.runtime.clock import monotonic_s, utc_now
from shared.runtime.ops import serving
from tests.integration.access_rig import Locked, locked_api

AUDIENCE = "tidemark-tests"

NAMES = ClaimNames(departments="departments", kpis="kpis")


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """A key that is made once for all tests; *name* tells it from others."""
    assert name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    """Like `rsa_key`, on P-256."""
    assert name
    return ec.generate_private_key(ec.SECP256R1())


PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def published(key: PrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """The public half of *key* as an issuer shows it."""
    if isinstance(key, rsa.RSAPrivateKey):
        fields = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        fields = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**fields, "kid": kid, "use": "sig", **more}


def public_text(key: rsa.RSAPrivateKey) -> bytes:
    """The public half of *key* as a text, as programs pass it around."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def encoded(part: Mapping[str, Any]) -> str:
    """A part of a token, unsigned."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@dataclass(slots=True)
class LocalIssuer:
    """What the issuer answers; tests change it as they like.

    Attributes:
        keys: what its key set has.
        asked: how often for its keys.
        status: of every answer.
        delay_s: before every answer.
        padding: bytes more in the key set.
        discovered: what else, or otherwise, stands in its document.
    """

    url: str = ""
    keys: list[dict[str, Any]] = field(
        default_factory=lambda: [published(rsa_key("one"), "one"), published(ec_key("two"), "two")]
    )
    asked: int = 0
    status: int = 200
    delay_s: float = 0.0
    padding: int = 0
    discovered: dict[str, Any] = field(default_factory=dict)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token; None takes one away."""
        now_s = int(utc_now().timestamp())
        usual = {
            "iss": self.url, "aud": AUDIENCE, "sub": "ada", "iat": now_s, "nbf": now_s,
            "exp": now_s + 300, "scope": "openid tidemark:read", "departments": ["*"],
        }  # fmt: skip
        return {name: value for name, value in (usual | changes).items() if value is not None}

    def token(self, **changes: Any) -> str:
        """A token that the issuer has signed with its first key."""
        return self.signed(self.claims(**changes))

    def signed(self, claims: Mapping[str, Any], *, by: PrivateKey | None = None, **header: Any) -> str:
        """A token with those *claims*."""
        key = by or rsa_key("one")
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
        return jwt.encode(dict(claims), key, algorithm=algorithm, headers={"kid": "one", **header})

    async def discovery(self, request: Request) -> Response:
        """Where its keys are."""
        del request
        document = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", **self.discovered}
        return await self._answered(document)

    async def key_set(self, request: Request) -> Response:
        """Its keys."""
        del request
        self.asked += 1
        return await self._answered({"keys": self.keys, "padding": "x" * self.padding})

    async def moved(self, request: Request) -> Response:
        """Leads to its keys by a redirect."""
        del request
        return Response(status_code=302, headers={"Location": f"{self.url}/keys"})

    async def _answered(self, document: Mapping[str, Any]) -> Response:
        await asyncio.sleep(self.delay_s)
        return Response(json.dumps(document), self.status, media_type="application/json")


@contextlib.asynccontextmanager
async def local_issuer() -> AsyncIterator[LocalIssuer]:
    """An issuer that listens until the block ends."""
    issuer = LocalIssuer()
    routes = [
        Route(DISCOVERY_PATH, issuer.discovery),
        Route("/keys", issuer.key_set),
        Route("/moved", issuer.moved),
    ]
    async with serving(Starlette(routes=routes), host="127.0.0.1", port=0) as server:
        issuer.url = f"http://127.0.0.1:{server.port}"
        yield issuer


def tokens_by(
    issuer: LocalIssuer,
    *,
    clock: Callable[[], datetime] = utc_now,
    now_s: Callable[[], float] = monotonic_s,
    deadline_s: float = 5.0,
) -> Tokens:
    """What proves the tokens of *issuer*, with clocks of the test's."""
    keys = KeyCache(Issuer(issuer.url, deadline_s=deadline_s), now_s=now_s)
    return Tokens(keys, Expected(issuer.url, AUDIENCE, 3600, NAMES), clock=clock)


@contextlib.asynccontextmanager
async def oidc_api(database_url: str, tokens: Tokens) -> AsyncIterator[Locked]:
    """An API that accepts keys and what *tokens* prove, until the block ends."""
    async with locked_api(database_url) as api:
        door = LockedDoor(Keyring(api.engine), tokens)
        state = replace(api.state, security=replace(api.state.security, door=door))
        yield Locked(state, api.engine, httpx2.ASGITransport(app=create_app(state)))
