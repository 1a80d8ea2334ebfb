"""The catalogue over HTTP: which KPIs there are, how they are found, and what each one means."""

from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.dependencies import (
    ApiState,
    Caller,
    CurrentCatalogue,
    Scope,
    State,
    defined_kpi,
    needs,
    only,
    visible_kpis,
)
from services.api.exports.answers import exported
from services.api.exports.formats import TABLES, AsFormat
from services.api.exports.tables import kpi_table
from services.api.http.answers import answer, strong_etag, weak_etag
from services.api.http.parameters import NOT_OURS, InvalidParameterError
from services.api.routes.pages import Cursor, Limit, Place, page_after, position_of
from services.api.schemas.definitions import KpiBody, KpisBody, KpiStatus, as_seen, definition_body, kpi_body
from shared.domain.access import Principal
from shared.domain.definitions import Catalogue, Kind, Kpi
from shared.domain.definitions.searching import hit, words_of

router = APIRouter(prefix="/v1/kpis", tags=["kpis"], dependencies=[needs(Scope.READ)])

Filter = Annotated[str | None, Query(description="Only KPIs that have exactly this")]


IN_FORCE: tuple[KpiStatus, ...] = ("active", "deprecated")
"""What is listed unless something else is asked for."""

_FILTERS = ("department", "category", "owner", "objective", "tag", "status", "certified", "q")


@dataclass(frozen=True, slots=True)
class Wish:
    """Which KPIs are listed: those that have all of it.

    Attributes:
        statuses: what may have become of them.
        words: what was typed, as KPIs are searched; empty searches for nothing.
    """

    department: str | None
    category: str | None
    owner: str | None
    objective: str | None
    tags: tuple[str, ...]
    statuses: tuple[KpiStatus, ...]
    certified: bool | None
    words: tuple[str, ...]

    def place_of(self, kpi: Kpi) -> Place | None:
        """Where *kpi* stands among what is wished for: by slug, in a search by hit first; None: nowhere."""
        if not self._is_met_by(kpi):
            return None
        if not self.words:
            return (kpi.slug,)
        found = hit(kpi, self.words)
        return None if found is None else (str(found.value), kpi.slug)

    def _is_met_by(self, kpi: Kpi) -> bool:
        return (
            self.category in (None, kpi.category)
            and self.owner in (None, kpi.owner)
            and (self.objective is None or self.objective in kpi.objective)
            and (self.department is None or self.department in kpi.department)
            and set(self.tags) <= set(kpi.tags)
            and self.certified in (None, kpi.certified)
        )


async def _wish(
    *,
    department: Filter = None,
    category: Filter = None,
    owner: Filter = None,
    objective: Filter = None,
    tag: Annotated[
        list[str] | None, Query(max_length=20, description="Only KPIs with this tag; given often, with all")
    ] = None,
    status: Annotated[
        list[KpiStatus] | None,
        Query(
            description="Only KPIs of this status; given often, of any of them; without it, those in force: "
            "active and deprecated"
        ),
    ] = None,
    certified: Annotated[bool | None, Query(description="Only KPIs that are certified, or are not")] = None,
    q: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Only KPIs that have all these words, whole or as parts of words, whatever the case "
            "and accents, in slug, title, description, glossary, tags, owner, department or objective",
        ),
    ] = None,
) -> Wish:
    words = () if q is None else words_of(q)
    if q is not None and not words:
        raise InvalidParameterError("q", "write at least one word, or leave it out")
    return Wish(
        department,
        category,
        owner,
        objective,
        tags=tuple(sorted(set(tag or ()))),
        statuses=tuple(sorted(set(status or IN_FORCE))),
        certified=certified,
        words=words,
    )


@router.get(
    "",
    response_model=KpisBody,
    responses=TABLES,
    dependencies=[Depends(only(*_FILTERS, "limit", "cursor", "format"))],
)
async def list_kpis(
    request: Request,
    *,
    state: State,
    caller: Caller,
    catalogue: CurrentCatalogue,
    wish: Annotated[Wish, Depends(_wish)],
    limit: Limit = 100,
    cursor: Cursor = None,
    as_format: AsFormat = None,
) -> Response:
    """The catalogue, by slug; with q, those that have all its words in slug and title come first.

    With status, also drafts and what was retired.
    """
    if cursor is not None and len(position_of(cursor)) != (2 if wish.words else 1):
        raise InvalidParameterError("cursor", NOT_OURS)
    kept = {**_stored(catalogue, wish), **await _retired(state, caller, wish)}
    found = sorted(place for each in kept.values() if (place := wish.place_of(each.kpi)) is not None)
    page, next_cursor = page_after(found, _itself, cursor=cursor, limit=limit)
    body = KpisBody(
        items=[as_seen(kept[place[-1]].body, catalogue) for place in page], next_cursor=next_cursor
    )
    return await exported(
        request,
        body,
        lambda: kpi_table(body),
        etag=weak_etag(catalogue.revision, astuple(wish), cursor, limit),
        wanted=as_format,
        name="kpis",
        next_cursor=next_cursor,
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    """A KPI that is listed, in force or not."""

    kpi: Kpi
    version: int
    retired_at: datetime | None = None

    @property
    def body(self) -> KpiBody:
        return definition_body(self.kpi, self.version, retired_at=self.retired_at)


def _stored(catalogue: Catalogue, wish: Wish) -> dict[str, _Kept]:
    """What is in force or a draft, and of a status that is wished for."""
    known = {**visible_kpis(catalogue), **catalogue.drafts}
    return {
        slug: _Kept(kpi, catalogue.version_of((Kind.KPI, slug)) or 0)
        for slug, kpi in known.items()
        if kpi.status.value in wish.statuses
    }


async def _retired(state: ApiState, caller: Principal, wish: Wish) -> dict[str, _Kept]:
    """What was retired, if that is wished for."""
    if "retired" not in wish.statuses:
        return {}
    return {
        each.kpi.slug: _Kept(each.kpi, each.version, each.retired_at)
        for each in await state.retired.retired()
        if caller.limits.shows(each.kpi)
    }


def _itself(place: Place) -> Place:
    return place


@router.get("/{slug}", response_model=KpiBody, dependencies=[Depends(only())])
async def show_kpi(request: Request, slug: str, catalogue: CurrentCatalogue) -> Response:
    """One definition in force, or a draft, with its version."""
    body = kpi_body(catalogue, defined_kpi(catalogue, slug).slug)
    return answer(request, body, etag=strong_etag(body))
