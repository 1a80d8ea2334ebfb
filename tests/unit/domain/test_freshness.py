"""How fresh a KPI is: whose fault it is that nothing happens."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendars import Calendar, instant_us
from shared.domain.freshness import USUAL, LastEvent, State, last_event, newest, patience, state_of
from shared.domain.windows import LENGTH_US, Rung, parse_window

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("age", "lag", "state"),
    [
        (timedelta(0), SECOND, State.CURRENT),
        (HOUR, SECOND, State.CURRENT),
        (HOUR + SECOND, SECOND, State.SILENT),
        (None, SECOND, State.EMPTY),
        (timedelta(0), timedelta(seconds=60), State.CURRENT),
        (timedelta(0), timedelta(seconds=61), State.BEHIND),
        (2 * HOUR, timedelta(seconds=61), State.BEHIND),
        (None, timedelta(seconds=61), State.BEHIND),
    ],
)
def test_state(age: timedelta | None, lag: timedelta, state: State) -> None:
    """Silence is the sources' only while counting is up to date; a bound that is just reached is kept to."""
    last = None if age is None else LastEvent(NOW - age - SECOND, NOW - age)

    assert state_of(last, as_of=NOW - lag, now=NOW, patience=HOUR) is state


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds have no zone
    rung=st.sampled_from(Rung),
)
def test_the_event_lies_within(at: datetime, rung: Rung) -> None:
    """Whatever pane an event is in, its time lies in what is told, also on days of 23 and 25 hours."""
    at_us = instant_us(at)
    start_us = Calendar(BERLIN).day_start(at_us) if rung is Rung.D1 else at_us - at_us % LENGTH_US[rung]
    told = last_event(rung, start_us, BERLIN)

    assert told.after <= at < told.before
    if rung is Rung.D1:
        assert {edge.astimezone(ZoneInfo(BERLIN)).hour for edge in (told.after, told.before)} == {0}


def test_newest() -> None:
    """The latest begin wins; of equal ones the one that is told more finely; nothing of nothing."""
    wide, fine = LastEvent(NOW, NOW + HOUR), LastEvent(NOW, NOW + SECOND)
    earlier = LastEvent(NOW - HOUR, NOW + 2 * HOUR)

    assert newest([None, wide, earlier, fine]) == fine
    assert newest([None]) is newest([]) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("24h", "5m", "today"), timedelta(minutes=5)), (("mtd", "previous_month"), USUAL)],
)
def test_patience(names: tuple[str, ...], expected: timedelta) -> None:
    """The shortest window that slides says how often events are expected; without one, a day."""
    assert patience(parse_window(name) for name in names) == expected
