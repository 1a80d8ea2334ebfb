"""The holidays of a KPI, and which day of the year before one stands beside; it knows no zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day that is unlike others.

    Attributes:
        name: the same in every year; None where it is never looked for in another one.
    """

    day: date
    name: str | None = None


def a_year_before(holidays: Iterable[Holiday], day: date) -> date | None:
    """The day of the calendar year before that has the name of the holiday *day*; None where none has.

    Of a name that several days of a year have, the first stands beside the first, the second beside the
    second.
    """
    name = next((each.name for each in holidays if each.day == day), None)
    if name is None:
        return None
    named = sorted(each.day for each in holidays if each.name == name)
    place = [each for each in named if each.year == day.year].index(day)
    before = [each for each in named if each.year == day.year - 1]
    return before[place] if place < len(before) else None
