"""What counting asks of the clean topic's reader; it does not know who hands out the partitions."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from shared.messaging.consumer import OnChange
from shared.messaging.records import Batch, TopicPartition


class Reader(Protocol):
    """A member of the group, with the meaning that `Consumer` gives each verb."""

    async def batch(self, timeout_s: float, max_records: int) -> Batch:
        """The next records of each partition; none while an assignment is changing."""

    def seek(self, topic: str, partition: int, offset: int) -> None:
        """Make the next record of the partition the first one at or after *offset*."""

    def partition_count(self, topic: str) -> int:
        """How many partitions *topic* has."""

    def known_ends(self) -> Mapping[TopicPartition, int]:
        """The end of each assigned partition as of its last fetch."""

    async def end_offsets(self) -> Mapping[TopicPartition, int]:
        """The offset after the last record of each assigned partition, asked now."""

    async def begin_offsets(self) -> Mapping[TopicPartition, int]:
        """The offset of the oldest record of each assigned partition, asked now."""

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Remember *offsets* for whoever looks at the lag."""


class Join(Protocol):
    """Becomes a member of the group for the length of a block."""

    def __call__(self, *, on_assigned: OnChange, on_revoked: OnChange) -> AbstractAsyncContextManager[Reader]:
        """A reader that awaits the callbacks whenever partitions come and go."""
