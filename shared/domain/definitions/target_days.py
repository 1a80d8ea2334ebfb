"""How KPI files name the days with which something begins; it knows no target."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from shared.domain.definitions.fields import broken
from shared.domain.reckonings import GREGORIAN, Reckoning

_DAY_TEXT = r"^[0-9]{4}(-Q[1-4]|-[0-9]{2}(-[0-9]{2})?)?$"


def day_text(text: str) -> str:
    """*text*, if it names a day by one of the ways there are."""
    if re.fullmatch(_DAY_TEXT, text) is None:
        raise broken("a begin is a year, a quarter, a month or a day: 2026, 2026-Q2, 2026-04 or 2026-04-01")
    try:
        first_of(text, reckoning=GREGORIAN)
    except ValueError as error:
        raise broken(f"there is no day {text!r}") from error
    return text


def _written(value: Any) -> Any:
    """A year without quotes is a number for YAML."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def first_of(text: str, *, reckoning: Reckoning) -> date:
    """The first day of what *text* names: a year, a quarter, a month, or the day itself.

    Years and quarters are those of *reckoning*; a year is called after the calendar year in which it begins,
    or in which it would if its months were not cut to whole weeks.

    Raises:
        ValueError: there is no such day.
    """
    year, _, rest = text.partition("-")
    if rest.startswith("Q") or not rest:
        return reckoning.year_begin(int(year), int(rest[1:]) if rest else 1)
    day = date.fromisoformat(text if rest.count("-") else f"{text}-01")
    return day if rest.count("-") else reckoning.month_begin(day.year, day.month)


DayText = Annotated[
    str,
    BeforeValidator(_written, json_schema_input_type=str | int),
    AfterValidator(day_text),
]
"""A day by itself, or by the year, quarter or month that begins with it."""
