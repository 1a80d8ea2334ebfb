"""The only window arithmetic: which interval a window stands for and which panes make it up; no clock.

Instants are integers: microseconds since 1970-01-01T00:00:00Z. Intervals are half-open, [start, end).
"""

from shared.domain.windows.covers import Interval, Span, ahead, begins_with, cover, far_ahead, interval
from shared.domain.windows.marks import DERIVED, PARTS, Marks, are_stale, marks_at, there
from shared.domain.windows.moves import Shift, earlier, last_instant
from shared.domain.windows.names import (
    CALENDAR_WINDOWS,
    WINDOW_PATTERN,
    Previous,
    Sliding,
    ToDate,
    Window,
    grain,
    needs_zone,
    parse_window,
    window_name,
)
from shared.domain.windows.rungs import (
    DAY_US,
    HOUR_US,
    INSTANTS_US,
    LENGTH_US,
    MINUTE_US,
    RETENTION_US,
    SECOND_US,
    WRITTEN_US,
    Rung,
    retained_from,
)

__all__ = [
    "CALENDAR_WINDOWS",
    "DAY_US",
    "DERIVED",
    "HOUR_US",
    "INSTANTS_US",
    "LENGTH_US",
    "MINUTE_US",
    "PARTS",
    "RETENTION_US",
    "SECOND_US",
    "WINDOW_PATTERN",
    "WRITTEN_US",
    "Interval",
    "Marks",
    "Previous",
    "Rung",
    "Shift",
    "Sliding",
    "Span",
    "ToDate",
    "Window",
    "ahead",
    "are_stale",
    "begins_with",
    "cover",
    "earlier",
    "far_ahead",
    "grain",
    "interval",
    "last_instant",
    "marks_at",
    "needs_zone",
    "parse_window",
    "retained_from",
    "there",
    "window_name",
]
