"""Readings as they were known at an earlier time: the same questions, answered by the log of then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.contracts.series import overflow_text
from shared.domain.calendars import as_datetime, instant_us
from shared.domain.definitions import Catalogue
from shared.domain.readings import Answer, Plan, Reading, plan
from shared.replay.ranges import readable_stretches
from shared.replay.recounts import RecordReader, Recount, recount
from shared.replay.wanted import Wanted, wanted_measures
from shared.storage.completeness import Completeness, completeness
from shared.storage.pane_answers import SeriesQuestion
from shared.storage.readings import Ask, questions_of, readings_of
from shared.storage.replays import KnownAt, Snapshot, Stretch, Uncounted, known_series, uncounted_at


@dataclass(frozen=True, slots=True)
class Then:
    """What Postgres remembers of a time, as far as some asks need it; the rest is in the log.

    Attributes:
        plans: the interval that each question came down to then.
        wanted: the measures to be counted again, by their numbers.
        known: the series of measures whose overflow is asked for.
        begun: since when each measure is counted.
    """

    at: datetime
    catalogue: Catalogue
    asks: Sequence[Ask]
    plans: Mapping[SeriesQuestion, Plan]
    wanted: Mapping[int, Wanted]
    known: Mapping[int, frozenset[str]]
    stretches: Sequence[Stretch]
    uncounted: Uncounted
    begun: Completeness


async def remembered(
    connection: Snapshot, catalogue: Catalogue, asks: Sequence[Ask], *, at: datetime, most: int
) -> Then:
    """What is needed to read the log for *asks* as known *at*.

    Args:
        connection: in a transaction with one snapshot.
        catalogue: the definitions; those of now, whatever held then.
        asks: at least one.
        at: by the database's clock.
        most: how many records may be read.

    Raises:
        ReplayTooLargeError: more would have to be read.
        UnknownKpiError, UnknownWindowError, UnknownBreakdownError: an ask names what there is not.
    """
    keys = questions_of(catalogue, asks)
    plans = {key: plan(key.question, now_us=instant_us(at)) for key in keys}
    wholes = {(found.whole.start_us, found.whole.end_us) for found in plans.values()}
    intervals = [(as_datetime(start), as_datetime(end)) for start, end in sorted(wholes)]
    ids = {key.measure_id for key in keys}
    overflowing = {key.measure_id for key in keys if is_overflow(key.dimensions)}
    return Then(
        at=at,
        catalogue=catalogue,
        asks=asks,
        plans=plans,
        wanted=await wanted_measures(connection, catalogue, ids),
        known=await known_series(connection, overflowing),
        stretches=await readable_stretches(connection, intervals, KnownAt(at), most=most),
        uncounted=await uncounted_at(connection, KnownAt(at)),
        begun=await completeness(connection, ids),
    )


async def readings_then(reader: RecordReader, then: Then, *, disorder: timedelta) -> list[Reading]:
    """The readings of the asks of *then*, in their order; none of them changes any more.

    Args:
        reader: of the clean topic.
        then: what Postgres remembers.
        disorder: by how much events may overtake each other.

    Raises:
        LogLostError: the log holds some of it no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    answers, complete = await answers_then(reader, then, disorder=disorder)
    found = readings_of(then.catalogue, then.asks, answers, complete, now=then.at)
    return [replace(each, valid_until=None) for each in found]


async def answers_then(
    reader: RecordReader, then: Then, *, disorder: timedelta
) -> tuple[dict[SeriesQuestion, tuple[Plan, Answer]], Completeness]:
    """What the log says to the questions of *then*, and how far it was counted; as `readings_then`."""
    wholes = [found.whole for found in then.plans.values()]
    edges = {whole.start_us for whole in wholes} | {whole.end_us for whole in wholes}
    counted = await recount(reader, then.stretches, list(then.wanted.values()), edges)
    answers = {key: (found, _answer(then, counted, key)) for key, found in then.plans.items()}
    as_of = await _as_of(reader, then)
    return answers, replace(then.begun, as_of=as_of, watermark=as_of - disorder)


def _answer(then: Then, counted: Recount, key: SeriesQuestion) -> Answer:
    wanted, whole = then.wanted[key.measure_id], then.plans[key].whole
    names = series_behind(key.dimensions, counted.series(key.measure_id), then.known.get(key.measure_id))
    return Answer(counted.partial(wanted, names, whole.start_us, whole.end_us), None, None)


def is_overflow(dimensions: str) -> bool:
    """Whether the text is that of an overflow series."""
    return dimensions != "[]" and dimensions == overflow_text(dimensions)


def series_behind(dimensions: str, met: set[str], known: frozenset[str] | None) -> set[str]:
    """The combinations that are counted under the series *dimensions*: the overflow has many.

    Args:
        dimensions: the text of the series.
        met: the combinations there are.
        known: the series of the measure, if its overflow is asked for.
    """
    return {dimensions} if known is None or not is_overflow(dimensions) else met - known | {dimensions}


async def _as_of(reader: RecordReader, then: Then) -> datetime:
    """The instant up to which everything that had arrived was counted then."""
    arrivals = [then.at]
    if then.uncounted.sought_since is not None:
        arrivals.append(then.uncounted.sought_since)
    for partition, (reached, until) in then.uncounted.offsets.items():
        # Records of one partition lie in the order of their arrival: the first one tells.
        async for records in reader.read(partition, reached, until):
            arrivals.append(as_datetime(records[0].timestamp * 1000))
            break
    return min(arrivals)
