"""Definitions and their versions read back over HTTP; it writes none."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from services.api.defining import told, unknown
from services.api.dependencies import ApiState, Caller, CurrentCatalogue, Scope, State, needs, only
from services.api.http.answers import answer, strong_etag, weak_etag
from services.api.routes.definition_doors import Door
from services.api.routes.pages import Cursor, Limit, Place, page_after
from services.api.schemas.kinds import VersionBody, VersionsBody
from services.api.security.past import versions_shown
from services.api.security.views import seen_definitions
from shared.domain.access import Principal
from shared.domain.definitions import Catalogue
from shared.domain.errors import UnknownVersionError
from shared.storage.definition_histories import Version, Versions

_READ = needs(Scope.READ)


def version_routes(door: Door, router: APIRouter) -> None:
    """Add the addresses of the versions of a kind to *router*."""
    versions = f"{door.item.removesuffix('/definition')}/versions"

    @router.get(
        versions,
        name=f"list_{door.noun}_versions",
        response_model=VersionsBody,
        dependencies=[_READ, Depends(only("limit", "cursor"))],
    )
    async def list_versions(
        request: Request,
        state: State,
        caller: Caller,
        catalogue: CurrentCatalogue,
        name: Annotated[str, Depends(door.named)],
        *,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """Every version that there ever was, oldest first, also of what is retired."""
        found = await _stored(door, state, caller, catalogue, name)
        page, next_cursor = page_after(found.versions, _place, cursor=cursor, limit=limit)
        body = VersionsBody(found.retired_at, [_version(each) for each in page], next_cursor)
        return answer(request, body, etag=weak_etag(body))

    @router.get(
        f"{versions}/{{number}}",
        name=f"show_{door.noun}_version",
        response_model=VersionBody,
        dependencies=[_READ, Depends(only())],
    )
    async def show_version(
        request: Request,
        state: State,
        caller: Caller,
        catalogue: CurrentCatalogue,
        name: Annotated[str, Depends(door.named)],
        *,
        number: Annotated[int, Path(ge=1, le=2**31 - 1)],
    ) -> Response:
        """One version; it never changes."""
        found = await _stored(door, state, caller, catalogue, name)
        for each in found.versions:
            if each.version == number:
                return answer(request, _version(each), etag=strong_etag(_version(each)))
        raise UnknownVersionError(door.kind.noun, name, number)


def read_routes(door: Door, router: APIRouter) -> None:
    """Add the address of one definition in force to *router*."""

    @router.get(
        door.item, name=f"show_{door.noun}", response_model=door.body, dependencies=[_READ, Depends(only())]
    )
    async def show(
        request: Request,
        caller: Caller,
        catalogue: CurrentCatalogue,
        name: Annotated[str, Depends(door.named)],
    ) -> Response:
        """One definition in force, with its version."""
        key = door.kind, name
        found = seen_definitions(catalogue, caller.limits).get(key)
        if found is None:
            raise unknown(key)
        body = told(found, catalogue.version_of(key) or 0)
        return answer(request, body, etag=strong_etag(body))


def list_routes(door: Door, router: APIRouter, page_body: type[Any]) -> None:
    """Add the list of the definitions in force to *router*, told as *page_body*."""

    @router.get(
        "",
        name=f"list_{door.noun}s",
        response_model=page_body,
        dependencies=[_READ, Depends(only("limit", "cursor"))],
    )
    async def list_all(
        request: Request,
        caller: Caller,
        catalogue: CurrentCatalogue,
        *,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Response:
        """The definitions in force, by slug."""
        seen = seen_definitions(catalogue, caller.limits)
        found = {name: each for (kind, name), each in seen.items() if kind is door.kind}
        names, next_cursor = page_after(sorted(found), _named, cursor=cursor, limit=limit)
        items = [told(found[name], catalogue.version_of((door.kind, name)) or 0) for name in names]
        body = page_body(items=items, next_cursor=next_cursor)
        return answer(request, body, etag=weak_etag(body))


async def _stored(
    door: Door, state: ApiState, caller: Principal, catalogue: Catalogue, name: str
) -> Versions:
    """What there is of versions for the caller: those that others had kept to themselves are not there."""
    found = await state.definitions.versions((door.kind, name))
    if found is None or not caller.limits.allows(found.newest):
        raise unknown((door.kind, name))
    shown = versions_shown(found, door.kind, catalogue, caller.limits)
    if [each.version for each in shown.versions[-1:]] != [found.versions[-1].version]:
        raise unknown((door.kind, name))
    return shown


def _version(each: Version) -> VersionBody:
    return VersionBody(each.version, each.created_at, dict(each.spec))


def _place(each: Version) -> Place:
    return (f"{each.version:010}",)


def _named(name: str) -> Place:
    return (name,)
