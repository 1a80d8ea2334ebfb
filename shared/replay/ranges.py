"""Where the log has to be read again, and how much of it that may be; it reads nothing itself."""

from collections.abc import Collection, Sequence
from datetime import datetime

from shared.domain.errors import ReplayTooLargeError
from shared.storage.replays import Known, Snapshot, Stretch, stretches


async def readable_stretches(
    connection: Snapshot,
    intervals: Collection[tuple[datetime, datetime]],
    known: Known,
    *,
    most: int | None = None,
) -> list[Stretch]:
    """The stretches of the log that may hold events of any of *intervals* [start, end) that count.

    Args:
        connection: in a transaction with one snapshot.
        intervals: of event time.
        known: as of when they count.
        most: how many records may be read; None is any number.

    Raises:
        ReplayTooLargeError: more would have to be read.
    """
    found = await stretches(connection, intervals, known)
    check_size(found, most=most)
    return found


def check_size(found: Sequence[Stretch], *, most: int | None) -> None:
    """Go on only if *found* holds at most *most* offsets.

    Raises:
        ReplayTooLargeError: it holds more.
    """
    records = sum(map(len, found))
    if most is not None and records > most:
        raise ReplayTooLargeError(records, most)
