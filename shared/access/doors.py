"""Who asks, by the Authorization header of a request; it knows neither routes nor statuses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.access.keyring import Keyring
from shared.access.oidc.tokens import Tokens, looks_like_token
from shared.domain.access import NOT_ASKED, Principal
from shared.domain.access.errors import NothingSentError, UnauthenticatedError
from shared.domain.access.tokens import token_of


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody who was let in.

    Attributes:
        principal: who.
        holds: whether they would be let in still, as far as is known at hand; waits for nobody.
    """

    principal: Principal
    holds: Callable[[], bool]


class Door(Protocol):
    """Lets callers in."""

    async def admitted(self, authorization: Sequence[str]) -> Admission:
        """Who sends these Authorization headers.

        Raises:
            UnauthenticatedError: they prove nobody.
            TryAgainError: it cannot be found out at the moment.
        """

    async def told(self) -> str:
        """What /readyz says of it."""

    async def refresh(self) -> None:
        """Find out what has changed; called about once a second."""

    async def ask_issuer(self) -> None:
        """Ask the issuer of tokens for its keys if that is due; called about once a second, may take more."""


class OpenDoor:
    """Lets everybody do everything: for a machine that nobody else can reach."""

    async def admitted(self, authorization: Sequence[str]) -> Admission:  # noqa: ARG002 - whatever is sent
        """Everybody."""
        return Admission(NOT_ASKED, _always)

    async def told(self) -> str:
        """That it is open."""
        return "INSECURE: nobody is asked for a key (TIDEMARK_INSECURE_LOCAL)"

    async def refresh(self) -> None:
        """Nothing changes."""

    async def ask_issuer(self) -> None:
        """There is none."""


def _always() -> bool:
    return True


class LockedDoor:
    """Lets in who has a key, or a token of the issuer, if there is one."""

    def __init__(self, keyring: Keyring, tokens: Tokens | None = None) -> None:
        self._keyring = keyring
        self._tokens = tokens

    async def admitted(self, authorization: Sequence[str]) -> Admission:
        """Whose key or token is sent."""
        text = credentials(authorization)
        if self._tokens is not None and looks_like_token(text):
            return await _by_token(self._tokens, text)
        token = token_of(text)
        key = None if token is None else await self._keyring.prove(token)
        if token is None or key is None:
            raise UnauthenticatedError("the key is unknown, expired or revoked")
        return Admission(key.principal, lambda: self._keyring.still_accepts(token))

    async def told(self) -> str:
        """That it is locked, what to do while there is no key, and how the issuer of tokens is."""
        told = "keys are asked for"
        if await self._keyring.is_empty():
            told += ", and there is none yet: make the first with `tidemark key create`"
        return told if self._tokens is None else f"{told}; {self._tokens.told()}"

    async def refresh(self) -> None:
        """Read the keys again."""
        await self._keyring.refresh()

    async def ask_issuer(self) -> None:
        """Ask for the keys of the issuer, if there is one and it is time."""
        if self._tokens is not None:
            await self._tokens.refresh()


async def _by_token(tokens: Tokens, text: str) -> Admission:
    proof = await tokens.prove(text)
    return Admission(proof.identity.principal, lambda: tokens.still_proves(proof))


def credentials(authorization: Sequence[str]) -> str:
    """What one Authorization header of the scheme Bearer (RFC 6750, section 2.1) carries.

    Raises:
        UnauthenticatedError: there is none, more than one, or one of another scheme.
    """
    if not authorization:
        raise NothingSentError("no key was sent: send one as `Authorization: Bearer tmk_...`")
    scheme, _, text = authorization[0].partition(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer":
        raise UnauthenticatedError("send one Authorization header, of the scheme Bearer")
    return text.strip()
