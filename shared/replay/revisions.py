"""How a value changed after everything that was to be expected had been counted, worked out of the log."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import groupby

from shared.domain.aggregates import NO_EVENTS, Partial, merged
from shared.domain.calendars import as_datetime, instant_us
from shared.domain.definitions import Catalogue
from shared.domain.readings import Answer, Plan, Reading, plan
from shared.replay.changes import (
    Change,
    ChangeReason,
    History,
    Origin,
    counting_until_retracted,
    split,
)
from shared.replay.known_readings import is_overflow, series_behind
from shared.replay.ranges import readable_stretches
from shared.replay.recounts import RecordReader, Recount
from shared.replay.wanted import Wanted, wanted_measures
from shared.storage.completeness import Completeness, completeness
from shared.storage.pane_answers import SeriesQuestion
from shared.storage.readings import Ask, questions_of, readings_of
from shared.storage.replayed_changes import flushed_within, undone_within
from shared.storage.replays import KnownUpTo, Snapshot, counted_offsets, known_series


@dataclass(frozen=True, slots=True)
class Revision:
    """A change of a value that had been complete.

    Attributes:
        changed_at: when it was committed, by the database's clock; of old changes, the end of the hour.
        before: the reading up to then.
        after: the reading from then on.
        origins: the flushes that brought late events, or the events that were retracted.
    """

    changed_at: datetime
    reason: ChangeReason
    before: Reading
    after: Reading
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What Postgres remembers of the values of an ask; the rest is in the log.

    Attributes:
        plans: the interval of each question, as it was at the instant asked about.
        known: the series of measures whose overflow is asked for.
    """

    catalogue: Catalogue
    ask: Ask
    plans: Mapping[SeriesQuestion, Plan]
    wanted: Mapping[int, Wanted]
    known: Mapping[int, frozenset[str]]
    history: History
    counted: Completeness


async def story(
    connection: Snapshot, catalogue: Catalogue, ask: Ask, *, disorder: timedelta, most: int
) -> Story:
    """What is needed to read the log for the revisions of *ask*.

    Args:
        connection: in a transaction with one snapshot.
        catalogue: the definitions.
        ask: whose revisions are wanted, for the interval that it stood for at its own instant.
        disorder: by how much events may overtake each other: later ones are late.
        most: how many records may be read.

    Raises:
        ReplayTooLargeError: more would have to be read.
        UnknownKpiError, UnknownWindowError, UnknownBreakdownError: the ask names what there is not.
    """
    keys = questions_of(catalogue, [ask])
    plans = {key: plan(key.question, now_us=instant_us(ask.at)) for key in keys}
    ids = {key.measure_id for key in keys}
    overflowing = {key.measure_id for key in keys if is_overflow(key.dimensions)}
    return Story(
        catalogue=catalogue,
        ask=ask,
        plans=plans,
        wanted=await wanted_measures(connection, catalogue, ids),
        known=await known_series(connection, overflowing),
        history=await _history(connection, list(plans.values()), disorder=disorder, most=most),
        counted=await completeness(connection, ids),
    )


async def _history(connection: Snapshot, plans: Sequence[Plan], *, disorder: timedelta, most: int) -> History:
    wholes = {(found.whole.start_us, found.whole.end_us) for found in plans}
    intervals = [(as_datetime(start), as_datetime(end)) for start, end in sorted(wholes)]
    since = max(end for _, end in intervals) + disorder
    known = KnownUpTo(await counted_offsets(connection))
    stretches = await readable_stretches(connection, intervals, known, most=most)
    undone = await undone_within(connection, stretches, since=since)
    return History(
        since=since,
        stretches=counting_until_retracted(stretches, undone),
        flushes=await flushed_within(connection, stretches, since=since),
        undone=undone,
    )


async def revisions(reader: RecordReader, told: Story) -> list[Revision]:
    """Every change of the value of *told* after all that was to be expected had been counted, oldest first.

    Raises:
        LogLostError: the log holds some of it no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    wholes = [found.whole for found in told.plans.values()]
    edges = {whole.start_us for whole in wholes} | {whole.end_us for whole in wholes}
    recount = Recount.between(list(told.wanted.values()), edges)
    found = await split(reader, told.history, recount)
    return list(_revisions(told, found.at_first(), found.changes()))


def _revisions(told: Story, at_first: list[Recount], changes: Sequence[Change]) -> Iterator[Revision]:
    """A revision for each instant at which the value really changed."""
    parts, partials = list(at_first), _partials(told, at_first)
    before = _reading(told, partials)
    for (at, reason), group in groupby(changes, key=lambda change: (change.at, change.reason)):
        now = list(group)
        if reason is ChangeReason.LATE_EVENT:
            came = [change.part for change in now]
            parts += came
            more = _partials(told, came)
            partials = {key: merged(partial, more[key]) for key, partial in partials.items()}
        else:
            gone = {id(change.part) for change in now}
            parts = [part for part in parts if id(part) not in gone]
            partials = _partials(told, parts)
        after = _reading(told, partials)
        if after.value != before.value:
            origins = dict.fromkeys(change.origin for change in now)
            yield Revision(at, reason, before, after, tuple(origins))
        before = after


def _reading(told: Story, partials: Mapping[SeriesQuestion, Partial]) -> Reading:
    answers = {key: (found, Answer(partials[key], None, None)) for key, found in told.plans.items()}
    return readings_of(told.catalogue, [told.ask], answers, told.counted, now=told.ask.at)[0]


def _partials(told: Story, parts: Sequence[Recount]) -> dict[SeriesQuestion, Partial]:
    return {key: _partial(told, key, parts) for key in told.plans}


def _partial(told: Story, key: SeriesQuestion, parts: Sequence[Recount]) -> Partial:
    """What *parts* come to together."""
    wanted, whole = told.wanted[key.measure_id], told.plans[key].whole
    met = set[str]().union(*(part.series(key.measure_id) for part in parts))
    names = series_behind(key.dimensions, met, told.known.get(key.measure_id))
    found = [part.partial(wanted, names, whole.start_us, whole.end_us) for part in parts]
    return reduce(merged, found, NO_EVENTS[wanted.measure.kind])
