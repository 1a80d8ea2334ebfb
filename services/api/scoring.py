"""Series against their targets and before, from one snapshot, with their scores; it knows no scorecard."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from services.api.dependencies import ApiState
from services.api.http.parameters import KEPT
from services.api.meanings import judged
from services.api.schemas.comparisons import Compared
from services.api.schemas.values import Judged
from shared.domain.annotations import Span
from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.comparisons import Against, compared_at
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.readings import Reading
from shared.domain.score_trees import Series
from shared.domain.scores import score
from shared.storage.readings import Ask


@dataclass(frozen=True, slots=True)
class Card:
    """A series at an instant, and what it means.

    Attributes:
        before: one period earlier.
        score: None without a value or a target.
        annotations: how many touch its window.
    """

    kpi: Kpi
    now: Judged
    before: Compared
    score: Fraction | None
    annotations: int


async def cards(
    state: ApiState, catalogue: Catalogue, wanted: Iterable[Series], *, at: datetime, now: datetime
) -> dict[Series, Card]:
    """The *wanted* series at *at*, each once, and as they were one period earlier; values of one snapshot."""
    series = list(dict.fromkeys(wanted))
    before = {each: _earlier(catalogue.kpis[each[0]], each[1], at) for each in series}
    kept = [each for each in series if before[each] >= now - KEPT]
    asks = [*(_ask(each, at) for each in series), *(_ask(each, before[each]) for each in kept)]
    readings = await state.readings.evaluate(catalogue, asks, now=now)
    judgements = await judged(state, catalogue, readings)
    points = list(map(Judged, [each.at for each in asks], readings, judgements))
    earlier = dict(zip(kept, points[len(series) :], strict=True))
    counts = await state.annotations.counted([_span(each) for each in readings[: len(series)]])
    return {
        each: Card(
            catalogue.kpis[each[0]],
            point,
            Compared(Against.PREVIOUS, before[each], earlier.get(each)),
            score_of(catalogue.kpis[each[0]], point),
            count,
        )
        for each, point, count in zip(series, points, counts, strict=False)
    }


async def points_of(
    state: ApiState,
    catalogue: Catalogue,
    wanted: Sequence[tuple[datetime, Series]],
    *,
    now: datetime,
) -> list[Judged]:
    """Series at instants, in the order in which they are *wanted*, all of one snapshot."""
    asks = [_ask(series, at) for at, series in wanted]
    readings = await state.readings.evaluate(catalogue, asks, now=now)
    judgements = await judged(state, catalogue, readings)
    return list(map(Judged, [at for at, _ in wanted], readings, judgements))


def score_of(kpi: Kpi, point: Judged) -> Fraction | None:
    """What *point* of *kpi* scores."""
    judgement = point.judgement
    return score(
        point.reading.value,
        target=judgement.target,
        warning=judgement.warning,
        tolerance=judgement.tolerance,
        direction=kpi.direction,
    )


def scores_of(found: Mapping[Series, Card]) -> dict[Series, Fraction | None]:
    """What each of *found* scores."""
    return {series: card.score for series, card in found.items()}


def _earlier(kpi: Kpi, window: str, at: datetime) -> datetime:
    named, calendar = kpi.window_of(window), Calendar(kpi.zone)
    return as_datetime(compared_at(Against.PREVIOUS, named, instant_us(at), calendar))


def _ask(series: Series, at: datetime) -> Ask:
    slug, window, dimensions = series
    return Ask(slug, window, dimensions, at)


def _span(reading: Reading) -> Span:
    return Span(reading.slug, reading.window, reading.dimensions, reading.window_start, reading.window_end)
