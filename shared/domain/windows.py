"""The only window arithmetic: rungs, grains, and which panes cover an interval; it reads no clock.

Instants are integers: microseconds since 1970-01-01T00:00:00Z. Intervals are half-open, [start, end).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from shared.domain.calendars import Calendar

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US


class Rung(IntEnum):
    """A pane length of the ladder, finest first."""

    S1 = 0
    S10 = 1
    M1 = 2
    M15 = 3
    H1 = 4
    D1 = 5


LENGTH_US = {
    Rung.S1: SECOND_US,
    Rung.S10: 10 * SECOND_US,
    Rung.M1: MINUTE_US,
    Rung.M15: 15 * MINUTE_US,
    Rung.H1: HOUR_US,
    Rung.D1: DAY_US,
}
"""How long a pane of a rung is; a day is as long as the KPI's zone makes it, 23 to 25 h."""

RETENTION_US = {
    Rung.S1: 2 * HOUR_US,
    Rung.S10: 12 * HOUR_US,
    Rung.M1: 8 * DAY_US,
    Rung.M15: 35 * DAY_US,
    Rung.H1: 100 * DAY_US,
    Rung.D1: 400 * DAY_US,
}
"""How far back the panes of a rung may be read: beyond it the next coarser rung answers."""

WRITTEN_US = {
    rung: kept + HOUR_US + LENGTH_US[Rung(min(rung + 1, Rung.D1))] for rung, kept in RETENTION_US.items()
}
"""The age up to which events enter a rung: longer than it is read, because a run of panes begins up to one
coarser pane before the edge that decided on the rung, and because writer and reader may differ on the time.
"""


@dataclass(frozen=True, slots=True)
class Sliding:
    """The last *length* before an instant."""

    name: str
    length: timedelta

    @property
    def length_us(self) -> int:
        """The length in microseconds."""
        return round(self.length.total_seconds()) * SECOND_US


@dataclass(frozen=True, slots=True)
class Today:
    """The local day of the KPI's zone, from midnight to an instant."""

    name: str = "today"


Window = Sliding | Today

_SLIDING = re.compile(r"([1-9]\d{0,8})([smhd])")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_window(text: str) -> Window:
    """The window that *text* names: `5m`, `24h`, `30d`, `today`.

    Raises:
        ValueError: the text is no window, or not within 1 minute and 30 days.
    """
    if text == "today":
        return Today()
    match = _SLIDING.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no window: write a length such as 5m, 24h or 30d, or today")
    length = timedelta(**{_UNIT[match[2]]: int(match[1])})
    if not timedelta(minutes=1) <= length <= timedelta(days=30):
        raise ValueError(f"{text!r} is out of range: a sliding window is 1m to 30d long")
    return Sliding(text, length)


def grain(window: Window) -> Rung:
    """The rung at which the trailing edge of *window* moves."""
    if isinstance(window, Today):
        return Rung.M1
    steps = (
        (5 * MINUTE_US, Rung.S1),
        (HOUR_US, Rung.S10),
        (DAY_US, Rung.M1),
        (7 * DAY_US, Rung.M15),
        (90 * DAY_US, Rung.H1),
    )
    return next((rung for longest, rung in steps if window.length_us <= longest), Rung.D1)


@dataclass(frozen=True, slots=True)
class Span:
    """Contiguous panes of one rung over [start_us, end_us)."""

    rung: Rung
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Interval:
    """The stretch of event time a window stands for at an instant: [start_us, end_us).

    Attributes:
        finest: the finest rung that makes it up; the end lies on one of its edges.
    """

    start_us: int
    end_us: int
    finest: Rung


def retained_from(rung: Rung, age_us: int) -> Rung:
    """The finest rung, *rung* or coarser, whose panes are still kept at *age_us*."""
    return next((r for r in Rung if r >= rung and RETENTION_US[r] > age_us), Rung.D1)


