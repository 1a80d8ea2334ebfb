"""The interval that a window stands for at an instant, and the panes that make it up; it reads no clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.calendars import Calendar
from shared.domain.reckonings import Period
from shared.domain.windows.names import Previous, Sliding, ToDate, Window, grain
from shared.domain.windows.rungs import (
    DAY_US,
    LENGTH_US,
    Rung,
    edge_after,
    edge_before,
    joins_days,
    retained_from,
)


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


def interval(window: Window, at_us: int, *, finest: Rung, now_us: int, calendar: Calendar) -> Interval:
    """The interval of *window* at the instant *at_us*, as seen at *now_us*: whole panes that are kept.

    The end of a window that reaches the instant is *at_us* rounded up to the finest rung kept at that age.
    The start of a sliding one is that end less the length, rounded down to the window's grain, to the rung of
    the end or to the finest rung kept a length before the instant, whichever is coarsest. Calendar windows
    begin, and previous ones end, where their periods do; local hours are rounded outwards to panes that are
    kept. So the interval always reaches the instant, or the end of its period, and is never shorter than the
    window. Where it begins with a day and no finer panes that are kept can go on from its last midnight,
    which lies between two of them, it ends with a day, too.
    """
    if isinstance(window, Previous):
        return _previous(window, at_us, finest=finest, now_us=now_us, calendar=calendar)
    ends = retained_from(finest, now_us - at_us)
    end_us = edge_after(at_us, ends, calendar)
    begins = begins_with(window, at_us, ends, now_us=now_us, calendar=calendar)
    if begins is Rung.D1 and ends is not Rung.D1:
        midnight_us = calendar.day_start(end_us)
        if not joins_days(midnight_us, ends, now_us - midnight_us):
            ends, end_us = Rung.D1, edge_after(at_us, Rung.D1, calendar)
    start_us = end_us - window.length_us if isinstance(window, Sliding) else _begin(window, at_us, calendar)
    return Interval(edge_before(start_us, begins, calendar), end_us, ends)


def begins_with(window: Sliding | ToDate, at_us: int, ends: Rung, *, now_us: int, calendar: Calendar) -> Rung:
    """The rung that the start of *window* is an edge of, when its end is one of *ends*."""
    if isinstance(window, Sliding):
        return retained_from(max(grain(window), ends), now_us - at_us + window.length_us)
    if window.period is Period.HOUR:
        return retained_from(max(Rung.M15, ends), now_us - _begin(window, at_us, calendar))
    return Rung.D1


def _previous(window: Previous, at_us: int, *, finest: Rung, now_us: int, calendar: Calendar) -> Interval:
    end_us = _begin(window, at_us, calendar)
    start_us = _begin(window, end_us - 1, calendar)
    rung = Rung.D1
    if window.period is Period.HOUR:
        rung = retained_from(max(Rung.M15, finest), now_us - start_us)
    return Interval(edge_before(start_us, rung, calendar), edge_after(end_us, rung, calendar), rung)


def _begin(window: ToDate | Previous, at_us: int, calendar: Calendar) -> int:
    return calendar.period_start(window.period, at_us, reckoning=window.reckoning)


def cover(whole: Interval, *, now_us: int, calendar: Calendar) -> tuple[Span, ...]:
    """The fewest contiguous runs of panes that make up *whole*, oldest first.

    Args:
        whole: as `interval` gave it.
        now_us: when the panes are read, the same as there.
        calendar: where the days of the day rung begin.
    """
    start_us, end_us = whole.start_us, whole.end_us
    finer = [rung for rung in reversed(Rung) if whole.finest <= rung < Rung.D1]
    first, last = edge_after(start_us, Rung.D1, calendar), edge_before(end_us, Rung.D1, calendar)
    joints = {first, last} - {start_us, end_us}
    if first >= last or not all(joins_days(joint, whole.finest, now_us - joint) for joint in joints):
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


AHEAD_US = DAY_US
"""How far after now events may already be counted: the clocks that judged them may be ahead."""


def ahead(whole: Interval) -> Span:
    """The panes after the end of *whole*, which reaches the present, that a later instant will include."""
    return Span(whole.finest, whole.end_us, whole.end_us + AHEAD_US)


def far_ahead(whole: Interval, *, now_us: int, calendar: Calendar) -> tuple[Span, ...]:
    """The same of an interval that ends in the past, up to a day after *now_us*: the coarser the further on.

    The earliest pane of them that is not empty begins no later than the first event after the end.
    """
    spans, start_us = list[Span](), whole.end_us
    for rung in (rung for rung in Rung if whole.finest <= rung < Rung.D1):
        end_us = edge_after(start_us, Rung(rung + 1), calendar)
        if start_us < end_us:
            spans.append(Span(rung, start_us, end_us))
        start_us = end_us
    until_us = calendar.next_day_start(max(start_us, now_us + AHEAD_US))
    return (*spans, Span(Rung.D1, start_us, until_us))
