"""Records as the client's own parser makes them, a whole batch of the log at a time; it talks to nobody.

The client wraps each record once more and hands them on one by one, which costs more than the parsing.
"""

from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException

from shared.messaging.records import Record

_PartitionRecords: type[Any] = fetcher.PartitionRecords
_FetchResult: type[Any] = fetcher.FetchResult


class _OneBatch:
    """A batch as the client expects batches to come, for the rules on transactions that it has."""

    def __init__(self, batch: Any) -> None:
        self._batches = [batch]

    def has_next(self) -> bool:
        return bool(self._batches)

    def next_batch(self) -> Any:
        return self._batches.pop()


class UnpackedRecords(_PartitionRecords):  # type: ignore[misc]  # the client carries no types
    """What one answer of a broker holds for one partition.

    `next_fetch_offset` is always that of the record after the last one that was handed out.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._batches = self._records
        self._waiting: list[Record] = []
        self._read_to: int = self.next_fetch_offset
        self._lists = self._whole_batches()

    def __next__(self) -> Record:
        found, _ = self.take(1)
        if not found:
            raise StopIteration
        return found[0]

    def take(self, most: int | None) -> tuple[list[Record], bool]:
        """The next records, *most* at most, and whether those were the last."""
        taken: list[Record] = []
        while most is None or len(taken) < most:
            if not self._waiting:
                self.next_fetch_offset = self._read_to
                found = next(self._lists, None)
                if found is None:
                    return taken, True
                self._waiting = found
            taken += self._handed_out(None if most is None else most - len(taken))
        return taken, False

    def _handed_out(self, most: int | None) -> list[Record]:
        if most is None or len(self._waiting) <= most:
            found, self._waiting = self._waiting, []
        else:
            found, self._waiting = self._waiting[:most], self._waiting[most:]
        if found:
            self.next_fetch_offset = found[-1].offset + 1
        return found

    def _whole_batches(self) -> Iterator[list[Record]]:
        while self._batches.has_next():
            batch = self._batches.next_batch()
            # Without a producer it is of an old format; the client knows about those, and about transactions.
            if batch.producer_id is None or batch.is_transactional or batch.is_control_batch:
                yield self._by_the_client(batch)
            else:
                yield self._plain(batch)

    def _plain(self, batch: Any) -> list[Record]:
        if self._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {self._tp}")
        first, records = self.next_fetch_offset, list(batch)
        self._read_to = batch.next_offset
        # An answer begins with the batch that holds the offset asked for, not with the offset itself.
        if batch.base_offset >= first:
            return records
        return [record for record in records if record.offset >= first]

    def _by_the_client(self, batch: Any) -> list[Record]:
        first, self._records = self.next_fetch_offset, _OneBatch(batch)
        found = list(self._unpack_records())
        self._read_to, self.next_fetch_offset = self.next_fetch_offset, first
        return found


class UnpackedResult(_FetchResult):  # type: ignore[misc]  # the client carries no types
    """The same with the client's rules on what is still wanted."""

    _partition_records: Any

    def getall(self, max_records: int | None = None) -> list[Record]:
        """The next records, if the partition is still read from here; the position moves past them."""
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        found: list[Record]
        found, was_last = self._partition_records.take(max_records)
        self._update_position()
        if was_last:
            self._partition_records = None
        return found


def unpack_by_batches() -> None:
    """Let every consumer of this process hand out the parser's records; safe to repeat.

    Measured with 100,000 records of 250 bytes, zstd, one core: 0.44 us a record, 1.14 by the client alone.
    """
    fetcher.PartitionRecords = UnpackedRecords
    fetcher.FetchResult = UnpackedResult
