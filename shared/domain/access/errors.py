"""Why somebody is turned away."""

from collections.abc import Iterable

from shared.domain.access.scopes import Scope
from shared.domain.errors import TidemarkError


class RefusedError(TidemarkError):
    """The caller is turned away; what was asked may be in order."""


class UnauthenticatedError(RefusedError):
    """Nobody is known by what was sent: send a key as `Authorization: Bearer tmk_...`."""


class NothingSentError(UnauthenticatedError):
    """No key was sent: send one as `Authorization: Bearer tmk_...`."""


class MissingScopeError(RefusedError):
    """The caller may not do this; somebody with the scope `admin` can make a key that may.

    Attributes:
        wanted: one of these scopes would do.
    """

    def __init__(self, wanted: Iterable[Scope]) -> None:
        self.wanted = tuple(sorted(wanted))
        super().__init__(f"this wants the scope {' or '.join(self.wanted)}, which the caller does not have")


class OutsideLimitsError(RefusedError):
    """The caller is limited to some departments and KPIs, and may not define what lies outside of them."""


class UndeclaredScopeError(RefusedError):
    """Nobody has said who may use this route, so nobody may: declare it with `needs`."""
