"""What a record and a partition are to everybody above the client."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol


class TopicPartition(NamedTuple):
    """One partition of one topic; equal to the plain pair."""

    topic: str
    partition: int


class Record(Protocol):
    """One record as it lies in Kafka."""

    @property
    def offset(self) -> int:
        """Its place in the partition; offsets have gaps."""

    @property
    def key(self) -> bytes | None:
        """Its key."""

    @property
    def value(self) -> bytes | None:
        """Its value; None is a tombstone."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Its headers in their order; a name may come twice."""

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970-01-01T00:00:00Z, by the sender's or the broker's clock."""


Batch = Mapping[TopicPartition, Sequence[Record]]
