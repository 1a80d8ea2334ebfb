"""Answering questions about KPIs from their panes, in one statement for any number of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.series import series_text, series_values
from shared.domain.aggregates import Aggregate
from shared.domain.calendars import as_datetime, instant_us
from shared.domain.definitions import Catalogue, Kpi, Measure
from shared.domain.errors import UnknownBreakdownError, UnknownKpiError, UnknownWindowError
from shared.domain.readings import (
    Answer,
    Dimensions,
    Plan,
    Question,
    Reading,
    changes_at,
    value_of,
)
from shared.domain.windows import parse_window
from shared.storage.completeness import Completeness, completeness
from shared.storage.pane_answers import SeriesQuestion
from shared.storage.pane_answers import answers as answers_of


@dataclass(frozen=True, slots=True)
class Ask:
    """One reading that is wanted.

    Attributes:
        dimensions: names and values; their names must be one of the KPI's breakdowns.
    """

    slug: str
    window: str
    dimensions: tuple[tuple[str, str | None], ...]
    at: datetime


_ALL_SERIES = text("""
-- combinations: every combination of dimension values of a few measures.
SELECT DISTINCT dimensions FROM series WHERE measure_id = ANY(CAST(:measure_ids AS bigint[]))
""")


async def evaluate(
    connection: AsyncConnection, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime
) -> list[Reading]:
    """The readings of *asks*, in their order, from one snapshot when the connection has one.

    Raises:
        UnknownKpiError, UnknownWindowError, UnknownBreakdownError: an ask names what there is not.
    """
    wanted = [_Wanted.of(catalogue, ask) for ask in asks]
    keys = {key for one in wanted for key in one.leaves.values()}
    counted = await completeness(connection, {key.measure_id for key in keys})
    answers = await answers_of(connection, keys, now=now)
    return [one.reading(catalogue, answers, counted, now=now) for one in wanted]


def questions_of(catalogue: Catalogue, asks: Sequence[Ask]) -> set[SeriesQuestion]:
    """What has to be answered about series before *asks* can be.

    Raises:
        UnknownKpiError, UnknownWindowError, UnknownBreakdownError: an ask names what there is not.
    """
    return {key for ask in asks for key in _Wanted.of(catalogue, ask).leaves.values()}


def readings_of(
    catalogue: Catalogue, asks: Sequence[Ask], answers: Mapping[SeriesQuestion, tuple[Plan, Answer]],
    counted: Completeness, *, now: datetime,
) -> list[Reading]:  # fmt: skip
    """The readings of *asks*, in their order, that follow from the *answers* to their questions."""
    return [_Wanted.of(catalogue, ask).reading(catalogue, answers, counted, now=now) for ask in asks]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An ask and the questions to the panes that it comes down to, by the slug of each leaf."""

    ask: Ask
    leaves: Mapping[str, SeriesQuestion]

    @classmethod
    def of(cls, catalogue: Catalogue, ask: Ask) -> "_Wanted":
        kpi = known_kpi(catalogue, ask.slug)
        if ask.window not in kpi.windows:
            raise UnknownWindowError(ask.slug, ask.window, tuple(kpi.windows))
        leaves = {leaf: _key(catalogue, leaf, ask) for leaf in catalogue.leaves(ask.slug)}
        return cls(ask, leaves)

    def reading(
        self,
        catalogue: Catalogue,
        answers: Mapping[SeriesQuestion, tuple[Plan, Answer]],
        counted: Completeness,
        *,
        now: datetime,
    ) -> Reading:
        found = {leaf: answers[key] for leaf, key in self.leaves.items()}
        widest = min(found.values(), key=lambda pair: pair[0].whole.start_us)[0].whole
        end = max(answered.whole.end_us for answered, _ in found.values())
        past = self.ask.at < now
        changes = (
            [] if past else [changes_at(self.leaves[leaf].question, a) for leaf, (_, a) in found.items()]
        )
        soonest = min((at for at in changes if at is not None), default=None)
        return Reading(
            slug=self.ask.slug,
            version=catalogue.versions[self.ask.slug],
            window=self.ask.window,
            dimensions=dict(self.ask.dimensions),
            value=_evaluated(catalogue, self.ask.slug, {leaf: a for leaf, (_, a) in found.items()}),
            n=sum(a.partial.n for _, a in found.values()),
            window_start=as_datetime(widest.start_us),
            window_end=as_datetime(end),
            as_of=min(counted.as_of, now),
            complete=counted.covers(
                {key.measure_id for key in self.leaves.values()},
                as_datetime(widest.start_us),
                as_datetime(end),
            ),
            valid_until=None if soonest is None else as_datetime(soonest),
        )


