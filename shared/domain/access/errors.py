"""Why somebody is turned away."""

from collections.abc import Iterable

from shared.domain.access.scopes import Scope
from shared.domain.errors import TidemarkError


class MissingScopeError(TidemarkError):
    """The caller may not do this; somebody with the scope `admin` can make a key that may.

    Attributes:
        wanted: one of these scopes would do.
    """

    def __init__(self, wanted: Iterable[Scope]) -> None:
        self.wanted = tuple(sorted(wanted))
        super().__init__(f"this wants the scope {' or '.join(self.wanted)}, which the caller does not have")


class UndeclaredScopeError(TidemarkError):
    """Nobody has said who may use this route, so nobody may: declare it with `needs`."""
