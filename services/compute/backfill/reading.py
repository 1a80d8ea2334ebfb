"""The log as filling reads it: batches of a partition, each with the offset that it reaches."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from shared.messaging.records import Record

BATCH_RECORDS = 100_000
"""Records counted by one transaction at most: nobody waits for them, and fewer, larger ones cost less."""

BATCH_BYTES = 64 * 1024 * 1024
"""A batch is also full with this many bytes of values."""


class Log(Protocol):
    """A connection to the clean topic that reads one stretch after the other."""

    def read(self, partition: int, first_offset: int, until_offset: int) -> AsyncIterator[list[Record]]:
        """The records of [*first_offset*, *until_offset*) that the partition holds, in order.

        Raises:
            LogLostError: the log holds these offsets no more.
            BrokerUnavailableError: Kafka did not answer.
        """


@dataclass(frozen=True, slots=True)
class LogDoor:
    """How the log is reached.

    Attributes:
        opened: a connection, until the block ends.
        begins: the first offset that each partition still holds.
    """

    opened: Callable[[], AbstractAsyncContextManager[Log]]
    begins: Callable[[], Awaitable[Mapping[int, int]]]


async def batches(
    log: Log, partition: int, first_offset: int, until_offset: int, *, most: int = BATCH_RECORDS
) -> AsyncGenerator[tuple[Sequence[Record], int]]:
    """Batches of at most about *most* records with the offset that each reaches; the last reaches the end.

    Offsets have gaps: the last batch may be empty and move on all the same.
    """
    gathered: list[Record] = []
    size_bytes = 0
    async for records in log.read(partition, first_offset, until_offset):
        for start in range(0, len(records), most):
            part = records[start : start + most]
            if len(gathered) + len(part) > most or size_bytes > BATCH_BYTES:
                yield gathered, gathered[-1].offset + 1
                gathered, size_bytes = [], 0
            gathered += part
            size_bytes += sum([len(record.value or b"") for record in part])
    yield gathered, until_offset