def known_kpi(catalogue: Catalogue, slug: str) -> Kpi:
    """The KPI of that slug.

    Raises:
        UnknownKpiError: there is none.
    """
    if slug not in catalogue.kpis:
        raise UnknownKpiError(slug)
    return catalogue.kpis[slug]


def _key(catalogue: Catalogue, leaf: str, ask: Ask) -> SeriesQuestion:
    kpi = catalogue.kpis[leaf]
    measure = _measure(kpi, ask)
    finest = catalogue.kpis[ask.slug].finest
    question = Question(parse_window(ask.window), instant_us(ask.at), finest, measure.zone)
    given = dict(ask.dimensions)
    values = series_text([given[name] for name in measure.breakdown])
    return SeriesQuestion(question, catalogue.measure_ids[measure.fingerprint], values)


def _measure(kpi: Kpi, ask: Ask) -> Measure:
    names = {name for name, _ in ask.dimensions}
    for measure in kpi.measures():
        if set(measure.breakdown) == names:
            return measure
    raise UnknownBreakdownError(
        ask.slug, tuple(name for name, _ in ask.dimensions), tuple(m.breakdown for m in kpi.measures())
    )


def _evaluated(catalogue: Catalogue, slug: str, answers: Mapping[str, Answer]) -> Decimal | None:
    kpi = catalogue.kpis[slug]
    if kpi.parsed_formula is not None:
        names = kpi.parsed_formula.names
        return kpi.parsed_formula.evaluate({name: _evaluated(catalogue, name, answers) for name in names})
    if kpi.aggregate is None:
        raise AssertionError(f"{slug} has neither formula nor aggregate")
    return value_of(answers[slug], Aggregate(kpi.aggregate), scale=kpi.scale)


async def value(
    connection: AsyncConnection, catalogue: Catalogue, slug: str, window: str, *,
    dimensions: Dimensions, at: datetime, now: datetime,
) -> Reading:  # fmt: skip
    """The reading of one KPI, window and combination of dimension values at *at*."""
    ask = Ask(slug, window, tuple(sorted(dimensions.items())), at)
    return (await evaluate(connection, catalogue, [ask], now=now))[0]


async def history(
    connection: AsyncConnection, catalogue: Catalogue, slug: str, window: str, *,
    dimensions: Dimensions, instants: Sequence[datetime], now: datetime,
) -> list[Reading]:  # fmt: skip
    """The readings of one KPI, window and combination at each of *instants*."""
    given = tuple(sorted(dimensions.items()))
    return await evaluate(connection, catalogue, [Ask(slug, window, given, at) for at in instants], now=now)


async def values_by_series(
    connection: AsyncConnection, catalogue: Catalogue, slug: str, window: str, *,
    breakdown: tuple[str, ...], at: datetime, now: datetime,
) -> list[Reading]:  # fmt: skip
    """The readings of every combination that the KPI has met, sorted by it."""
    combinations = await known_combinations(connection, catalogue, slug, breakdown)
    asks = [Ask(slug, window, combination, at) for combination in combinations]
    return await evaluate(connection, catalogue, asks, now=now)


async def known_combinations(
    connection: AsyncConnection, catalogue: Catalogue, slug: str, breakdown: tuple[str, ...]
) -> list[tuple[tuple[str, str | None], ...]]:
    """Every combination of values of *breakdown* that a KPI, or one it is made of, has met.

    Raises:
        UnknownKpiError, UnknownBreakdownError: there is no such KPI or breakdown.
    """
    known_kpi(catalogue, slug)
    if not breakdown:
        return [()]
    probe = Ask(slug, "", tuple((name, None) for name in breakdown), as_datetime(0))
    combinations = set()
    for leaf in catalogue.leaves(slug):
        measure = _measure(catalogue.kpis[leaf], probe)
        ids = [catalogue.measure_ids[measure.fingerprint]]
        for row in await connection.execute(_ALL_SERIES, {"measure_ids": ids}):
            values = series_values(row.dimensions)
            combinations.add(tuple(sorted(zip(measure.breakdown, values, strict=True))))
    return sorted(combinations, key=str)
