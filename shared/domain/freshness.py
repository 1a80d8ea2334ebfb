"""How fresh a KPI is: when its last event was, and whether that is because of us or of who sends; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.calendars import Calendar, as_datetime
from shared.domain.windows import LENGTH_US, Rung, Sliding, Window

BEHIND_AFTER = timedelta(seconds=60)
"""From here on counting is late: the age at which compute's own watchdog gives it up."""

USUAL = timedelta(days=1)
"""How long a KPI of calendar windows alone may be without an event."""


class State(StrEnum):
    """What a reader has to know before believing that nothing happens."""

    CURRENT = "current"
    SILENT = "silent"
    EMPTY = "empty"
    BEHIND = "behind"


@dataclass(frozen=True, slots=True)
class LastEvent:
    """When the last event that counts was: in [*after*, *before*), as finely as panes of that age tell."""

    after: datetime
    before: datetime


def last_event(rung: Rung, start_us: int, zone: str) -> LastEvent:
    """The stretch of the pane of *rung* that begins at *start_us*; days are those of *zone*."""
    ends_us = Calendar(zone).next_day_start(start_us) if rung is Rung.D1 else start_us + LENGTH_US[rung]
    return LastEvent(as_datetime(start_us), as_datetime(ends_us))


def newest(events: Iterable[LastEvent | None]) -> LastEvent | None:
    """The latest of *events*, the one that is told more finely among those that begin together."""
    known = [event for event in events if event is not None]
    return max(known, key=lambda event: (event.after, -event.before.timestamp()), default=None)


def patience(windows: Iterable[Window]) -> timedelta:
    """How long a KPI with these *windows* may be without an event: its shortest one that slides, or a day."""
    lengths = [window.length_us for window in windows if isinstance(window, Sliding)]
    return timedelta(microseconds=min(lengths)) if lengths else USUAL


def state_of(last: LastEvent | None, *, as_of: datetime, now: datetime, patience: timedelta) -> State:
    """How fresh a KPI is whose last event was *last*.

    Args:
        last: None where none has counted yet.
        as_of: everything before it is counted.
        now: the present.
        patience: for how long it may be without an event.
    """
    if now - as_of > BEHIND_AFTER:
        return State.BEHIND
    if last is None:
        return State.EMPTY
    return State.SILENT if now - last.before > patience else State.CURRENT
