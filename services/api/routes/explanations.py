"""Why a number is what it is, down to the events."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.dependencies import CurrentCatalogue, Scope, State, known_breakdown, needs, visible_kpis
from services.api.explanation_cursors import Mark, fingerprint, mark_of, mark_text
from services.api.http.answers import answer, readings_etag, weak_etag
from services.api.http.parameters import InvalidParameterError, dimensions
from services.api.meanings import judged
from services.api.routes.pages import Cursor, Limit
from services.api.routes.values import DIMENSIONS, Moment, moment_of
from services.api.schemas.explained_events import EventsPageBody, event_bodies, found_body
from services.api.schemas.explanations import ExplanationBody, Shown, explanation_body
from shared.contracts.rfc3339 import time_text
from shared.domain.definitions import Catalogue
from shared.domain.definitions.operand_trees import operands_below
from shared.domain.expressions import Operand
from shared.domain.target_words import origin_in_words
from shared.replay.explaining import Inquiry, Page, Told
from shared.replay.listing import pinned_by

router = APIRouter(prefix="/v1", tags=["values"], dependencies=[needs(Scope.READ)])

_PARAMETERS = ("window", "at", "known_at", "part", "sample")
_EVENT_PARAMETERS = ("window", "at", "known_at", "part", "limit", "cursor")
_RESERVED = frozenset((*_PARAMETERS, *_EVENT_PARAMETERS))

Part = Annotated[
    str | None,
    Query(
        description="Of a formula: what it reads, as parts[].part names it, such as prev(orders); the value"
        " itself when left out"
    ),
]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked about, and where."""

    inquiry: Inquiry
    moment: Moment
    dimensions: Mapping[str, str | None]

    def link(self, part: str) -> str:
        """Where *part* of the same value is explained."""
        named = {"window": self.moment.window, "at": time_text(self.moment.at), "part": part}
        if self.moment.is_past:
            named["known_at"] = time_text(self.moment.now)
        dims = {f"data.{n}" if n in _RESERVED else n: value or "" for n, value in self.dimensions.items()}
        return f"/v1/kpis/{self.moment.kpi.slug}/explain?{urlencode(named | dims)}"


def _asked(request: Request, catalogue: Catalogue, moment: Moment, part: str | None) -> _Asked:
    asked = dimensions(request.query_params, reserved=_RESERVED)
    known_breakdown(moment.kpi, tuple(asked))
    operand = _operand(catalogue, moment, part)
    ask = moment.ask(tuple(sorted(asked.items())))
    return _Asked(Inquiry(ask, operand, moment.now, moment.is_past), moment, asked)


def _operand(catalogue: Catalogue, moment: Moment, part: str | None) -> Operand:
    """What is meant by *part*, of what the caller may see.

    Raises:
        InvalidParameterError: the KPI reads nothing of that name.
    """
    whole = Operand(moment.kpi.slug)
    below = operands_below(catalogue.kpis, whole)
    known = {one.text: one for one in below if one.slug in visible_kpis(catalogue)}
    found = known.get(part or whole.text)
    if found is None:
        names = ", ".join(text for text in known if text != whole.text) or "nothing"
        raise InvalidParameterError("part", f"is not read by {whole.slug}, which reads {names}")
    return found


@router.get("/kpis/{slug}/explain", response_model=ExplanationBody, openapi_extra=DIMENSIONS)
async def explain_value(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    moment: Annotated[Moment, Depends(moment_of)],
    part: Part = None,
    sample: Annotated[
        int,
        Query(ge=0, le=500, description="How many of its newest events to list; 0 leaves the log unread"),
    ] = 20,
) -> Response:
    """Why a value is what it is: definition, target, panes, parts, the events counted and those that are not.

    The panes and the events are looked at as of one instant, and `reconciles` says whether they agree.
    """
    asked = _asked(request, catalogue, moment, part)
    told = await state.past.explained(catalogue, asked.inquiry, Page(sample) if sample else None)
    reading, visible = told.reading, visible_kpis(catalogue)
    judgement = (await judged(state, catalogue, [reading], known_at=moment.known_at))[0]
    origin = origin_in_words(catalogue.kpis[reading.slug], reading, visible=visible)
    links = {one.text: asked.link(one.text) for one, each in told.parts if each.slug in visible}
    events = found_body(told, _first_cursor(asked, told))
    body = explanation_body(told, moment.at, Shown(judgement, origin, links, events))
    # Not of the instant, nor of how far was looked: as long as nothing else has moved, it says what it said.
    lasting = None if events is None else replace(events, next_cursor=None, until=[], records_read=0)
    rest = replace(body, at=body.window_end, known_at=None, as_of=body.window_end, parts=[], events=lasting)
    return answer(request, body, etag=readings_etag([one for _, one in told.parts], rest))


def _first_cursor(asked: _Asked, told: Told) -> str | None:
    """Where the list of events goes on after those of *told*."""
    sift, search = told.sift, told.scene.search
    if sift is None or search is None or len(sift.listed) >= sift.partial.n:
        return None
    about = fingerprint(asked.inquiry, told.reading.version)
    return mark_text(Mark.of(asked.inquiry, about, pinned_by(search, sift), sift.listed[-1].order))


@router.get("/kpis/{slug}/explain/events", response_model=EventsPageBody, openapi_extra=DIMENSIONS)
async def list_explained_events(
    request: Request,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    moment: Annotated[Moment, Depends(moment_of)],
    part: Part = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Every event that a value is made of, newest first; together they come to exactly the value.

    All pages tell of the events that the first one saw, whatever has come since.
    """
    asked = _asked(request, catalogue, moment, part)
    inquiry, kpi = asked.inquiry, catalogue.kpis[asked.inquiry.operand.slug]
    if kpi.is_formula:
        raise InvalidParameterError("part", f"{kpi.slug} is a formula: name what it reads")
    version = catalogue.versions[kpi.slug]
    page, pinned = Page(limit), None
    if cursor is not None:
        mark = mark_of(cursor, now=state.clock())
        inquiry = mark.continued(inquiry, is_at_given="at" in request.query_params)
        if mark.about != fingerprint(inquiry, version):
            raise InvalidParameterError("cursor", "goes on with another list than this one")
        page, pinned = Page(limit, mark.last), mark.pinned
    listed = await state.past.events(catalogue, inquiry, page, pinned)
    about = fingerprint(inquiry, version)
    following = Mark.of(inquiry, about, listed.pinned, listed.items[-1].order) if listed.has_more else None
    body = EventsPageBody(
        kpi=kpi.slug,
        version=version,
        window=inquiry.ask.window,
        dimensions={} if inquiry.operand.is_total else dict(inquiry.ask.dimensions),
        part=inquiry.operand.text,
        at=inquiry.ask.at,
        n=listed.pinned.n,
        items=event_bodies(listed.search.target, listed.items),
        next_cursor=None if following is None else mark_text(following),
    )
    # The cursor tells when it was given out, and holds as long as any other.
    return answer(request, body, etag=weak_etag(replace(body, next_cursor=None)))
