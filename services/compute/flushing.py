"""Writing a counted batch: one transaction, whose first change is the compare-and-set."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from services.compute.batches import CountedBatch
from services.compute.parts import Tally
from services.compute.stores import CountingSession
from shared.counting.programmes import Programme
from shared.domain.calendars import as_datetime
from shared.storage.flushes import Flush
from shared.storage.pane_marks import MarksMovedError
from shared.storage.positions import Move


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an owned partition stands before a flush."""

    partition: int
    epoch: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Work:
    """Everything one transaction writes.

    Attributes:
        moves: one for each partition that moves or is known to be at its end.
        activate_from: partitions that have not noted the programme's measures yet, with their offsets.
    """

    batch: CountedBatch
    moves: Sequence[Move]
    programme: Programme
    activate_from: Mapping[int, int]


def move_of(
    standing: Standing, tally: Tally | None, *,
    caught_up_at_us: int | None, disorder: timedelta, revision: int,
) -> Move | None:  # fmt: skip
    """How a partition moves; None when nothing is to be said about it.

    Args:
        standing: where it stands.
        tally: what its part of the batch came to; None when it had none.
        caught_up_at_us: an instant at which the partition's end was where the batch leaves it, if so.
        disorder: by how much events may overtake each other.
        revision: of the catalogue the batch was counted by.
    """
    if tally is None and caught_up_at_us is None:
        return None
    appended_us = tally.appended_ms * 1000 if tally else 0
    # An event of the future says nothing about the events between now and then.
    last_us = min(tally.last_us, appended_us) if tally and tally.last_us is not None else None
    seen_us = [t for t in (last_us, caught_up_at_us) if t is not None]
    return Move(
        partition=standing.partition,
        epoch=standing.epoch,
        from_offset=standing.next_offset,
        to_offset=tally.to_offset if tally else standing.next_offset,
        consumed=tally.consumed if tally else 0,
        applied=tally.applied if tally else 0,
        duplicate=tally.duplicate if tally else 0,
        dead_lettered=tally.dead_lettered if tally else 0,
        current_to=as_datetime(max(appended_us, caught_up_at_us or 0)),
        watermark=as_datetime(max(seen_us)) - disorder if seen_us else None,
        revision=revision,
    )


async def write(session: CountingSession, work: Work) -> int:
    """Write *work* by *session*; the number of pane rows.

    Raises:
        FencedError: a partition has another owner; nothing is written.
        StoreUnavailableError: nothing is known; read the positions again.
    """
    while True:
        with suppress(MarksMovedError):
            return await _written(session, work)


async def _written(session: CountingSession, work: Work) -> int:
    rows = await session.rows(work.batch.additions)
    spans = _flushes(work)
    retractions = [one for tally in work.batch.tallies for one in tally.retractions]
    async with session.transaction() as writing:
        staged = await writing.stage(rows)
        await writing.move(work.moves)
        if spans:
            await writing.record(spans)
        if retractions:
            await writing.retract(retractions)
        if work.activate_from:
            await writing.activate(sorted(work.programme.measure_ids), work.activate_from)
        # Any partition moved above will do: its row is locked, so nobody else writes this shard now.
        await writing.add(staged, shard=min(move.partition for move in work.moves))
    return len(rows)


def _flushes(work: Work) -> list[Flush]:
    starts = {move.partition: move.from_offset for move in work.moves}
    return [
        Flush(
            partition=tally.partition,
            first_offset=starts[tally.partition],
            next_offset=tally.to_offset,
            first_time=None if tally.first_us is None else as_datetime(tally.first_us),
            last_time=None if tally.last_us is None else as_datetime(tally.last_us),
            ids=tally.ids,
            skipped=tally.skipped,
        )
        for tally in work.batch.tallies
    ]
