"""How many events of a type arrived lately: buckets of a few lengths, and the stretches they answer for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time up to now, as a number of buckets."""

    name: str
    length: timedelta
    bucket: timedelta

    def since(self, now: datetime) -> datetime:
        """The start of its first bucket: *length* before *now*, and up to a bucket more."""
        return floored(now - self.length, self.bucket)


STRETCHES = (
    Stretch("minute", timedelta(minutes=1), timedelta(seconds=10)),
    Stretch("hour", timedelta(hours=1), timedelta(minutes=1)),
    Stretch("day", timedelta(days=1), timedelta(minutes=15)),
)
"""What is told of each type; a stretch begins up to a bucket early and says where."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """How many events arrived from *since* on."""

    events: int
    since: datetime


Rates = Mapping[str, Arrived]
"""By the name of the stretch."""


def floored(instant: datetime, length: timedelta) -> datetime:
    """The last whole multiple of *length* since 1970 that is not after *instant*."""
    epoch = datetime(1970, 1, 1, tzinfo=instant.tzinfo)
    return epoch + (instant - epoch) // length * length
