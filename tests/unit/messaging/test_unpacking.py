"""Records by whole batches are those that the client hands out by itself, whatever lies in the log."""

import itertools
import struct
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from shared.messaging import unpacking
from shared.messaging.unpacking import UnpackedRecords, UnpackedResult, unpack_by_batches

AT = TopicPartition("orders", 0)
HEADERS = [("content-type", b"application/json"), ("none", None)]
CONTROL, ABORT, COMMIT = 0x20, b"\0\0\0\0", b"\0\0\0\1"

Bytes = Callable[[int], bytes]
"""A batch of the log, as bytes, from its first offset."""


def a_batch(
    count: int, *, producer: int = -1, transactional: bool = False, codec: int = 4, last: int | None = None
) -> Bytes:
    """*count* records; *last* is the last offset when later records were compacted away."""
    return lambda first: _placed(
        _built([(b"k%d" % n if n % 3 else None, b"v%d" % n if n % 4 else None) for n in range(count)],
               producer=producer, transactional=transactional, codec=codec),
        first,
        last,
    )  # fmt: skip


def a_marker(producer: int, key: bytes) -> Bytes:
    """The end of a transaction."""
    built = _built([(key, b"")], producer=producer, transactional=True, codec=0)
    return lambda first: _placed(built, first, flags=CONTROL)


def an_old_batch(count: int) -> Bytes:
    """*count* records in the format before transactions."""

    def placed(first: int) -> bytes:
        builder = LegacyRecordBatchBuilder(1, 0, 1 << 16)
        for offset in range(first, first + count):
            builder.append(offset, timestamp=offset, key=b"k", value=b"%d" % offset)
        return bytes(builder.build())

    return placed


def _built(
    pairs: Sequence[tuple[bytes | None, bytes | None]], *, producer: int, transactional: bool, codec: int
) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, int(transactional), producer, 0, 0, 1 << 20)
    for offset, (key, value) in enumerate(pairs):
        builder.append(offset, timestamp=1_000 + offset, key=key, value=value, headers=HEADERS)
    return bytes(builder.build())


def _placed(built: bytes, first: int, last: int | None = None, *, flags: int = 0) -> bytes:
    """*built* with its first and last offset and further *flags*, under a new checksum."""
    batch = bytearray(built)
    struct.pack_into(">q", batch, 0, first)
    batch[22] |= flags
    if last is not None:
        struct.pack_into(">i", batch, 23, last)
    struct.pack_into(">I", batch, 17, calc_crc32c(bytes(batch[21:])))
    return bytes(batch)


def a_log(*batches: tuple[int, Bytes]) -> bytes:
    """An answer with *batches*, each with its first offset."""
    return b"".join(batch(first) for first, batch in batches)


LOGS = {
    "plain": a_log((5, a_batch(3)), (8, a_batch(4, codec=0)), (12, a_batch(1, producer=7))),
    "gaps": a_log((5, a_batch(2, last=6)), (12, a_batch(3)), (40, a_batch(2, last=9))),
    "aborted": a_log(
        (5, a_batch(2)),
        (7, a_batch(3, producer=9, transactional=True)),
        (10, a_batch(2, producer=8, transactional=True)),
        (12, a_marker(9, ABORT)),
        (13, a_marker(8, COMMIT)),
        (14, a_batch(2, producer=9, transactional=True)),
        (16, a_marker(9, COMMIT)),
        (17, a_batch(2)),
    ),
    "old": a_log((5, an_old_batch(1))),
    "nothing to hand out": a_log((5, a_marker(3, COMMIT))),
    "a torn end": a_log((5, a_batch(3)), (8, a_batch(3)))[:-5],
}


def result(kind: type[Any], records: type[Any], log: bytes, *, first: int, isolation: int) -> Any:
    """What the fetcher makes of an answer that was asked for from offset *first* on."""
    state = SimpleNamespace(paused=False, position=first)
    state.consumed_to = lambda offset: setattr(state, "position", offset)
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    aborted = [(9, 7)]
    found = records(AT, MemoryRecords(log), aborted, first, None, None, True, isolation)
    return kind(AT, assignment=assignment, partition_records=found, backoff=0)


def drained(one: Any, sizes: Sequence[int | None]) -> list[Any]:
    """Records as plain fields, each call's with the position after it."""
    said = []
    for most in itertools.chain(sizes, itertools.repeat(sizes[-1], 40)):
        taken = one.getall(most)
        fields = [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in taken]
        said.append((fields, one._assignment.state_value(AT).position))
        if not one.has_more():
            break
    return said


@pytest.mark.parametrize("log", LOGS.values(), ids=LOGS.keys())
@pytest.mark.parametrize("sizes", [(None,), (1,), (2, 3), (100,)], ids=str)
@pytest.mark.parametrize("first", [5, 6, 9])
@pytest.mark.parametrize("isolation", [0, READ_COMMITTED], ids=["uncommitted", "committed"])
def test_as_the_client(log: bytes, sizes: Sequence[int | None], first: int, isolation: int) -> None:
    """The same records in the same portions with the same positions, aborted transactions left out."""
    own = result(unpacking._FetchResult, unpacking._PartitionRecords, log, first=first, isolation=isolation)
    ours = result(UnpackedResult, UnpackedRecords, log, first=first, isolation=isolation)

    assert drained(own, sizes) == drained(ours, sizes)


def test_one_by_one() -> None:
    """Whoever asks for single records gets them all, in the same order."""
    whole = [r.offset for r in result(UnpackedResult, UnpackedRecords, LOGS["aborted"], first=5, isolation=1)
             .getall()]  # fmt: skip
    single = result(UnpackedResult, UnpackedRecords, LOGS["aborted"], first=5, isolation=1)

    assert whole == [single.getone().offset for _ in whole]


def test_broken_bytes() -> None:
    """A batch whose checksum does not fit is refused, and the position stays before it."""
    log = bytearray(LOGS["plain"])
    log[-1] ^= 1
    one = result(UnpackedResult, UnpackedRecords, bytes(log), first=5, isolation=1)
    with pytest.raises(CorruptRecordException):
        one.getall()

    assert one._assignment.state_value(AT).position == 5


def test_taken_away() -> None:
    """Nothing is handed out of a partition whose position was moved meanwhile."""
    one = result(UnpackedResult, UnpackedRecords, LOGS["plain"], first=5, isolation=1)
    one._assignment.state_value(AT).position = 0

    assert not one.getall()
    assert not one.has_more()


def test_in_place() -> None:
    """The fetcher of the client makes its results by the names that are replaced."""
    unpack_by_batches()
    named = set(fetcher.Fetcher._proc_fetch_request.__code__.co_names)

    assert {"PartitionRecords", "FetchResult"} <= named
    assert (fetcher.PartitionRecords, fetcher.FetchResult) == (UnpackedRecords, UnpackedResult)
