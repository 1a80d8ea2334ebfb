"""What people say about KPIs at a time: read by whoever sees the KPI, written with a right of its own."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from services.api.dependencies import (
    ApiState,
    CurrentCatalogue,
    Scope,
    State,
    known_kpi,
    needs,
    only,
    visible_kpis,
)
from services.api.http.answers import answer, strong_etag, weak_etag
from services.api.http.parameters import (
    NOT_OURS,
    InvalidParameterError,
    encoded_cursor,
    instant,
    instant_or_relative,
)
from services.api.routes.pages import Cursor, Limit, position_of
from services.api.schemas.annotations import (
    MAX_NUMBER,
    AnnotationBody,
    AnnotationsBody,
    annotation_body,
)
from shared.domain.annotations import (
    Annotation,
    AnnotationKind,
    UnknownAnnotationError,
)
from shared.domain.definitions import Catalogue
from shared.storage.annotations import Wish

router = APIRouter(prefix="/v1", tags=["annotations"])

_READ = needs(Scope.READ)

_TIMES = ("from", "to", "kind", "limit", "cursor")

Number = Annotated[int, Path(ge=1, le=MAX_NUMBER, description="The number of the annotation")]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which annotations are listed: of these kinds, not over before *start_at*, begun before *end_at*."""

    kinds: tuple[AnnotationKind, ...] | None
    start_at: datetime | None
    end_at: datetime | None


async def _stretch(
    state: State,
    start: Annotated[
        str | None,
        Query(alias="from", description="RFC 3339 with its offset, or relative such as now-24h: not those"
              " that were over before it"),
    ] = None,
    end: Annotated[
        str | None, Query(alias="to", description="Like from, and after it: only those that began before it")
    ] = None,
    kind: Annotated[
        list[AnnotationKind] | None, Query(max_length=5, description="Only of this kind; may be given often")
    ] = None,
) -> Stretch:  # fmt: skip
    now = state.clock()
    start_at = None if start is None else instant_or_relative("from", start, now=now)
    end_at = None if end is None else instant_or_relative("to", end, now=now)
    if start_at is not None and end_at is not None and end_at <= start_at:
        raise InvalidParameterError("to", "does not lie after from")
    return Stretch(None if kind is None else tuple(kind), start_at, end_at)


@router.get(
    "/kpis/{slug}/annotations",
    response_model=AnnotationsBody,
    dependencies=[_READ, Depends(only(*_TIMES))],
)
async def list_kpi_annotations(
    request: Request,
    slug: str,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    stretch: Annotated[Stretch, Depends(_stretch)],
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """What has been said about a KPI, and about all, the newest first; answers are listed by their thread."""
    wish = _wish([known_kpi(catalogue, slug).slug], stretch)
    return await _page(request, state, catalogue, wish, cursor=cursor, limit=limit)


@router.get(
    "/annotations", response_model=AnnotationsBody, dependencies=[_READ, Depends(only("kpi", *_TIMES))]
)
async def list_annotations(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    stretch: Annotated[Stretch, Depends(_stretch)],
    kpi: Annotated[
        list[str] | None, Query(max_length=100, description="Only about this KPI; may be given often")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """What has been said about KPIs in force, the newest first; answers are listed by their thread."""
    slugs = [known_kpi(catalogue, slug).slug for slug in kpi or visible_kpis(catalogue)]
    return await _page(request, state, catalogue, _wish(slugs, stretch), cursor=cursor, limit=limit)


def _wish(slugs: list[str], stretch: Stretch) -> Wish:
    return Wish(slugs, kinds=stretch.kinds, start_at=stretch.start_at, end_at=stretch.end_at)


async def _page(
    request: Request, state: ApiState, catalogue: Catalogue, wish: Wish, *, cursor: str | None, limit: int
) -> Response:
    after = None if cursor is None else _listed_after(cursor)
    found = await state.annotations.listed(wish, after=after, most=limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    place = None if last is None else (last.subject.start_at.isoformat(), str(last.annotation_id))
    return _listing(request, catalogue, found[:limit], place)


def _listing(
    request: Request, catalogue: Catalogue, page: list[Annotation], place: tuple[str, ...] | None
) -> Response:
    visible = visible_kpis(catalogue)
    next_cursor = None if place is None else encoded_cursor(place)
    body = AnnotationsBody([annotation_body(each, visible) for each in page], next_cursor)
    return answer(request, body, etag=weak_etag(body))


def _listed_after(cursor: str) -> tuple[datetime, int]:
    match position_of(cursor):
        case (begun, number) if number.isdecimal() and int(number) <= MAX_NUMBER:
            return instant("cursor", begun), int(number)
        case _:
            raise InvalidParameterError("cursor", NOT_OURS)


async def seen(state: ApiState, catalogue: Catalogue, annotation_id: int) -> Annotation:
    """The annotation of that number, if the caller may know of a KPI that it is about.

    Raises:
        UnknownAnnotationError: there is none.
    """
    found = await state.annotations.one(annotation_id)
    kpis = found.subject.kpis
    if kpis is not None and visible_kpis(catalogue).keys().isdisjoint(kpis):
        raise UnknownAnnotationError(annotation_id)
    return found


def etag_of(annotation: Annotation, catalogue: Catalogue) -> str:
    """Strong, because it is what changes are compared with: of all that is told to whom *catalogue* is for.

    An answer to the annotation is a change, too, and so is a KPI that the caller may not know of any more.
    """
    return strong_etag(annotation_body(annotation, visible_kpis(catalogue)))


@router.get(
    "/annotations/{annotation_id}", response_model=AnnotationBody, dependencies=[_READ, Depends(only())]
)
async def show_annotation(
    request: Request, annotation_id: Number, *, state: State, catalogue: CurrentCatalogue
) -> Response:
    """One annotation or answer; its ETag is what a change of it says in If-Match."""
    found = await seen(state, catalogue, annotation_id)
    body = annotation_body(found, visible_kpis(catalogue))
    return answer(request, body, etag=etag_of(found, catalogue))


@router.get(
    "/annotations/{annotation_id}/replies",
    response_model=AnnotationsBody,
    dependencies=[_READ, Depends(only("limit", "cursor"))],
)
async def list_replies(
    request: Request,
    annotation_id: Number,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """The answers to an annotation, the oldest first."""
    thread = await seen(state, catalogue, annotation_id)
    after = 0 if cursor is None else _answered_after(cursor)
    found = await state.annotations.replies(thread.annotation_id, after=after, most=limit + 1)
    place = (str(found[limit - 1].annotation_id),) if len(found) > limit else None
    return _listing(request, catalogue, found[:limit], place)


def _answered_after(cursor: str) -> int:
    match position_of(cursor):
        case (number,) if number.isdecimal() and int(number) <= MAX_NUMBER:
            return int(number)
        case _:
            raise InvalidParameterError("cursor", NOT_OURS)
