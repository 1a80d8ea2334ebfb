"""Where hours, days and longer periods begin in an IANA zone, as instants; it reads no clock.

Instants are integers: microseconds since 1970-01-01T00:00:00Z. Days of 23 and 25 hours, clock changes of
half an hour, days that a zone has skipped and midnights that its clocks jump over are all included.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from shared.domain.reckonings import GREGORIAN, Period, Reckoning

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_DAY = timedelta(days=1)

Int64s = npt.NDArray[np.int64]


def instant_us(at: datetime) -> int:
    """An aware *at* in microseconds since the epoch."""
    return (at - EPOCH) // _MICROSECOND


def as_datetime(at_us: int) -> datetime:
    """The aware UTC instant of *at_us* microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=at_us)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods of one zone.

    Attributes:
        zone: an IANA name, such as Europe/Berlin.
    """

    zone: str
    _info: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_info", ZoneInfo(self.zone))

    def day_start(self, at_us: int) -> int:
        """The first instant of the local day that holds *at_us*."""
        return self.wall_us(self.day_of(at_us))

    def next_day_start(self, at_us: int) -> int:
        """The first instant of the local day after the one that holds *at_us*."""
        return self.wall_us(self.day_of(at_us) + _DAY)

    def period_start(self, period: Period, at_us: int, *, reckoning: Reckoning = GREGORIAN) -> int:
        """The first instant of the *period* that holds *at_us*, its days being those of *reckoning*."""
        if period is Period.HOUR:
            return self._hour_start(at_us)
        return self.wall_us(reckoning.first_day(period, self.day_of(at_us)))

    def next_period_start(self, period: Period, at_us: int, *, reckoning: Reckoning = GREGORIAN) -> int:
        """The first instant of the *period* after the one that holds *at_us*; as in `period_start`."""
        if period is Period.HOUR:
            return self._next_hour_start(at_us)
        first = reckoning.first_day(period, self.day_of(at_us))
        return self.wall_us(reckoning.next_first_day(period, first))

    def day_starts(self, times_us: Int64s) -> Int64s:
        """`day_start` of every element; the cost is that of the distinct days, however far apart."""
        if times_us.size == 0:
            return times_us
        ordered, starts, place = np.sort(times_us), list[int](), 0
        while place < len(ordered):
            starts.append(self.day_start(int(ordered[place])))
            place = int(np.searchsorted(ordered, self.next_day_start(starts[-1])))
        midnights = np.array(starts, dtype=np.int64)
        return midnights[np.searchsorted(midnights, times_us, side="right") - 1]

    def day_of(self, at_us: int) -> date:
        """The local day that holds *at_us*: where clocks go back over midnight, the day has begun already."""
        day = self.local(at_us).date()
        return day + _DAY if self.wall_us(day + _DAY) <= at_us else day

    def local(self, at_us: int) -> datetime:
        """What the zone's clocks show at *at_us*, without a zone."""
        return as_datetime(at_us).astimezone(self._info).replace(tzinfo=None, fold=0)

    def wall_us(self, shown: date) -> int:
        """The first instant at which the clocks show *shown*, a day standing for its midnight.

        Where they jump over it, the first instant after the jump.
        """
        return _wall_us(self._info, shown)

    def offset_us(self, at_us: int) -> int:
        """How far the zone's clocks are ahead of UTC at *at_us*."""
        return _offset_us(self._info, at_us)

    def offsets_us(self, times_us: Int64s) -> Int64s:
        """`offset_us` of every element; the cost is that of the distinct days."""
        if times_us.size == 0:
            return times_us
        days, place = np.unique(times_us // _DAY_US, return_inverse=True)
        known = np.array([_offsets_of_day(self._info, int(day)) for day in days], dtype=np.int64)
        before, change, after = known[place].T
        offsets: Int64s = np.where(times_us < change, before, after)
        return offsets

    def offset_change(self, after_us: int, until_us: int) -> int | None:
        """The first instant in (*after_us*, *until_us*] at which the clocks are set; None without one.

        The two are at most a day apart: clocks that are set and set back in between go unnoticed.
        """
        if _offset_us(self._info, after_us) == _offset_us(self._info, until_us):
            return None
        return _change_us(self._info, after_us, until_us)

    def _hour_start(self, at_us: int) -> int:
        """An hour begins when the clocks show a full one, and when they are set."""
        start_us = at_us - (at_us + self.offset_us(at_us)) % _HOUR_US
        return self.offset_change(start_us, at_us) or start_us

    def _next_hour_start(self, at_us: int) -> int:
        next_us = at_us - (at_us + self.offset_us(at_us)) % _HOUR_US + _HOUR_US
        return self.offset_change(at_us, next_us) or next_us


@lru_cache(maxsize=16_384)
def _wall_us(info: ZoneInfo, shown: date) -> int:
    naive = shown if isinstance(shown, datetime) else datetime(shown.year, shown.month, shown.day)  # noqa: DTZ001 - the zone is attached below
    there = naive.replace(tzinfo=info, fold=0).astimezone(UTC)
    if there.astimezone(info).replace(tzinfo=None) != naive:
        return _after_gap(naive, info)
    return instant_us(there)


def _after_gap(naive: datetime, info: ZoneInfo) -> int:
    """The instant of the transition that swallowed *naive*, found by halving."""
    low = instant_us(naive.replace(tzinfo=UTC)) - 36 * _HOUR_US
    high = low + 72 * _HOUR_US
    while high - low > 1:
        middle = (low + high) // 2
        if as_datetime(middle).astimezone(info).replace(tzinfo=None) < naive:
            low = middle
        else:
            high = middle
    return high


def _offset_us(info: ZoneInfo, at_us: int) -> int:
    offset = as_datetime(at_us).astimezone(info).utcoffset()
    return 0 if offset is None else offset // _MICROSECOND


@lru_cache(maxsize=16_384)
def _offsets_of_day(info: ZoneInfo, day: int) -> tuple[int, int, int]:
    """The offset at the begin of a day of UTC, when it changes, and the offset from then on."""
    start_us, end_us = day * _DAY_US, (day + 1) * _DAY_US
    before, after = _offset_us(info, start_us), _offset_us(info, end_us - 1)
    return before, end_us if before == after else _change_us(info, start_us, end_us - 1), after


def _change_us(info: ZoneInfo, low_us: int, high_us: int) -> int:
    """The instant in (*low_us*, *high_us*] from which the offset is no longer that of *low_us*."""
    before = _offset_us(info, low_us)
    while high_us - low_us > 1:
        middle_us = (low_us + high_us) // 2
        low_us, high_us = (
            (middle_us, high_us) if _offset_us(info, middle_us) == before else (low_us, middle_us)
        )
    return high_us
