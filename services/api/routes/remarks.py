"""Saying something about KPIs, changing and deleting it: with a right of its own, and by who said it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from services.api.annotating import Writing
from services.api.dependencies import (
    ApiState,
    Caller,
    CurrentCatalogue,
    Scope,
    State,
    known_kpi,
    needs,
    only,
    visible_kpis,
)
from services.api.http.answers import ENCODER
from services.api.http.parameters import InvalidFieldError
from services.api.http.preconditions import check_match
from services.api.routes.annotations import Number, etag_of, seen
from services.api.schemas.annotations import (
    AnnotationBody,
    KpiRemarkBody,
    RemarkBody,
    annotation_body,
    remark_of,
)
from services.api.subjects import said_of
from shared.domain.access import Principal
from shared.domain.annotations import Annotation, NotTheAuthorError
from shared.domain.definitions import Catalogue
from shared.storage.idempotency import ReusedKeyError

router = APIRouter(prefix="/v1", tags=["annotations"])

_WRITE = needs(Scope.ANNOTATE)

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="A name that you give the request: sent again, it adds nothing and has the same answer",
    ),
]


@router.post(
    "/kpis/{slug}/annotations",
    response_model=AnnotationBody,
    status_code=201,
    dependencies=[_WRITE, Depends(only())],
)
async def annotate_kpi(
    slug: str,
    body: KpiRemarkBody,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    caller: Caller,
    key: Key = None,
) -> Response:
    """Say something about a KPI at a time, or answer what was said about it."""
    kpi = known_kpi(catalogue, slug)
    return await _added(state, catalogue, caller, body, kpis=[kpi.slug], key=key)


@router.post(
    "/annotations", response_model=AnnotationBody, status_code=201, dependencies=[_WRITE, Depends(only())]
)
async def annotate(
    body: RemarkBody, *, state: State, catalogue: CurrentCatalogue, caller: Caller, key: Key = None
) -> Response:
    """Say something about some KPIs or about all at a time, or answer what was said."""
    return await _added(state, catalogue, caller, body, kpis=body.kpis, key=key)


async def _added(
    state: ApiState,
    catalogue: Catalogue,
    caller: Principal,
    body: KpiRemarkBody,
    *,
    kpis: list[str] | None,
    key: str | None,
) -> Response:
    writing = Writing(caller.name, state.clock(), key)
    thread = None if body.reply_to is None else await seen(state, catalogue, body.reply_to)
    subject = said_of(body, kpis, catalogue, caller, thread=thread, now=writing.now)
    remark = remark_of(body, is_answer=thread is not None)
    written, is_new = await state.annotations.add(thread or subject, remark, writing)
    # Not the whole subject: a time that was left out is another whenever the request is sent.
    if not is_new and (written.remark, written.reply_to, written.subject.kpis) != (
        remark, body.reply_to, subject.kpis,
    ):  # fmt: skip
        raise ReusedKeyError
    location = {"Location": f"/v1/annotations/{written.annotation_id}"}
    return _told(written, catalogue, status=201, headers=location)


def _told(
    annotation: Annotation, catalogue: Catalogue, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    body = annotation_body(annotation, visible_kpis(catalogue))
    told = {"ETag": etag_of(annotation, catalogue), "Cache-Control": "no-cache", **(headers or {})}
    return Response(ENCODER.encode(body), status, told, media_type="application/json")


@router.put(
    "/annotations/{annotation_id}", response_model=AnnotationBody, dependencies=[_WRITE, Depends(only())]
)
async def change_annotation(
    request: Request,
    annotation_id: Number,
    body: RemarkBody,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    caller: Caller,
) -> Response:
    """Say it anew: the whole of it, as in a new one. Only who wrote it may, and who has the scope admin."""
    found = await _own(request, state, catalogue, caller, annotation_id)
    thread = None if found.reply_to is None else await seen(state, catalogue, found.reply_to)
    if body.reply_to != found.reply_to:
        raise InvalidFieldError("/reply_to", "what it answers cannot be changed")
    writing = Writing(caller.name, state.clock())
    subject = said_of(body, body.kpis, catalogue, caller, thread=thread, now=found.subject.start_at)
    remark = remark_of(body, is_answer=thread is not None)
    own = subject if thread is None else None
    return _told(await state.annotations.change(found, own, remark, writing), catalogue)


@router.delete("/annotations/{annotation_id}", status_code=204, dependencies=[_WRITE, Depends(only())])
async def remove_annotation(
    request: Request, annotation_id: Number, *, state: State, catalogue: CurrentCatalogue, caller: Caller
) -> Response:
    """Delete it, and its answers with it. Only who wrote it may, and who has the scope admin."""
    found = await _own(request, state, catalogue, caller, annotation_id)
    await state.annotations.remove(found, Writing(caller.name, state.clock()))
    return Response(status_code=204)


async def _own(
    request: Request, state: ApiState, catalogue: Catalogue, caller: Principal, annotation_id: int
) -> Annotation:
    """The annotation, if the caller may change it and has seen it as it is.

    Raises:
        UnknownAnnotationError: there is none.
        NotTheAuthorError: somebody else wrote it.
        PreconditionRequiredError, PreconditionFailedError: by If-Match, it was not seen as it is.
    """
    found = await seen(state, catalogue, annotation_id)
    if caller.name != found.author and Scope.ADMIN not in caller.scopes:
        raise NotTheAuthorError("only who wrote it may change it, and callers with the scope admin")
    check_match(request, etag_of(found, catalogue))
    return found
