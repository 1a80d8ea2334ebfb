"""A database in memory that keeps what counting writes: rows, locks, snapshots of nothing half done.

It judges what it is told as the real tables' keys and checks do, and every commit by what may never go back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.domain.errors import FencedError, ForeignLogError
from shared.storage.flushes import Flush, SeenIn
from shared.storage.positions import Move, Position
from shared.storage.retractions import Retraction

PaneKey = tuple[int, int, int, int]
"""Series, rung, start and shard."""

Partial = tuple[int, int, int, int]
"""n, sum, min and max."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `positions`."""

    next_offset: int = -1
    epoch: int = 0
    revision: int = 0
    consumed: int = 0
    applied: int = 0
    duplicate: int = 0
    dead_lettered: int = 0
    current_to: Any = None
    watermark: Any = None


class BrokenError(AssertionError):
    """A commit would leave the tables as they may never be."""


@dataclass(slots=True)
class Tables:
    """Everything committed.

    Attributes:
        series: (measure, dimension values) to number.
        activations: (measure, partition) to the first offset counted.
        undone: (partition, offset) of events taken back after they had been counted.
        locks: which transaction holds a partition's row.
    """

    log_id: str = "log"
    positions: dict[int, Row] = field(default_factory=dict)
    flushes: dict[int, list[Flush]] = field(default_factory=dict)
    series: dict[tuple[int, str], int] = field(default_factory=dict)
    activations: dict[tuple[int, int], int] = field(default_factory=dict)
    panes: dict[PaneKey, Partial] = field(default_factory=dict)
    retractions: dict[tuple[int, bytes], Retraction] = field(default_factory=dict)
    undone: set[tuple[int, int]] = field(default_factory=set)
    locks: dict[int, object] = field(default_factory=dict)

    def number(self, measure_id: int, text: str) -> int:
        """The number of a series, given out when it is new."""
        return self.series.setdefault((measure_id, text), len(self.series) + 1)

    def register(self, partitions: int) -> None:
        """Give every partition a row."""
        for partition in range(partitions):
            self.positions.setdefault(partition, Row())

    def take_over(self, partition: int, *, first_offset: int, log_id: str) -> Position:
        """Raise the epoch of *partition*, whose row the caller has locked."""
        if log_id != self.log_id:
            raise ForeignLogError(f"partition {partition} is not of {log_id}")
        row = self.positions[partition]
        offset = first_offset if row.next_offset < 0 else row.next_offset
        self.positions[partition] = replace(row, epoch=row.epoch + 1, next_offset=offset)
        return Position(partition, offset, row.epoch + 1)

    def seen(self, partition: int) -> list[SeenIn]:
        """The ids of all flushes of *partition*; a simulation is shorter than any horizon."""
        flushes = self.flushes.get(partition, [])
        return [SeenIn(flush.ids, False, flush.first_offset) for flush in flushes if flush.ids]

    def compared(self, moves: Sequence[Move]) -> None:
        """The compare of the compare-and-set, on rows that the caller has locked.

        Raises:
            FencedError: some have another owner, offset or a newer catalogue.
        """
        rows = self.positions
        lost = {m.partition for m in moves if not _agrees(rows.get(m.partition, Row()), m)}
        if lost:
            raise FencedError(frozenset(lost))

    def moved(self, move: Move) -> None:
        """The set of the compare-and-set."""
        row = self.positions[move.partition]
        after = Row(
            next_offset=move.to_offset,
            epoch=row.epoch,
            revision=move.revision,
            consumed=row.consumed + move.consumed,
            applied=row.applied + move.applied,
            duplicate=row.duplicate + move.duplicate,
            dead_lettered=row.dead_lettered + move.dead_lettered,
            current_to=_latest(row.current_to, move.current_to),
            watermark=_latest(row.watermark, move.watermark),
        )
        self._must(after.next_offset >= row.next_offset, "an offset goes back", row, after)
        self._must(after.revision >= row.revision, "a revision goes back", row, after)
        balance = after.applied + after.duplicate + after.dead_lettered
        self._must(after.consumed == balance, "the ledger does not balance", row, after)
        self.positions[move.partition] = after

    def recorded(self, flush: Flush) -> None:
        """A row of `flushes`; spans follow one another without a gap."""
        spans = self.flushes.setdefault(flush.partition, [])
        begin = spans[-1].next_offset if spans else 0
        self._must(flush.first_offset == begin, "a span leaves a gap or overlaps", spans[-1:], flush)
        spans.append(flush)

    def retracted(self, partition: int) -> bytes:
        """The keys of the retractions of *partition*."""
        return b"".join(key for p, key in self.retractions if p == partition)

    def registered(self, new: Retraction) -> None:
        """A row of `retractions`; one that is there keeps its state."""
        self.retractions.setdefault((new.partition, new.key), new)

    def activated(self, measure_ids: Iterable[int], from_offsets: Mapping[int, int]) -> None:
        """Rows of `activations`; the first one stays."""
        for measure_id in measure_ids:
            for partition, offset in from_offsets.items():
                self.activations.setdefault((measure_id, partition), offset)

    def added(self, rows: Iterable[tuple[int, ...]], *, shard: int) -> None:
        """The additive upsert of `panes`: rows are (series, rung, start, n, sum, min, max)."""
        for series_id, rung, start_us, n, total, low, high in rows:
            key = (series_id, rung, start_us, shard)
            self.panes[key] = merged(self.panes.get(key), (n, total, low, high))

    @staticmethod
    def _must(holds: bool, what: str, before: object, after: object) -> None:  # noqa: FBT001
        if not holds:
            raise BrokenError(f"{what}: {before} becomes {after}")


def merged(one: Partial | None, other: Partial) -> Partial:
    """Two partials of one pane as one."""
    if one is None:
        return other
    return one[0] + other[0], one[1] + other[1], min(one[2], other[2]), max(one[3], other[3])


def _agrees(row: Row, move: Move) -> bool:
    return (row.epoch, row.next_offset) == (move.epoch, move.from_offset) and row.revision <= move.revision


def _latest(one: Any, other: Any) -> Any:
    return max((t for t in (one, other) if t is not None), default=None)


Change = Callable[[Tables], None]
"""What a transaction does to the tables when it commits."""
