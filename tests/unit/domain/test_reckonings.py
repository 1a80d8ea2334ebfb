"""Weeks from any day, and years of whole weeks: what is known of real ones, laws, and the oracle."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.definitions.target_days import first_of
from shared.domain.reckonings import Period, Reckoning, WeekYears, YearEnd
from tests.oracle import calendars as oracle
from tests.unit.domain.reckoned import RECKONINGS, WEEK_YEARS, years_of

DAYS = st.dates(date(1971, 1, 1), date(2099, 12, 31))
LONGER = st.sampled_from([Period.WEEK, Period.MONTH, Period.QUARTER, Period.YEAR])

SATURDAY = 5
RETAIL = Reckoning(1, 6, WeekYears((4, 5, 4), 1, SATURDAY, YearEnd.NEAREST))
"""The calendar of the National Retail Federation: years to the Saturday nearest to the end of January."""

SEPTEMBER = Reckoning(1, 6, WeekYears((5, 4, 4), 9, SATURDAY, YearEnd.LAST))
"""Years to the last Saturday in September."""

DECEMBER = Reckoning(1, 0, WeekYears((4, 4, 5), 12, 6, YearEnd.NEAREST))
"""Years to the Sunday nearest to the end of December: they begin like those of ISO 8601 weeks."""


@pytest.mark.parametrize(
    ("reckoning", "year", "begin", "weeks"),
    [
        (RETAIL, 2022, "2022-01-30", 52),
        (RETAIL, 2023, "2023-01-29", 53),
        (RETAIL, 2024, "2024-02-04", 52),
        (RETAIL, 2025, "2025-02-02", 52),
        (SEPTEMBER, 2022, "2022-09-25", 53),  # to 30 September 2023
        (SEPTEMBER, 2023, "2023-10-01", 52),
        (SEPTEMBER, 2024, "2024-09-29", 52),
        (DECEMBER, 2020, "2019-12-30", 53),  # 2020 has a week 53
        (DECEMBER, 2021, "2021-01-04", 52),
        (DECEMBER, 2026, "2025-12-29", 53),
    ],
)
def test_years(reckoning: Reckoning, year: int, begin: str, weeks: int) -> None:
    """Years begin, and have 53 weeks, when those in use do."""
    first = reckoning.year_begin(year)

    assert str(first) == begin
    assert reckoning.next_first_day(Period.YEAR, first) - first == timedelta(weeks=weeks)


@given(day=DAYS, years=WEEK_YEARS)
def test_iso_weeks(day: date, years: WeekYears) -> None:
    """Years to the Sunday nearest to the end of December are those that ISO 8601 numbers weeks by."""
    reckoning = Reckoning(1, 0, WeekYears(years.weeks, 12, 6, YearEnd.NEAREST))
    first = reckoning.first_day(Period.YEAR, day)

    assert (day - first).days // 7 + 1 == day.isocalendar().week


@given(day=DAYS, years=WEEK_YEARS)
def test_weeks_of_a_year(day: date, years: WeekYears) -> None:
    """A year has 52 or 53 whole weeks and ends where it says; a 53rd week is in its last month."""
    reckoning = Reckoning(1, (years.weekday + 1) % 7, years)
    first = reckoning.first_day(Period.YEAR, day)
    following = reckoning.next_first_day(Period.YEAR, first)
    months = [first]
    while months[-1] < following:
        months.append(reckoning.next_first_day(Period.MONTH, months[-1]))
    weeks = [(later - begin).days / 7 for begin, later in pairwise(months)]
    last = following - timedelta(days=1)

    assert sum(weeks) in (52, 53)
    assert weeks[:-1] == [*years.weeks * 4][:-1]
    assert weeks[-1] - years.weeks[2] == sum(weeks) - 52
    assert last.weekday() == years.weekday
    near = {(last + timedelta(days=days)).month for days in range(-3, 4)}
    assert last.month == years.month if years.rule is YearEnd.LAST else years.month in near


@given(day=DAYS, reckoning=RECKONINGS, period=LONGER)
def test_periods_nest(day: date, reckoning: Reckoning, period: Period) -> None:
    """Each period follows the one before; a quarter is three months, and a year four quarters."""
    first = reckoning.first_day(period, day)
    following = reckoning.next_first_day(period, first)
    inner = {Period.QUARTER: (Period.MONTH, 3), Period.YEAR: (Period.QUARTER, 4)}.get(period)

    assert first <= day < following
    assert reckoning.first_day(period, following - timedelta(days=1)) == first
    assert reckoning.first_day(period, following) == following
    assert reckoning.between(period, first, following) == 1
    if inner is not None:
        assert reckoning.between(inner[0], first, following) == inner[1]


@given(day=DAYS, years=WEEK_YEARS, period=st.sampled_from([Period.MONTH, Period.YEAR]))
def test_as_far_before(day: date, years: WeekYears, period: Period) -> None:
    """The same weekday of the same week of the period before, as the oracle walks to it."""
    reckoning = Reckoning(1, (years.weekday + 1) % 7, years)

    found = reckoning.as_far_before(period, day)

    assert found == oracle.week_before(period.value, day, years_of(reckoning))
    assert found.weekday() == day.weekday()
    assert reckoning.next_first_day(period, reckoning.first_day(period, found)) == reckoning.first_day(
        period, day
    )


@pytest.mark.parametrize(
    ("day", "before"),
    [
        ("2024-02-03", "2023-01-28"),  # the last day of week 53 beside that of week 52
        ("2024-02-04", "2023-01-29"),  # the first days of 2024 and 2023
        ("2025-02-01", "2024-01-27"),  # week 52 beside week 52 of a year of 53
        ("2025-11-28", "2024-11-29"),  # the Fridays after Thanksgiving
    ],
)
def test_a_year_before(day: str, before: str) -> None:
    """Weeks meet by their numbers; week 53 stands beside week 52."""
    assert str(RETAIL.as_far_before(Period.YEAR, date.fromisoformat(day))) == before


@given(
    year=st.integers(1975, 2090),
    part=st.sampled_from(["", *(f"-Q{n}" for n in range(1, 5)), *(f"-{n:02}" for n in range(1, 13))]),
    years=WEEK_YEARS,
)
def test_names(year: int, part: str, years: WeekYears) -> None:
    """Years, quarters and months of weeks are called after those that they stand for."""
    reckoning, text = Reckoning(1, (years.weekday + 1) % 7, years), f"{year}{part}"

    found = first_of(text, reckoning=reckoning)

    assert found == oracle.called(text, years_of(reckoning))
    assert reckoning.month_of(found) == oracle.stands_for(found, years_of(reckoning))
    if part[1:].isdigit():
        assert reckoning.month_of(found) == int(part[1:])
        assert abs(found - date(year, int(part[1:]), 1)) <= timedelta(days=14)


def test_agreement() -> None:
    """Two reckonings agree on a period if what decides its begin is the same."""
    sunday, april = Reckoning(week_start=6), Reckoning(year_start=4)

    assert [sunday.part(each) == april.part(each) for each in Period] == [
        True, True, False, True, False, False,
    ]  # fmt: skip
    assert [sunday.part(each) == RETAIL.part(each) for each in Period] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
