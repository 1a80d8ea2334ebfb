"""Who asks, by the Authorization header of a request; it knows neither routes nor statuses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.access.keyring import Keyring
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


def _always() -> bool:
    return True


class LockedDoor:
    """Lets in who has a key."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def admitted(self, authorization: Sequence[str]) -> Admission:
        """Whose key is sent."""
        token = token_of(credentials(authorization))
        key = None if token is None else await self._keyring.prove(token)
        if token is None or key is None:
            raise UnauthenticatedError("the key is unknown, expired or revoked")
        return Admission(key.principal, lambda: self._keyring.still_accepts(token))

    async def told(self) -> str:
        """That it is locked, and what to do while there is no key."""
        if await self._keyring.is_empty():
            return "keys are asked for, and there is none yet: make the first with `tidemark key create`"
        return "keys are asked for"

    async def refresh(self) -> None:
        """Read the keys again."""
        await self._keyring.refresh()


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
