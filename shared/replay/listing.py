"""The events behind a value, page by page: all pages tell of the same events, or say that they cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shared.counting.programmes import Programme
from shared.domain.aggregates import Kind
from shared.domain.definitions import Catalogue, Measure
from shared.domain.errors import EventsMovedError
from shared.domain.explanations import shown
from shared.replay.candidates import Taken
from shared.replay.explaining import Bounds, Inquiry, Page, Search, search, sifted
from shared.replay.recounts import RecordReader
from shared.replay.sifting import Sift
from shared.storage.replays import Snapshot

_CHECKSUMS = 2**61 - 1
"""A sum of offsets is kept modulo this, so that a cursor has room for it."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The events of a list, as its first page saw them.

    Attributes:
        offsets: up to where each partition was counted; empty of what was known at a time.
        n: how many there were.
        checksum: of where they lie in the log.
    """

    offsets: Mapping[int, int]
    n: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the events behind a value, newest first.

    Attributes:
        has_more: whether others follow.
    """

    search: Search
    pinned: Pinned
    items: Sequence[Taken]
    has_more: bool


async def sought(
    connection: Snapshot, catalogue: Catalogue, inquiry: Inquiry, bounds: Bounds, pinned: Pinned | None
) -> Search:
    """Where the events of *inquiry* are, as the page that gave *pinned* saw them; without one, as of now.

    Raises:
        ReplayTooLargeError: more records would have to be read than *bounds* allow.
    """
    offsets = None if pinned is None else pinned.offsets
    return await search(connection, catalogue, inquiry, bounds, offsets=offsets)


async def listed(reader: RecordReader, found: Search, page: Page, pinned: Pinned | None) -> Listed:
    """The events of *page* that *found* is for.

    Raises:
        EventsMovedError: these are no longer the events that *pinned* tells of.
        LogLostError: the log holds some of them no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    sift = await sifted(reader, found, Page(page.most + 1, page.before))
    now = pinned_by(found, sift)
    if pinned is not None and (pinned.n, pinned.checksum) != (now.n, now.checksum):
        raise EventsMovedError
    return Listed(found, now, sift.listed[: page.most], has_more=len(sift.listed) > page.most)


def pinned_by(found: Search, sift: Sift) -> Pinned:
    """What pins down the events that were found."""
    return Pinned(found.offsets, sift.partial.n, sift.checksum % _CHECKSUMS)


Scalar = Decimal | int | float | str | bool | None
"""What is taken from an event."""


def shown_values(measure: Measure, events: Sequence[Taken]) -> list[Scalar]:
    """The value that *measure* takes from each of *events*, in their order.

    A number is the one that is added up, at the measure's scale; where values are told apart it is what the
    event says, and without a value it is None.
    """
    if measure.value is None:
        return [None] * len(events)
    if measure.kind is not Kind.DISTINCT:
        return [shown(one.scaled, measure.scale) for one in events]
    select = Programme.counting(0, [(0, measure)]).streams[measure.event_type].select
    selected = (select([one.event.data], [one.event])[0] for one in events)
    return [each.values[0] if each.values else None for each in selected]
