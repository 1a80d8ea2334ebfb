"""Which day of the year before a holiday stands beside."""

from datetime import date

import pytest

from shared.domain.calendars import Calendar, as_datetime
from shared.domain.comparisons import Against, Alignment, compared_at
from shared.domain.holidays import Holiday, a_year_before
from shared.domain.reckonings import Reckoning, WeekYears, YearEnd
from shared.domain.windows import parse_window
from tests.unit.domain.test_calendars import us

DAYS = tuple(
    Holiday(date.fromisoformat(day), name)
    for day, name in [
        ("2025-11-27", "Thanksgiving"), ("2026-11-26", "Thanksgiving"), ("2025-12-25", "Christmas"),
        ("2025-12-26", "Christmas"), ("2026-12-26", "Christmas"), ("2026-12-25", "Christmas"),
        ("2026-12-27", "Christmas"), ("2026-07-03", None), ("2025-07-03", None), ("2024-06-01", "Fair"),
        ("2026-06-01", "Fair"),
    ]
)  # fmt: skip
RETAIL = Reckoning(1, 6, WeekYears((4, 5, 4), 1, 5, YearEnd.NEAREST))


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2026-11-26", "2025-11-27"),
        ("2026-12-25", "2025-12-25"),
        ("2026-12-26", "2025-12-26"),  # the second of both
        ("2026-12-27", None),  # there was no third
        ("2026-07-03", None),  # without a name
        ("2026-06-01", None),  # not in the year before
        ("2025-11-27", None),
        ("2026-11-27", None),  # no holiday
    ],
)
def test_days(day: str, before: str | None) -> None:
    """Holidays of a name stand beside one another in their order within the year."""
    found = a_year_before(DAYS, date.fromisoformat(day))

    assert before == (None if found is None else found.isoformat())


@pytest.mark.parametrize(
    ("against", "align", "reckoning", "before"),
    [
        ("last_year", "weekday", Reckoning(), "2025-12-25T15:30Z"),
        ("last_year", "date", RETAIL, "2025-12-25T15:30Z"),
        ("last_year", "date", Reckoning(), "2025-12-25T15:30Z"),
        ("last_month", "weekday", Reckoning(), "2026-11-27T15:30Z"),
        ("last_week", "weekday", Reckoning(), "2026-12-18T15:30Z"),
    ],
)
def test_comparisons(against: str, align: str, reckoning: Reckoning, before: str) -> None:
    """Only a year before, and only where days of the week meet, is a holiday looked for."""
    found = compared_at(
        Against(against), parse_window("1h"), us("2026-12-25T15:30Z"), Calendar("UTC"),
        align=Alignment(align), reckoning=reckoning, holidays=DAYS,
    )  # fmt: skip

    assert as_datetime(us(before)) == as_datetime(found)


def test_by_date() -> None:
    """By date, Thanksgiving stands beside the day with its date."""
    found = compared_at(
        Against.LAST_YEAR, parse_window("1h"), us("2026-11-26T15:30Z"), Calendar("UTC"), holidays=DAYS
    )

    assert as_datetime(us("2025-11-26T15:30Z")) == as_datetime(found)
