"""What a route asks of its callers, declared beside the route; one that declares nothing is refused."""

from collections.abc import Iterator
from typing import Any, cast

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from shared.domain.access import Principal, Scope
from shared.domain.access.errors import MissingScopeError, UndeclaredScopeError


class _Needs:
    """The mark of a route; it only stands there to be read by `admit`."""

    def __init__(self, scopes: frozenset[Scope]) -> None:
        self.scopes = scopes

    async def __call__(self) -> None:
        """Nothing: who may pass has been decided before any other dependency."""


def needs(*scopes: Scope) -> Any:
    """What goes into the `dependencies` of a route or router: one of *scopes* is enough.

    Where a route and its router both declare something, the caller has to meet both.
    """
    return Depends(_Needs(frozenset(scopes)))


def declared(route: APIRoute) -> Iterator[frozenset[Scope]]:
    """Everything *route* asks for, its router's wishes included: one of each set."""
    for dependency in route.dependencies:
        if isinstance(dependency.dependency, _Needs):
            yield dependency.dependency.scopes


async def admit(request: Request) -> None:
    """The dependency of every route: the caller has what the route declares.

    Raises:
        MissingScopeError: it has not.
        UndeclaredScopeError: the route declares nothing.
    """
    wanted = list(declared(request.scope["route"]))
    if not wanted:
        raise UndeclaredScopeError
    for scopes in wanted:
        if scopes.isdisjoint(principal_of(request).scopes):
            raise MissingScopeError(scopes)


def principal_of(request: Request) -> Principal:
    """Who asks, as the guard has found out."""
    return cast("Principal", request.state.principal)
