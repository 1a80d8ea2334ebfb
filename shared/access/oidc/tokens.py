"""Access tokens (RFC 7519, RFC 9068) proved and remembered: a request costs a look-up, not a signature."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from jwt import PyJWK, PyJWS
from jwt.exceptions import PyJWTError

from shared.access.oidc.key_caches import KeyCache
from shared.access.oidc.key_sets import ALGORITHMS, KeyName
from shared.domain.access.claims import Expected, Identity, identity_of
from shared.domain.access.errors import UnauthenticatedError
from shared.runtime.clock import utc_now

LONGEST = 16 * 1024
"""Characters of a token; servers take no longer headers anyway."""

MOST_REMEMBERED = 10_000
"""How many proofs are kept, of about 2 KiB each."""

TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""What `typ` may say (RFC 9068, section 4; RFC 8725, section 3.11): other tokens have other purposes."""

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")

_JWS = PyJWS(list(ALGORITHMS))


def looks_like_token(text: str) -> bool:
    """Whether *text* has the form of a JWT: three parts of base64url with dots between."""
    return len(text) <= LONGEST and _FORM.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Proof:
    """What a token has proved.

    Attributes:
        name: of the *key* that it was proved by.
    """

    identity: Identity
    name: KeyName
    key: PyJWK


class Tokens:
    """Proves the tokens of one issuer. Safe to use from several tasks at once."""

    def __init__(
        self, keys: KeyCache, expected: Expected, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._keys = keys
        self._expected = expected
        self._clock = clock
        self._proofs: dict[bytes, Proof] = {}

    async def prove(self, text: str) -> Proof:
        """What the token *text* proves now.

        Raises:
            UnauthenticatedError: nothing; what is wrong with its claims is told once its signature is right.
            IssuerUnavailableError: the issuer cannot be asked for the key it is signed with.
        """
        digest = hashlib.sha256(text.encode()).digest()
        known = self._proofs.pop(digest, None)
        proof = known if known is not None and self.still_proves(known) else await self._proved(text)
        # Put at the end: the first to be forgotten is the one that was not used for longest.
        self._proofs[digest] = proof
        if len(self._proofs) > MOST_REMEMBERED:
            del self._proofs[next(iter(self._proofs))]
        return proof

    def still_proves(self, proof: Proof) -> bool:
        """Whether *proof* holds as far as is known in memory; asks nobody."""
        in_time = self._clock().timestamp() < proof.identity.until_s
        return in_time and self._keys.still_has(proof.name, proof.key)

    async def refresh(self) -> None:
        """Ask the issuer for its keys if that is due; may take seconds."""
        await self._keys.refresh()

    def told(self) -> str:
        """What /readyz says of it."""
        return self._keys.told()

    async def _proved(self, text: str) -> Proof:
        name = _key_name(text)
        key = await self._keys.key(name)
        if key is None:
            raise UnauthenticatedError("the token is signed with no key of its issuer (kid)")
        claims = _claims(text, key)
        identity = identity_of(claims, self._expected, now_s=self._clock().timestamp())
        return Proof(identity, name, key)


def _key_name(text: str) -> KeyName:
    """Which key *text* says that it is signed with; nothing of it is proved."""
    try:
        header = _JWS.get_unverified_header(text)
    except PyJWTError as error:
        raise UnauthenticatedError("the token cannot be read") from error
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if algorithm not in ALGORITHMS:
        raise UnauthenticatedError(f"the token is not signed with {' or '.join(ALGORITHMS)} (alg)")
    if not isinstance(kind, str) or kind.lower() not in TYPES:
        raise UnauthenticatedError("the token is no access token (typ)")
    if not isinstance(kid, str):
        raise UnauthenticatedError("the token does not say which key it is signed with (kid)")
    return kid, algorithm


def _claims(text: str, key: PyJWK) -> dict[str, Any]:
    try:
        payload = _JWS.decode_complete(text, key, algorithms=[key.algorithm_name])["payload"]
        return msgspec.json.decode(payload, type=dict[str, Any])
    except (PyJWTError, msgspec.MsgspecError, RecursionError) as error:
        raise UnauthenticatedError("the token is not as its issuer has signed it") from error
