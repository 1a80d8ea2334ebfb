"""Comparing what panes say with what the log says up to the same offsets; it picks and tells nothing."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.aggregates import Partial
from shared.domain.calendars import as_datetime
from shared.domain.definitions import Catalogue
from shared.domain.readings import Plan
from shared.replay.ranges import readable_stretches
from shared.replay.recounts import RecordReader, recount
from shared.replay.wanted import Wanted, wanted_measures
from shared.storage.pane_answers import SeriesQuestion, answers
from shared.storage.replays import KnownUpTo, Snapshot, Stretch, counted_offsets


@dataclass(frozen=True, slots=True)
class Claim:
    """What the panes of one series say, and where in the log that can be looked up."""

    key: SeriesQuestion
    planned: Plan
    counted: Partial
    wanted: Wanted
    stretches: tuple[Stretch, ...]


async def claim(
    connection: Snapshot, catalogue: Catalogue, key: SeriesQuestion, *, now: datetime, most: int
) -> Claim:
    """What the panes say to the question *key*, seen at *now*, of a measure of the catalogue.

    Args:
        connection: in a transaction with one snapshot: panes and positions belong together.
        catalogue: as of that snapshot.
        key: what is asked.
        now: the wall clock.
        most: how many records it may take to check it.

    Raises:
        ReplayTooLargeError: it would take more.
    """
    planned, answer = (await answers(connection, [key], now=now))[key]
    whole = planned.whole
    interval = as_datetime(whole.start_us), as_datetime(whole.end_us)
    known = KnownUpTo(await counted_offsets(connection))
    wanted = await wanted_measures(connection, catalogue, [key.measure_id])
    found = await readable_stretches(connection, [interval], known, most=most)
    return Claim(key, planned, answer.partial, wanted[key.measure_id], tuple(found))


async def recounted(reader: RecordReader, claimed: Claim) -> Partial:
    """What the log says instead.

    Raises:
        LogLostError: the log holds some of it no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    whole = claimed.planned.whole
    found = await recount(reader, claimed.stretches, [claimed.wanted], [whole.start_us, whole.end_us])
    return found.partial(claimed.wanted, [claimed.key.dimensions], whole.start_us, whole.end_us)


def agree(one: Partial, other: Partial) -> bool:
    """Whether both stand for the same events; without any, all are the same."""
    return one == other or (one.n == 0 and other.n == 0)
