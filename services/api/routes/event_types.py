"""The event catalogue over HTTP: which types of events were seen, how often, and what they are made of."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from services.api.dependencies import ApiState, CurrentCatalogue, Scope, State, needs, only, visible_kpis
from services.api.event_types import Arrivals
from services.api.http.answers import answer, weak_etag
from services.api.routes.pages import Cursor, Limit, Place, page_after
from services.api.schemas.event_types import (
    EventTypeDetailBody,
    EventTypesBody,
    SuggestionsBody,
    Told,
    event_type_body,
    event_type_detail,
    suggestions_body,
)
from services.api.security.views import SeenCatalogue
from shared.domain.definitions import Catalogue
from shared.domain.errors import UnknownEventTypeError
from shared.domain.lineage import event_uses
from shared.storage.observations import no_rates

router = APIRouter(prefix="/v1/event-types", tags=["event types"], dependencies=[needs(Scope.READ)])

TypeName = Annotated[str, Path(max_length=256, description="The type, percent-encoded")]


@router.get("", response_model=EventTypesBody, dependencies=[Depends(only("limit", "cursor"))])
async def list_event_types(
    request: Request, state: State, catalogue: CurrentCatalogue, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """The types of events that were seen or are declared, by name, and how many arrived of each."""
    now, users = state.clock(), _users(catalogue)
    found = await state.event_types.all_types(now=now)
    names = sorted(found.types.keys() | catalogue.event_types.keys())
    shown = [name for name in names if _may_see(catalogue, users, name)]
    page, next_cursor = page_after(shown, _place, cursor=cursor, limit=limit)
    body = EventTypesBody(
        items=[event_type_body(_told(name, found, catalogue, users, now)) for name in page],
        other_events=found.other_events,
        next_cursor=next_cursor,
    )
    return answer(request, body, etag=weak_etag(body))


# Before the type alone, whose name may have slashes, too.
@router.get("/{event_type:path}/suggestions", response_model=SuggestionsBody, dependencies=[Depends(only())])
async def suggest_kpis(
    request: Request, event_type: TypeName, state: State, catalogue: CurrentCatalogue
) -> Response:
    """Drafts of KPIs from what was seen of a type of events, each with its reason."""
    body = suggestions_body(await _known(event_type, state, catalogue))
    return answer(request, body, etag=weak_etag(body))


@router.get("/{event_type:path}", response_model=EventTypeDetailBody, dependencies=[Depends(only())])
async def show_event_type(
    request: Request, event_type: TypeName, state: State, catalogue: CurrentCatalogue
) -> Response:
    """One type of events with the fields that were met in them."""
    body = event_type_detail(await _known(event_type, state, catalogue))
    return answer(request, body, etag=weak_etag(body))


async def _known(event_type: str, state: ApiState, catalogue: Catalogue) -> Told:
    now, users = state.clock(), _users(catalogue)
    found = await state.event_types.one_type(event_type, now=now)
    is_known = event_type in found.types or event_type in catalogue.event_types
    if not is_known or not _may_see(catalogue, users, event_type):
        raise UnknownEventTypeError(event_type)
    return _told(event_type, found, catalogue, users, now)


def _told(
    event_type: str, found: Arrivals, catalogue: Catalogue, users: dict[str, list[str]], now: datetime
) -> Told:
    return Told(
        event_type=event_type,
        seen=found.types.get(event_type),
        rates=found.rates.get(event_type, no_rates(now)),
        declared=catalogue.event_types.get(event_type),
        kpis=users.get(event_type, []),
    )


def _users(catalogue: Catalogue) -> dict[str, list[str]]:
    """The KPIs that count each type, those the caller may know of, by slug."""
    found: dict[str, list[str]] = {}
    for slug in sorted(visible_kpis(catalogue)):
        for event_type in sorted({use.event_type for use in event_uses(catalogue, slug)}):
            found.setdefault(event_type, []).append(slug)
    return found


def _may_see(catalogue: Catalogue, users: dict[str, list[str]], event_type: str) -> bool:
    """Who is limited to some KPIs sees the types that these count; everybody else sees all."""
    return event_type in users or not isinstance(catalogue, SeenCatalogue)


def _place(name: str) -> Place:
    return (name,)