def interval(window: Window, at_us: int, *, finest: Rung, now_us: int, calendar: Calendar) -> Interval:
    """The interval of *window* at the instant *at_us*, as seen at *now_us*: whole panes that are kept.

    The end is *at_us* rounded up to the finest rung kept at that age. The start is that end less the
    length, rounded down to the window's grain, to the rung of the end or to the finest rung kept at the
    start's age, whichever is coarsest; for `today` it is the local midnight. So the interval always reaches
    the instant and is never shorter than the window. Where it begins with a day and no finer panes that are
    kept can go on from its last midnight, which lies between two of them, it ends with a day, too.
    """
    ends = retained_from(finest, now_us - at_us)
    end_us = _ceil(at_us, ends, calendar)
    if isinstance(window, Today):
        start_us, begins = at_us, Rung.D1
    else:
        start_us = end_us - window.length_us
        begins = retained_from(max(grain(window), ends), now_us - start_us)
    days_then_finer = begins is Rung.D1 and ends is not Rung.D1
    if days_then_finer and not _meets(_floor(end_us, Rung.D1, calendar), ends, now_us):
        return interval(window, at_us, finest=Rung.D1, now_us=now_us, calendar=calendar)
    return Interval(_floor(start_us, begins, calendar), end_us, ends)


def _meets(midnight_us: int, finest: Rung, now_us: int) -> bool:
    """Whether panes finer than a day can join on at *midnight_us*: at a quarter past, hours cannot."""
    kept = min(retained_from(finest, now_us - midnight_us), Rung.H1)
    return midnight_us % LENGTH_US[kept] == 0


def cover(whole: Interval, *, now_us: int, calendar: Calendar) -> tuple[Span, ...]:
    """The fewest contiguous runs of panes that make up *whole*, oldest first.

    Args:
        whole: as `interval` gave it.
        now_us: when the panes are read, the same as there.
        calendar: where the days of the day rung begin.
    """
    start_us, end_us = whole.start_us, whole.end_us
    finer = [rung for rung in reversed(Rung) if whole.finest <= rung < Rung.D1]
    first, last = _ceil(start_us, Rung.D1, calendar), _floor(end_us, Rung.D1, calendar)
    joints = {first, last} - {start_us, end_us}
    if first >= last or not all(_meets(midnight, whole.finest, now_us) for midnight in joints):
        return tuple(_nested(start_us, end_us, finer))
    days = Span(Rung.D1, first, last)
    return (*_nested(start_us, first, finer), days, *_nested(last, end_us, finer))


def _nested(start_us: int, end_us: int, rungs: Sequence[Rung]) -> list[Span]:
    """The same of rungs below the day, coarsest first: every edge of one is an edge of all that are finer."""
    if start_us >= end_us:
        return []
    length, finer = LENGTH_US[rungs[0]], rungs[1:]
    first, last = -(-start_us // length) * length, end_us - end_us % length
    if first >= last:
        return _nested(start_us, end_us, finer)
    return [*_nested(start_us, first, finer), Span(rungs[0], first, last), *_nested(last, end_us, finer)]


def _floor(at_us: int, rung: Rung, calendar: Calendar) -> int:
    if rung is Rung.D1:
        return calendar.day_start(at_us)
    return at_us - at_us % LENGTH_US[rung]


def _ceil(at_us: int, rung: Rung, calendar: Calendar) -> int:
    floor = _floor(at_us, rung, calendar)
    if floor == at_us:
        return at_us
    return calendar.next_day_start(at_us) if rung is Rung.D1 else floor + LENGTH_US[rung]


def next_change(window: Window, first_us: int, *, finest: Rung, calendar: Calendar) -> int:
    """The last instant at which the pane that starts at *first_us* is still whole within *window*.

    Args:
        window: the window the pane, the oldest that is not empty, is counted in; for `today` the instant is
            the midnight that ends its day.
        first_us: its start in microseconds; which rung it is of does not matter.
        finest: the finest rung of the KPI, by which the end of the window moves.
        calendar: the KPI's zone, for windows that end with the day.
    """
    if isinstance(window, Today):
        return calendar.next_day_start(first_us)
    leaves_us = _ceil(first_us + 1, max(grain(window), finest), calendar)
    return _floor(leaves_us + window.length_us - 1, finest, calendar)
