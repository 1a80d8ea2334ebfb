"""Batches hold what the client would have put into them by its public way, to the byte."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from shared.messaging.producer import Outgoing, _packed

SIZE = 4096
NO_CODEC = 0


def a_client(codec: int = NO_CODEC) -> Any:
    """Makes batches as the client does."""
    return SimpleNamespace(create_batch=lambda: BatchBuilder(SIZE, codec))


def packed(records: Sequence[Outgoing], codec: int = NO_CODEC) -> list[tuple[int, bytes]]:
    """The number of records and the bytes of each batch."""
    batches = [batch for batch, _ in _packed(a_client(codec), 0, records)]
    return [(batch.record_count(), bytes(batch._build())) for batch in batches]


def publicly(records: Sequence[Outgoing], codec: int = NO_CODEC) -> list[tuple[int, bytes]]:
    """The same by `append`, one record after the other."""
    batches = [BatchBuilder(SIZE, codec)]
    for one in records:
        told: dict[str, Any] = {
            "timestamp": one.timestamp_ms, "key": one.key, "value": one.value, "headers": one.headers
        }  # fmt: skip
        if batches[-1].append(**told) is None:
            batches.append(BatchBuilder(SIZE, codec))
            batches[-1].append(**told)
    return [(batch.record_count(), bytes(batch._build())) for batch in batches]


HEADERS: list[tuple[str, bytes | None]] = [("content-type", b"application/json"), ("none", None)]
RECORDS = {
    "one": [Outgoing(b"v", b"k", timestamp_ms=7)],
    "no key, no value, no headers": [
        Outgoing(None, None, timestamp_ms=7),
        Outgoing(b"", b"", timestamp_ms=3),
    ],
    "many": [
        Outgoing(b"v%d" % n * 20, b"k%d" % n, headers=HEADERS, timestamp_ms=1000 + n) for n in range(500)
    ],
    "larger than a batch": [
        Outgoing(b"x" * size, b"k", timestamp_ms=7) for size in (10, 2 * SIZE, 10, SIZE - 100, 200, 3 * SIZE)
    ],
}


@pytest.mark.parametrize("records", RECORDS.values(), ids=RECORDS.keys())
@pytest.mark.parametrize("codec", [NO_CODEC, 4], ids=["plain", "zstd"])
def test_as_the_client(records: Sequence[Outgoing], codec: int) -> None:
    """As many batches with the same records, and every byte is the same."""
    assert publicly(records, codec) == packed(records, codec)


def test_closed() -> None:
    """Nothing can be put into a batch any more that is on its way."""
    ((batch, partition),) = _packed(a_client(), 3, [Outgoing(b"v", timestamp_ms=1)])

    assert partition == 3
    assert batch.closed()
    assert batch.append(timestamp=1, key=None, value=b"w") is None
