"""Steps by the clock and by the calendar, and whole periods."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.reckonings import Period, Reckoning
from shared.domain.steps import UnknownStepError, before, edges, instants, parse_step
from tests.unit.domain.reckoned import RECKONINGS

BERLIN = Calendar("Europe/Berlin")
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2026, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


def _local(start: str, end: str, step: str) -> list[str]:
    zone = ZoneInfo("Europe/Berlin")
    first, last = (instant_us(datetime.fromisoformat(text).replace(tzinfo=zone)) for text in (start, end))
    found = instants(first, last, parse_step(step), BERLIN)
    return [as_datetime(at_us).astimezone(zone).isoformat() for at_us in found]


def test_days_of_other_lengths() -> None:
    """A day later is the same time by the clocks, also where they jumped over it."""
    assert _local("2026-03-28T02:30", "2026-03-30T12:00", "1d") == [
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:00:00+02:00",  # 02:30 was left out
        "2026-03-30T02:30:00+02:00",
    ]


def test_hours_by_the_clock() -> None:
    """24 hours are 24 hours, also over a day of 23."""
    found = _local("2026-03-28T12:00", "2026-03-29T23:00", "24h")

    assert found == ["2026-03-28T12:00:00+01:00", "2026-03-29T13:00:00+02:00"]


def test_months() -> None:
    """A month after the 31st is the last day of a shorter month, and the 31st again where there is one."""
    found = _local("2026-01-31T09:00", "2026-04-30T09:00", "1mo")

    assert [each[:10] for each in found] == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


@pytest.mark.parametrize("step", ["9999999d", "9999999w", "9999999mo", "9999999h", "99999mo"])
def test_beyond_calendars(step: str) -> None:
    """A step that no calendar reaches makes one point, like any that is longer than the interval."""
    assert len(_local("2026-01-31T09:00", "2026-04-30T09:00", step)) == 1


@given(TIMES, ZONES, st.sampled_from(["1d", "3d", "1w", "1mo", "2mo", "37m"]))
def test_laws(start: datetime, zone: str, step: str) -> None:
    """Instants begin at the start, rise, reach the end, and are no further apart than the step allows."""
    end = start + timedelta(days=200 if step != "37m" else 3)
    found = list(instants(instant_us(start), instant_us(end), parse_step(step), Calendar(zone)))
    longest = {"1d": 1, "3d": 3, "1w": 7, "1mo": 31, "2mo": 62, "37m": 1}[step]
    most_us = instant_us(start + timedelta(days=longest, hours=1)) - instant_us(start)

    assert found[0] == instant_us(start)
    assert all(0 < later - earlier <= most_us for earlier, later in pairwise(found))
    assert instant_us(end) - most_us < found[-1] <= instant_us(end)


@given(TIMES, ZONES, st.sampled_from(Period), RECKONINGS)
def test_periods(start: datetime, zone: str, period: Period, reckoning: Reckoning) -> None:
    """Whole periods follow one another without a gap, each as the calendar has it, none beyond either end."""
    calendar, start_us = Calendar(zone), instant_us(start)
    end_us = instant_us(start + timedelta(days=2 if period is Period.HOUR else 800))
    found = list(edges(period, start_us, end_us, calendar, reckoning=reckoning))

    assert start_us <= found[0]
    assert found[-1] <= end_us < calendar.next_period_start(period, found[-1], reckoning=reckoning)
    for begin_us, until_us in pairwise(found):
        assert calendar.period_start(period, until_us - 1, reckoning=reckoning) == begin_us
    assert before(period, found[-1], len(found) - 1, calendar, reckoning=reckoning) == found[0]


@pytest.mark.parametrize("text", ["", "1", "d", "0d", "1y", "-1d", "1 d", "1.5h", "²d"])
def test_no_steps(text: str) -> None:
    """What is no step says what one looks like."""
    with pytest.raises(UnknownStepError, match="30s"):
        parse_step(text)
