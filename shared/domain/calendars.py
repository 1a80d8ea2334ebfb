"""Where days begin in an IANA zone, as instants; days of 23 and 25 hours included; it reads no clock."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant_us(at: datetime) -> int:
    """An aware *at* in microseconds since the epoch."""
    return (at - EPOCH) // _MICROSECOND


def as_datetime(at_us: int) -> datetime:
    """The aware UTC instant of *at_us* microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=at_us)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of one zone.

    Attributes:
        zone: an IANA name, such as Europe/Berlin.
    """

    zone: str
    _info: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_info", ZoneInfo(self.zone))

    def day_start(self, at_us: int) -> int:
        """The first instant of the local day that holds *at_us*."""
        return self._midnight(self._local_date(at_us))

    def next_day_start(self, at_us: int) -> int:
        """The first instant of the local day after the one that holds *at_us*."""
        following = self._local_date(at_us) + timedelta(days=1)
        start_us = self._midnight(following)
        # A zone that jumped over a whole day (Samoa, 2011) has days that never were.
        return start_us if start_us > at_us else self._midnight(following + timedelta(days=1))

    def day_starts(self, times_us: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """`day_start` of every element; the cost is that of the distinct days, however far apart."""
        if times_us.size == 0:
            return times_us
        ordered, starts, place = np.sort(times_us), list[int](), 0
        while place < len(ordered):
            starts.append(self.day_start(int(ordered[place])))
            place = int(np.searchsorted(ordered, self.next_day_start(starts[-1])))
        midnights = np.array(starts, dtype=np.int64)
        return midnights[np.searchsorted(midnights, times_us, side="right") - 1]

    def _local_date(self, at_us: int) -> date:
        return as_datetime(at_us).astimezone(self._info).date()

    def _midnight(self, day: date) -> int:
        return _midnight_us(self._info, day)


@lru_cache(maxsize=4096)
def _midnight_us(info: ZoneInfo, day: date) -> int:
    """The first instant of *day*: where midnight is skipped, the first instant after the gap."""
    naive = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the zone is attached below
    start = naive.replace(tzinfo=info, fold=0)
    there_and_back = start.astimezone(UTC).astimezone(info).replace(tzinfo=None)
    if there_and_back != naive:
        return _after_gap(naive, info)
    return instant_us(start.astimezone(UTC))


def _after_gap(naive: datetime, info: ZoneInfo) -> int:
    """The instant of the transition that swallowed *naive*, found by halving."""
    low = instant_us(naive.replace(tzinfo=UTC)) - 36 * 3_600_000_000
    high = low + 72 * 3_600_000_000
    while high - low > 1:
        middle = (low + high) // 2
        if as_datetime(middle).astimezone(info).replace(tzinfo=None) < naive:
            low = middle
        else:
            high = middle
    return high
