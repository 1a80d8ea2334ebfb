"""What counting asks of a store, as verbs; it does not know how anything is kept.

Every verb of a transaction is a place where a process may die: the tests put a failpoint before and after
each, so a new verb has its failpoints without being told.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Protocol

from services.compute.batches import Addition
from shared.storage.flushes import Flush, SeenIn
from shared.storage.panes import PaneRows, StagedRows
from shared.storage.positions import Move, Position
from shared.storage.retractions import Retraction


class CountingTransaction(Protocol):
    """What one flush writes: all of it when the block ends, nothing when it raises."""

    async def stage(self, rows: PaneRows) -> StagedRows:
        """Bring *rows* near their panes; before anything that takes a lock."""

    async def move(self, moves: Sequence[Move]) -> None:
        """Compare and set the positions; they stay locked until the block ends.

        Raises:
            FencedError: a partition has another owner or offset; roll back and let go.
        """

    async def record(self, spans: Sequence[Flush]) -> None:
        """Note what the flush covers, and the ids it saw first."""

    async def retract(self, new: Sequence[Retraction]) -> None:
        """Note what is to be undone; what was noted before stays as it is."""

    async def activate(self, measure_ids: Sequence[int], from_offsets: Mapping[int, int]) -> None:
        """Note from which offset on each partition counts into measures, where it was not noted before."""

    async def add(self, staged: StagedRows, *, shard: int) -> None:
        """Add *staged* to their panes under *shard*, a partition that this transaction has moved.

        Raises:
            MarksMovedError: coarser panes were derived since the rows were chosen; begin anew.
        """


class CountingSession(Protocol):
    """A connection that flushes are written by, one after the other; of no use after an error."""

    async def rows(self, additions: Sequence[Addition]) -> PaneRows:
        """What *additions* write at once, with the numbers of their series; outside a transaction."""

    def counted(self, additions: Sequence[Addition]) -> dict[int, set[str]]:
        """By measure, the series that *additions* were counted into; after their `rows`."""

    def transaction(self) -> AbstractAsyncContextManager[CountingTransaction]:
        """A block that is committed when it ends.

        Raises:
            StoreUnavailableError: it may or may not have been committed; read the positions again.
        """


class Claims(Protocol):
    """How a partition changes hands; each verb is committed by itself."""

    async def register(self, partitions: int, *, log_id: str) -> None:
        """Make sure that each of the clean topic's *partitions* has a position."""

    async def take_over(self, partition: int, *, owner: str, first_offset: int, log_id: str) -> Position:
        """Become the owner of *partition*; whoever owned it before can no longer move it.

        Raises:
            ForeignLogError: the position belongs to another log; nothing is changed.
        """

    async def seen(self, partition: int, *, horizon: timedelta, most: int) -> list[SeenIn]:
        """What its flushes within *horizon* saw, oldest first, the newest *most* ids."""

    async def retracted(self, partition: int, *, most: int) -> bytes:
        """The keys of its newest *most* retractions, oldest first, one after the other."""


class CountingStore(Protocol):
    """Where counting is kept; whatever it opens raises StoreUnavailableError when it cannot be reached."""

    def session(self) -> AbstractAsyncContextManager[CountingSession]:
        """A connection of the caller's own to write flushes by."""

    def claims(self) -> AbstractAsyncContextManager[Claims]:
        """A connection of the caller's own to take a partition over by."""
