"""A change of a definition tried out: what its values are and what they would be, by one log."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.api.definition_bodies import BODY_SCHEMAS, DESCRIPTION, drafts_of
from services.api.dependencies import CurrentCatalogue, Scope, State, needs, only, visible_kpis
from services.api.http.answers import ENCODER
from services.api.http.bodies import described_body
from services.api.http.parameters import InvalidParameterError
from services.api.routes.previews import Stretch, stretch_of
from services.api.schemas.previews import cost_body, read_body, warning_bodies
from services.api.schemas.shadows import ShadowBody, side_by_side_body
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.windows import window_name
from shared.replay.preview_costs import costs, new_measures
from shared.replay.preview_diffs import affected, side_by_side, side_by_side_questions
from shared.replay.preview_events import Study
from shared.replay.preview_notices import notices
from shared.replay.previews import Preview, Question, renumbered, with_drafts

router = APIRouter(prefix="/v1/kpis", tags=["previews"], dependencies=[needs(Scope.READ)])

_PARAMETERS = ("window", "from", "to", "step", "limit_records")

MAX_PAIRS = 5000
"""How many values may be told of both sides together: each takes a fraction of a millisecond to work out."""


@dataclass(frozen=True, slots=True)
class _Change:
    """What is in force and what would be; both share their numbers."""

    slug: str
    before: Catalogue
    after: Catalogue
    questions: tuple[Question, Question]
    stretch: Stretch


@router.post(
    "/{slug}/shadow",
    response_model=ShadowBody,
    dependencies=[Depends(only(*_PARAMETERS))],
    openapi_extra=described_body(DESCRIPTION, BODY_SCHEMAS),
)
async def shadow_kpi(
    request: Request,
    slug: str,
    *,
    state: State,
    catalogue: CurrentCatalogue,
    stretch: Annotated[Stretch, Depends(stretch_of)],
    window: Annotated[
        str | None, Query(description="Only this window; all of each KPI when left out")
    ] = None,
) -> Response:
    """A changed definition beside the one in force over the recent event log, with all that reads it."""
    drafts = await drafts_of(request, catalogue)
    visible = {**visible_kpis(catalogue), **{draft.slug: draft for draft in drafts}}
    if slug not in {draft.slug for draft in drafts}:
        raise InvalidParameterError("slug", f"the body defines {', '.join(each.slug for each in drafts)}")
    change = _change(slug, drafts, catalogue, stretch, visible=visible, window=window)
    found = await state.previews.preview(
        [each for each in change.questions if each.asks],
        Study.of(change.after, [slug]),
        now=stretch.now,
        most=stretch.most,
        with_panes=new_measures(change.before, change.after, [slug]),
    )
    body = await asyncio.to_thread(_body, change, found, visible)
    headers = {"Cache-Control": "no-store"}
    return Response(ENCODER.encode(body), media_type="application/json", headers=headers)


def _change(
    slug: str, drafts: tuple[Kpi, ...], catalogue: Catalogue, stretch: Stretch, *,
    visible: Mapping[str, Kpi], window: str | None,
) -> _Change:  # fmt: skip
    before, after = renumbered([catalogue, with_drafts(catalogue, drafts)])
    own = {draft.slug for draft in drafts}
    slugs = [each for each in affected(after, own) if each in visible or each in own]
    name = None if window is None else window_name(window)
    questions = side_by_side_questions(before, after, slugs, window=name, instants=stretch.instants)
    if name is not None and name not in after.kpis[slug].windows:
        known = ", ".join(after.kpis[slug].windows)
        raise InvalidParameterError("window", f"{slug} has no window {window!r}; it has {known}")
    if len(questions[1].asks) > MAX_PAIRS:
        raise InvalidParameterError("step", f"makes more than {MAX_PAIRS:,} values of this interval")
    return _Change(slug, before, after, questions, stretch)


def _body(change: _Change, preview: Preview, visible: Mapping[str, Kpi]) -> ShadowBody:
    found = side_by_side(preview, change.questions)
    totals = [pair.after for each in found if each.slug == change.slug for pair in each.pairs]
    cost = costs(preview, change.before, change.after, change.slug)
    return ShadowBody(
        read=read_body(preview),
        step_s=round(change.stretch.step.total_seconds()),
        changes=[side_by_side_body(each) for each in found],
        cost=cost_body(cost, visible=visible),
        warnings=warning_bodies(
            notices(preview, change.after, change.slug, costs=cost, totals=totals), visible=visible
        ),
    )
