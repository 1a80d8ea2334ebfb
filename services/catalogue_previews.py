"""What KPI files would cost and do to values, by the event log; it shows nothing and changes nothing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.http.parameters import (
    InvalidParameterError,
    instant_or_relative,
    instants,
    readable,
    step_of,
)
from services.api.previews import KafkaLog, PreviewLog, Previews
from services.catalogue_doors import opened_database
from services.catalogue_preview_answers import Shown, Unknown
from shared.domain.definitions import Action, Catalogue, Change, Kpi
from shared.domain.definitions.kinds import Kind
from shared.domain.definitions.kpi_files import Located
from shared.domain.errors import BrokerUnavailableError, LogLostError, ReplayTooLargeError
from shared.domain.readings import Reading
from shared.domain.windows import window_name
from shared.replay.preview_costs import costs, new_measures
from shared.replay.preview_diffs import affected, side_by_side, side_by_side_questions
from shared.replay.preview_events import Study
from shared.replay.preview_notices import notices
from shared.replay.previews import Preview, Question, renumbered, with_drafts
from shared.runtime.clock import utc_now
from shared.runtime.settings import CommonSettings, settings_or_exit
from shared.storage.definitions import load_catalogue
from shared.storage.engine import reading
from shared.storage.readings import Ask

COST_SPAN = timedelta(days=1)
"""The cost is told by the events of so long, as far as the records go."""

USUAL_RECORDS = 100_000
"""How many records of the log are read unless more are asked for: a second or two."""

USUAL_POINTS = 12
"""How many instants are set side by side unless a step is named."""

MAX_PAIRS = 20_000
"""How many values may be set side by side: each takes a fraction of a millisecond to work out."""


@dataclass(frozen=True, slots=True)
class Span:
    """The instants at which values are set side by side, and how far the log may be read.

    Attributes:
        window: only this one; None is all.
    """

    now: datetime
    instants: tuple[datetime, ...]
    window: str | None
    most: int


def span_of(start: str, end: str, step: str | None, *, window: str | None, most: int) -> Span:
    """What the options of a command mean now.

    Raises:
        InvalidParameterError: one of them means nothing, or too much.
    """
    now = utc_now()
    start_at = readable("from", instant_or_relative("from", start, now=now), now=now)
    end_at = readable("to", instant_or_relative("to", end, now=now), now=now)
    if end_at < start_at:
        raise InvalidParameterError("to", "lies before from")
    length = end_at - start_at
    every = step_of(step, span=length) if step else max(length / USUAL_POINTS, timedelta(seconds=1))
    name = None if window is None else window_name(window)
    return Span(now, tuple(instants(start_at, end_at, every=every)), name, most)


def changed_kpis(located: Sequence[Located], changes: Sequence[Change]) -> list[Kpi]:
    """The KPIs that are new or other than in force; those that are drafts count nothing."""
    moved = {
        each.slug
        for each in changes
        if each.kind is Kind.KPI and each.action in (Action.CREATE, Action.UPDATE)
    }
    found = [each.definition for each in located]
    return [each for each in found if isinstance(each, Kpi) and not each.is_draft and each.slug in moved]


async def previewed(
    drafts: Sequence[Kpi], span: Span, *, with_pairs: bool, log: PreviewLog | None = None
) -> Shown | Unknown:
    """What the log says of *drafts*, of which there is at least one.

    Without Kafka a plan is told without its cost; values that were asked for cannot be told at all.

    Raises:
        InvalidParameterError: too many values would be set side by side.
        ReplayTooLargeError, LogLostError: the log cannot be read that way.
        StoreUnavailableError, BrokerUnavailableError: a door is closed, or it took too long.
    """
    settings = settings_or_exit(CommonSettings)
    known = log or KafkaLog(settings.kafka_bootstrap_servers)
    async with opened_database() as engine:
        try:
            return await _read(engine, known, drafts, span, with_pairs=with_pairs)
        except (BrokerUnavailableError, ReplayTooLargeError, LogLostError) as error:
            if with_pairs:
                raise
            return Unknown(str(error))


async def _read(
    engine: AsyncEngine, log: PreviewLog, drafts: Sequence[Kpi], span: Span, *, with_pairs: bool
) -> Shown:
    async with reading(engine) as connection:
        catalogue = await load_catalogue(connection)
    before, after = renumbered([catalogue, with_drafts(catalogue, drafts)])
    slugs = [draft.slug for draft in drafts]
    pairs = _pairs(before, after, slugs, span) if with_pairs else None
    preview = await Previews(engine, log, span.most).preview(
        [_of_cost(after, slugs, span), *(each for each in pairs or () if each.asks)],
        Study.of(after, slugs),
        now=span.now,
        most=span.most,
        with_panes=new_measures(before, after, slugs),
    )
    return await asyncio.to_thread(_shown, preview, before, after, slugs, pairs)


def _pairs(
    before: Catalogue, after: Catalogue, slugs: Sequence[str], span: Span
) -> tuple[Question, Question]:
    found = side_by_side_questions(
        before, after, affected(after, slugs), window=span.window, instants=span.instants
    )
    if len(found[1].asks) > MAX_PAIRS:
        raise InvalidParameterError(
            "step", f"makes more than {MAX_PAIRS:,} values; name a --step or --window"
        )
    return found


def _of_cost(after: Catalogue, slugs: Sequence[str], span: Span) -> Question:
    """Totals whose windows reach over the time by which the cost is told."""
    times = (span.now - COST_SPAN, span.now)
    return Question(after, [Ask(slug, after.kpis[slug].windows[0], (), at) for slug in slugs for at in times])


def _shown(
    preview: Preview, before: Catalogue, after: Catalogue, slugs: Sequence[str],
    pairs: tuple[Question, Question] | None,
) -> Shown:  # fmt: skip
    cost = {
        slug: [each for each in costs(preview, before, after, slug) if not each.shared_with] for slug in slugs
    }
    warned = [
        each
        for slug in slugs
        for each in notices(preview, after, slug, costs=cost[slug], totals=_totals(preview, after, slug))
    ]
    found = None if pairs is None else side_by_side(preview, pairs)
    return Shown(
        preview.look.part,
        {slug: each for slug, each in cost.items() if each},
        found,
        tuple(dict.fromkeys(warned)),
    )


def _totals(preview: Preview, after: Catalogue, slug: str) -> list[Reading]:
    return preview.readings(Question(after, [Ask(slug, after.kpis[slug].windows[0], (), preview.look.now)]))
