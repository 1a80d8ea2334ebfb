"""The windows there are, what they are called, and how finely they move; it knows no pane.

A sliding window is the last stretch of a length before an instant. A calendar window is a period of the
KPI's zone: the one that the instant lies in, up to the instant, or the complete one before it.
"""

import re
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.reckonings import GREGORIAN, Period, Reckoning
from shared.domain.windows.rungs import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Rung

SHORTEST, LONGEST = timedelta(seconds=10), timedelta(days=400)
"""How long a sliding window may be: a few of the finest panes, and as far back as events may lie."""


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
class ToDate:
    """The period that holds an instant, from its begin to the instant.

    Attributes:
        reckoning: which days its weeks, months, quarters and years have.
    """

    name: str
    period: Period
    reckoning: Reckoning = GREGORIAN


@dataclass(frozen=True, slots=True)
class Previous:
    """The complete period before the one that holds an instant; attributes as in `ToDate`."""

    name: str
    period: Period
    reckoning: Reckoning = GREGORIAN


Window = Sliding | ToDate | Previous

_TO_DATE = {
    "this_hour": Period.HOUR,
    "today": Period.DAY,
    "this_week": Period.WEEK,
    "mtd": Period.MONTH,
    "qtd": Period.QUARTER,
    "ytd": Period.YEAR,
}
_PREVIOUS = {
    "previous_hour": Period.HOUR,
    "yesterday": Period.DAY,
    "previous_week": Period.WEEK,
    "previous_month": Period.MONTH,
    "previous_quarter": Period.QUARTER,
    "previous_year": Period.YEAR,
}
CALENDAR_WINDOWS = (*_TO_DATE, *_PREVIOUS)
"""The names of the calendar windows."""

_ALIASES = {
    "this_day": "today",
    "wtd": "this_week",
    "this_month": "mtd",
    "this_quarter": "qtd",
    "this_year": "ytd",
    "previous_day": "yesterday",
    "last_day": "yesterday",
} | {name.replace("previous", "last"): name for name in _PREVIOUS if name.startswith("previous")}
"""Other names of the same windows; definitions and answers know the first ones only."""

WINDOW_PATTERN = f"^([1-9][0-9]{{0,8}}[smhdw]|{'|'.join((*CALENDAR_WINDOWS, *_ALIASES))})$"
"""What the name of a window looks like, for editors."""

_SLIDING = re.compile(r"([1-9]\d{0,8})([smhdw])", re.ASCII)
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def window_name(text: str) -> str:
    """The name that definitions and answers know the window *text* by; what is no alias is told as it is."""
    return _ALIASES.get(text, text)


def parse_window(text: str, *, reckoning: Reckoning = GREGORIAN) -> Window:
    """The window that *text*, or an alias of it, names: `5m`, `24h`, `30d`, `today`, `previous_year`.

    Args:
        text: the name.
        reckoning: which days weeks, months, quarters and years have.

    Raises:
        ValueError: the text is no window, or a length not within 10 seconds and 400 days.
    """
    name = window_name(text)
    if name in _TO_DATE:
        return ToDate(name, _TO_DATE[name], reckoning)
    if name in _PREVIOUS:
        return Previous(name, _PREVIOUS[name], reckoning)
    match = _SLIDING.fullmatch(text)
    if match is None:
        names = ", ".join(CALENDAR_WINDOWS)
        raise ValueError(f"{text!r} is no window: write a length such as 5m, 24h or 30d, or one of {names}")
    try:
        length = timedelta(**{_UNIT[match[2]]: int(match[1])})
    except OverflowError:
        length = timedelta.max
    if not SHORTEST <= length <= LONGEST:
        raise ValueError(f"{text!r} is out of range: a sliding window is 10s to 400d long")
    return Sliding(text, length)


def grain(window: Window) -> Rung:
    """The rung at which the trailing edge of *window* moves.

    That of a calendar window is the coarsest rung that every edge of it is an edge of, whatever the zone,
    but for `this_hour` and `today`, whose ends are worth minutes.
    """
    match window:
        case Sliding():
            return _sliding_grain(window)
        case ToDate(period=Period.HOUR | Period.DAY):
            return Rung.M1
        case ToDate() | Previous(period=Period.HOUR):
            return Rung.M15
        case Previous():
            return Rung.D1


def _sliding_grain(window: Sliding) -> Rung:
    steps = (
        (5 * MINUTE_US, Rung.S1),
        (HOUR_US, Rung.S10),
        (DAY_US, Rung.M1),
        (7 * DAY_US, Rung.M15),
        (90 * DAY_US, Rung.H1),
    )
    return next((rung for longest, rung in steps if window.length_us <= longest), Rung.D1)


def needs_zone(window: Window) -> bool:
    """Whether *window*, as of now, begins or ends where something of a zone does."""
    return not isinstance(window, Sliding) or grain(window) is Rung.D1
