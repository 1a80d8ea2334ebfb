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
    """The stretch of event time a window stands for at an instant: [start_us, end_us)."""

    start_us: int
    end_us: int


def retained_from(rung: Rung, age_us: int) -> Rung:
    """The finest rung, *rung* or coarser, whose panes are still kept at *age_us*."""
    return next((r for r in Rung if r >= rung and RETENTION_US[r] > age_us), Rung.D1)


def interval(window: Window, at_us: int, *, finest: Rung, now_us: int, calendar: Calendar) -> Interval:
    """The interval of *window* at the instant *at_us*, as seen at *now_us*.

    The end is *at_us* rounded up to the finest rung kept at that age; the start is that end less the
    length, rounded down to the window's grain, or to the finest rung kept at the start's age.
    """
    if isinstance(window, Today):
        return _today(at_us, finest, now_us, calendar)
    end_us = _ceil(at_us, retained_from(finest, now_us - at_us), calendar)
    start_us = end_us - window.length_us
    edge = retained_from(max(grain(window), finest), now_us - start_us)
    return Interval(_floor(start_us, edge, calendar), end_us)


def _today(at_us: int, finest: Rung, now_us: int, calendar: Calendar) -> Interval:
    """The day so far; the whole day where its beginning is no longer kept finely enough to take a part."""
    midnight_us = calendar.day_start(at_us)
    begins = retained_from(finest, now_us - midnight_us)
    ends = retained_from(finest, now_us - at_us)
    if begins is not Rung.D1 and midnight_us % LENGTH_US[begins]:
        ends = Rung.D1
    return Interval(midnight_us, _ceil(at_us, ends, calendar))


def cover(whole: Interval, *, finest: Rung, now_us: int, calendar: Calendar) -> tuple[Span, ...]:
    """The fewest contiguous runs of panes that make up *whole*, oldest first.

    Args:
        whole: both edges must lie on edges of *finest*, as those of `interval` do.
        finest: the finest rung to use.
        now_us: when the panes are read; a rung is not used where it is no longer kept.
        calendar: where the days of the day rung begin.
    """
    rungs = [rung for rung in reversed(Rung) if rung >= finest]
    return tuple(_cover(whole.start_us, whole.end_us, rungs, now_us, calendar))


def _cover(start_us: int, end_us: int, rungs: Sequence[Rung], now_us: int, calendar: Calendar) -> list[Span]:
    if start_us >= end_us or not rungs:
        return []
    coarsest, finer = rungs[0], rungs[1:]
    first, last = _ceil(start_us, coarsest, calendar), _floor(end_us, coarsest, calendar)
    joints = [edge for edge, end in ((first, start_us), (last, end_us)) if edge != end]
    if first >= last or not all(_meets(edge, finer, now_us) for edge in joints):
        return _cover(start_us, end_us, finer, now_us, calendar)
    before = _cover(start_us, first, finer, now_us, calendar)
    return [*before, Span(coarsest, first, last), *_cover(last, end_us, finer, now_us, calendar)]


def _meets(edge_us: int, finer: Sequence[Rung], now_us: int) -> bool:
    """Whether finer panes can join on at *edge_us*: a midnight at a quarter past needs more than hours."""
    kept = retained_from(finer[-1], now_us - edge_us) if finer else Rung.D1
    return kept not in finer or edge_us % LENGTH_US[kept] == 0


def _floor(at_us: int, rung: Rung, calendar: Calendar) -> int:
    if rung is Rung.D1:
        return calendar.day_start(at_us)
    return at_us - at_us % LENGTH_US[rung]


def _ceil(at_us: int, rung: Rung, calendar: Calendar) -> int:
    floor = _floor(at_us, rung, calendar)
    if floor == at_us:
        return at_us
    return calendar.next_day_start(at_us) if rung is Rung.D1 else floor + LENGTH_US[rung]


def next_change(window: Window, first_pane: tuple[Rung, int], *, finest: Rung, calendar: Calendar) -> int:
    """The earliest instant after which *first_pane*, the oldest that is not empty, may begin to leave.

    Args:
        window: the window the pane is counted in.
        first_pane: its rung and start in microseconds.
        finest: the finest rung of the KPI, by which the end of the window moves.
        calendar: the KPI's zone, for windows that end with the day.
    """
    rung, start_us = first_pane
    if isinstance(window, Today):
        return calendar.next_day_start(start_us)
    step = max(grain(window), finest)
    leaves_us = start_us + (LENGTH_US[step] if rung >= step else LENGTH_US[rung])
    return leaves_us + window.length_us - LENGTH_US[finest]
