"""Definitions of every kind written over HTTP: one set of doors for all kinds."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from starlette.responses import Response

from services.api.defining import How, Result, check_new, current, retired, written
from services.api.definition_bodies import YAML_TYPES
from services.api.definition_requests import PATCH_TYPES, Received, patched, received, sent
from services.api.dependencies import ApiState, Caller, Scope, State, needs, only
from services.api.http.answers import ENCODER
from services.api.http.bodies import described_body
from services.api.http.preconditions import check_match
from services.api.routes.definition_doors import DOORS, Door
from services.api.routes.definition_readings import list_routes, read_routes, version_routes
from services.api.security.writes import check_allowed
from shared.domain.access import Principal
from shared.storage.idempotency import KeptAnswer, ReusedKeyError

_WRITE = needs(Scope.WRITE)

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A name that you give the request: sent again within a day, it has the same answer and "
        "changes nothing",
    ),
]


async def _how(
    caller: Caller,
    *,
    dry_run: Annotated[bool, Query(description="Only tell what would change")] = False,
    backfill: Annotated[
        bool,
        Query(
            description="Fill what starts counting from the event log first; it comes into force when "
            "that is done, and 202 tells the number of the backfill. Without need, it is in force at once"
        ),
    ] = False,
) -> How:
    return How(caller.limits, dry_run=dry_run, backfill=backfill)


async def _if_match(
    _seen: Annotated[
        str | None,
        Header(alias="If-Match", description="The ETag of the definition, as last read; required"),
    ] = None,
) -> None:
    """Nothing: it stands in the document, and `check_match` reads every line of it."""


Asked = Annotated[How, Depends(_how)]
_PUTS = [_WRITE, Depends(only("backfill", "dry_run"))]
_CHANGES = [*_PUTS, Depends(_if_match)]


def _bodies(door: Door) -> dict[str, Any]:
    fields = {"$ref": f"#/components/schemas/{door.kind}Fields"}
    text = {"type": "string", "description": f"One document of a KPI file, of the kind {door.kind}"}
    kinds = {"application/json": fields, **dict.fromkeys(YAML_TYPES, text)}
    return described_body(
        f"The {door.kind.noun}: its fields as JSON, or as YAML a document of a KPI file", kinds
    )


def _patches() -> dict[str, Any]:
    patch = {"type": "object", "description": "Fields with their new values; null takes a field away"}
    return described_body("A merge patch (RFC 7396) of the fields", dict.fromkeys(PATCH_TYPES, patch))


def _answered(result: Result, *, status: int, location: str | None = None) -> Response:
    headers = {"Cache-Control": "no-store"}
    if location is not None:
        headers["Location"] = location
    if result.etag is not None:
        headers["ETag"] = result.etag
    content = ENCODER.encode(result.body)
    return Response(content, status_code=status, media_type="application/json", headers=headers)


def _status(result: Result, how: How, *, otherwise: int) -> int:
    if result.body.backfill is not None:
        return 202
    return 200 if how.dry_run else otherwise


async def _created(
    door: Door, state: ApiState, caller: Principal, got: Received, how: How, *, key: str | None
) -> Response:
    found = sent(got, door.kind)
    async with state.definitions.writing(caller.name) as writing:
        kept = None if key is None else await writing.kept_answer(key)
        if kept is not None:
            return _again(kept, got)
        check_allowed(found.definition, how.limits)
        await check_new(writing, found.key, how.limits)
        result = await written(writing, found, how)
        status = _status(result, how, otherwise=201)
        response = _answered(result, status=status, location=door.address(found.key[1]))
        if key is not None and not how.dry_run:
            headers = {name: value for name, value in response.headers.items() if name != "content-length"}
            answered = KeptAnswer(got.fingerprint, status, headers, bytes(response.body))
            await writing.keep_answer(key, answered)
    await state.catalogue.renewed()
    return response


def _again(kept: KeptAnswer, got: Received) -> Response:
    if kept.fingerprint != got.fingerprint:
        raise ReusedKeyError
    return Response(kept.body, status_code=kept.status, headers=dict(kept.headers))


def _create_route(door: Door, router: APIRouter) -> None:
    @router.post(
        "",
        name=f"create_{door.noun}",
        status_code=201,
        responses={200: {"model": door.written, "description": "With dry_run: what would change"}},
        response_model=door.written,
        openapi_extra=_bodies(door),
        dependencies=_PUTS,
    )
    async def create(
        request: Request, state: State, caller: Caller, how: Asked, *, key: IdempotencyKey = None
    ) -> Response:
        """Define something new; what was retired under that name comes back, and its versions go on."""
        return await _created(door, state, caller, await received(request), how, key=key)


def _replace_route(door: Door, router: APIRouter) -> None:
    @router.put(
        door.item,
        name=f"replace_{door.noun}",
        response_model=door.written,
        openapi_extra=_bodies(door),
        dependencies=_CHANGES,
    )
    async def replace(
        request: Request, state: State, caller: Caller, how: Asked, name: Annotated[str, Depends(door.named)]
    ) -> Response:
        """Replace the whole definition: a new version, unless nothing differs."""
        found = sent(await received(request), door.kind, name=name)
        async with state.definitions.writing(caller.name) as writing:
            check_match(request, current(writing, (door.kind, name), how.limits)[1])
            result = await written(writing, found, how)
        await state.catalogue.renewed()
        return _answered(result, status=_status(result, how, otherwise=200))


def _change_route(door: Door, router: APIRouter) -> None:
    @router.patch(
        door.item,
        name=f"change_{door.noun}",
        response_model=door.written,
        openapi_extra=_patches(),
        dependencies=_CHANGES,
    )
    async def change(
        request: Request, state: State, caller: Caller, how: Asked, name: Annotated[str, Depends(door.named)]
    ) -> Response:
        """Change some fields: a new version, unless nothing differs."""
        got = await received(request, patch=True)
        async with state.definitions.writing(caller.name) as writing:
            definition, etag = current(writing, (door.kind, name), how.limits)
            check_match(request, etag)
            result = await written(writing, patched(got, door.kind, definition), how)
        await state.catalogue.renewed()
        return _answered(result, status=_status(result, how, otherwise=200))


def _retire_route(door: Door, router: APIRouter) -> None:
    @router.delete(
        door.item,
        name=f"retire_{door.noun}",
        response_model=door.written,
        dependencies=[_WRITE, Depends(only("dry_run")), Depends(_if_match)],
    )
    async def retire(
        request: Request, state: State, caller: Caller, how: Asked, name: Annotated[str, Depends(door.named)]
    ) -> Response:
        """Retire it: in force no more, while its versions stay; refused while others need it."""
        key = door.kind, name
        async with state.definitions.writing(caller.name) as writing:
            definition, etag = current(writing, key, how.limits)
            check_match(request, etag)
            result = await retired(writing, key, definition, how)
        await state.catalogue.renewed()
        return _answered(result, status=200)


def _router(door: Door) -> APIRouter:
    router = APIRouter(prefix=door.base, tags=[f"{door.kind.noun}s"])
    for add in (version_routes, _create_route, _replace_route, _change_route, _retire_route):
        add(door, router)
    if door.body is not None:
        read_routes(door, router)
    if door.page is not None:
        list_routes(door, router, door.page)
    return router


router = APIRouter()
"""Before the routes of what is computed: an address of these may be the beginning of one of those."""

for _door in DOORS:
    router.include_router(_router(_door))
