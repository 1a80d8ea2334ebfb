"""The current values of all series that are chosen, page by page."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.api.dependencies import CurrentCatalogue, Scope, State, needs, visible_kpis
from services.api.exports.formats import TABLES, AsFormat
from services.api.exports.value_answers import File, told_values, values_answer
from services.api.freshness import defined, fresh
from services.api.http.answers import readings_etag
from services.api.http.parameters import NOT_OURS, InvalidParameterError, decoded_cursor, encoded_cursor
from services.api.http.selections import Selection
from services.api.meanings import judged
from services.api.routes.pages import Cursor, Limit
from services.api.routes.selections import DIMENSION_FILTERS, selection_of
from services.api.schemas.values import ValuesBody
from shared.storage.current import CurrentReading
from shared.storage.current_pages import START, Position, Wanted

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])


@router.get("/values", response_model=ValuesBody, responses=TABLES, openapi_extra=DIMENSION_FILTERS)
async def list_values(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    selection: Annotated[Selection, Depends(selection_of)],
    limit: Limit = 100,
    cursor: Cursor = None,
    as_format: AsFormat = None,
) -> Response:
    """The current values of all series, by KPI, window and dimensions."""
    wanted = _wanted(selection, selection.slugs_in(visible_kpis(catalogue)))
    after = START if cursor is None else _after(cursor)
    rows = await state.readings.page(wanted, after=after, limit=limit + 1)
    page, has_more = rows[:limit], len(rows) > limit
    next_cursor = encoded_cursor(_current_place(page[-1])) if has_more else None
    renewed = await fresh(state.readings, catalogue, defined(catalogue, page), now=state.clock())
    readings = [row.reading for row in renewed]
    judgements = await judged(state, catalogue, readings, are_current=True)
    told = told_values(catalogue, readings, judgements, next_cursor=next_cursor)
    etag = readings_etag(readings, judgements, next_cursor)
    return await values_answer(request, told, File(as_format, "values", None), etag=etag)


def _wanted(selection: Selection, slugs: Sequence[str]) -> Wanted:
    return Wanted(
        slugs=slugs,
        windows=sorted(selection.windows) or None,
        breakdown=None if selection.breakdown is None else sorted(selection.breakdown),
        any_of=selection.series.any_of,
        none_of=selection.series.none_of,
    )


def _after(cursor: str) -> Position:
    slug, window, named = decoded_cursor(cursor, tuple[str, str, dict[str, str | None]])
    if any("\0" in (part or "") for part in (slug, window, *named, *named.values())):
        raise InvalidParameterError("cursor", NOT_OURS)
    return slug, window, named


def _current_place(row: CurrentReading) -> Position:
    return row.reading.slug, row.reading.window, dict(row.reading.dimensions)
