"""The ladder of pane lengths, how long each is kept, and where its edges are; it knows no window."""

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

INSTANTS_US = 400 * DAY_US
"""How far back an instant may lie for which a value is asked."""

RETENTION_US = {
    Rung.S1: 2 * HOUR_US,
    Rung.S10: 12 * HOUR_US,
    Rung.M1: 8 * DAY_US,
    Rung.M15: 35 * DAY_US,
    Rung.H1: 100 * DAY_US,
    Rung.D1: INSTANTS_US + 3 * 366 * DAY_US + 2 * DAY_US,
}
"""How far back the panes of a rung may be read: beyond it the next coarser rung answers.

Days are kept as far back as any question reaches: at the oldest instant, the previous year of the previous
year, which begins up to three years before (1,099 days, where one of them has 53 weeks), and a day for each
rounding of an end.
"""

WRITTEN_US = {
    rung: kept + HOUR_US + LENGTH_US[Rung(min(rung + 1, Rung.D1))] for rung, kept in RETENTION_US.items()
}
"""The age up to which events enter a rung: longer than it is read, because a run of panes begins up to one
coarser pane before the edge that decided on the rung, and because writer and reader may differ on the time.
"""


def retained_from(rung: Rung, age_us: int) -> Rung:
    """The finest rung, *rung* or coarser, whose panes are still kept at *age_us*."""
    return next((r for r in Rung if r >= rung and RETENTION_US[r] > age_us), Rung.D1)


def edge_before(at_us: int, rung: Rung, calendar: Calendar) -> int:
    """The last edge of *rung* at or before *at_us*."""
    if rung is Rung.D1:
        return calendar.day_start(at_us)
    return at_us - at_us % LENGTH_US[rung]


def edge_after(at_us: int, rung: Rung, calendar: Calendar) -> int:
    """The first edge of *rung* at or after *at_us*."""
    before_us = edge_before(at_us, rung, calendar)
    if before_us == at_us:
        return at_us
    return calendar.next_day_start(at_us) if rung is Rung.D1 else before_us + LENGTH_US[rung]


def joins_days(midnight_us: int, finest: Rung, age_us: int) -> bool:
    """Whether panes finer than a day, kept at *age_us*, can join on at *midnight_us*.

    Where midnight is a quarter past, hours cannot.
    """
    kept = min(retained_from(finest, age_us), Rung.H1)
    return midnight_us % LENGTH_US[kept] == 0
