"""Plans at every age and in every zone: whole, readable, wide enough, and what the oracle says."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.aggregates import EMPTY
from shared.domain.calendars import Calendar, as_datetime
from shared.domain.readings import Answer, Question, measured_us, plan, stays_until
from shared.domain.reckonings import Period, Reckoning
from shared.domain.windows import (
    CALENDAR_WINDOWS,
    DAY_US,
    HOUR_US,
    LENGTH_US,
    RETENTION_US,
    WRITTEN_US,
    Interval,
    Previous,
    Rung,
    Sliding,
    Span,
    ToDate,
    cover,
    earlier,
    grain,
    interval,
    parse_window,
)
from tests.oracle import windows as oracle
from tests.oracle.calendars import Years
from tests.unit.domain.reckoned import RECKONINGS, years_of
from tests.unit.domain.test_calendars import places, us

WINDOWS = (
    "10s", "1m", "61s", "5m", "301s", "1h", "24h", "90001s", "7d", "8d", "30d", "50d", "90d", "91d", "400d",
    *CALENDAR_WINDOWS,
)  # fmt: skip
LENGTHS_US = (0, HOUR_US, DAY_US, 7 * DAY_US, 30 * DAY_US, 50 * DAY_US, 90 * DAY_US)

edges = st.builds(
    lambda kept, length, by: kept - length + by,
    st.sampled_from(sorted(RETENTION_US.values())),
    st.sampled_from(LENGTHS_US),
    st.integers(-26 * HOUR_US, 26 * HOUR_US) | st.integers(-3_000_000, 3_000_000),
)
"""Ages at which the start or the end of a window, or a midnight within it, grows too old for a rung."""

ages = (st.integers(0, 400 * DAY_US) | edges).filter(lambda age: 0 <= age <= 400 * DAY_US)


@st.composite
def questions(draw: st.DrawFn) -> Question:
    """A window that the KPI has besides shorter ones, at an instant."""
    window = parse_window(draw(st.sampled_from(WINDOWS)), reckoning=draw(RECKONINGS))
    finest = draw(st.sampled_from([rung for rung in Rung if rung <= grain(window)]))
    zone, at = draw(places())
    return Question(window, at, finest, zone)


def years_asked(question: Question) -> Years:
    """The weeks and years that the question goes by."""
    return Years() if isinstance(question.window, Sliding) else years_of(question.window.reckoning)


def on_edge(at_us: int, rung: Rung, calendar: Calendar) -> bool:
    """Whether panes of *rung* begin at *at_us*."""
    return calendar.day_start(at_us) == at_us if rung is Rung.D1 else at_us % LENGTH_US[rung] == 0


@given(question=questions(), age=ages)
def test_the_panes_make_up_the_interval(question: Question, age: int) -> None:
    """Without gap or overlap, each run on the edges of its rung, none finer than the measure has."""
    found, calendar = plan(question, now_us=question.at_us + age), Calendar(question.zone)
    place = found.whole.start_us

    for span in found.spans:
        assert place == span.start_us < span.end_us
        assert on_edge(span.start_us, span.rung, calendar)
        assert on_edge(span.end_us, span.rung, calendar)
        assert span.rung >= question.finest
        place = span.end_us

    assert found.whole.end_us == place


@given(question=questions(), age=ages)
def test_every_pane_was_still_written(question: Question, age: int) -> None:
    """No pane is read that was too old to be written when its youngest event could come."""
    now = question.at_us + age

    spans = plan(question, now_us=now).spans

    assert all(now - span.start_us < WRITTEN_US[span.rung] for span in spans if span.rung is not Rung.D1)


@given(question=questions(), age=ages)
def test_the_interval_is_enough_and_no_more(question: Question, age: int) -> None:
    """It ends with the instant and is as long as the window, give or take the panes at its two ends."""
    whole = plan(question, now_us=question.at_us + age).whole
    window, at, day = question.window, question.at_us, Calendar(question.zone)

    if isinstance(window, Previous):
        end = day.period_start(window.period, at, reckoning=window.reckoning)
        start = day.period_start(window.period, end - 1, reckoning=window.reckoning)
    else:
        end = at
        start = whole.end_us - window.length_us if isinstance(window, Sliding) else whole.start_us
    assert end <= whole.end_us <= day.next_day_start(end) + HOUR_US
    assert min(day.day_start(start), start - HOUR_US) <= whole.start_us <= start
    if isinstance(window, ToDate):
        begun = day.period_start(window.period, at, reckoning=window.reckoning)
        assert whole.start_us <= begun
        assert whole.start_us == begun or window.period is Period.HOUR


@given(question=questions(), age=ages)
def test_the_oracle_agrees(question: Question, age: int) -> None:
    """The same interval by the rule's second statement."""
    now = question.at_us + age
    steps = {LENGTH_US[grain(parse_window(name))]: name for name in ("1m", "1h", "24h", "7d", "30d", "400d")}
    shortest = steps[LENGTH_US[question.finest]]

    expected = oracle.interval(
        question.window.name,
        siblings=[shortest, question.window.name],
        zone=question.zone,
        at=as_datetime(question.at_us),
        now=as_datetime(now),
        years=years_asked(question),
    )

    whole = plan(question, now_us=now).whole
    assert expected == (as_datetime(whole.start_us), as_datetime(whole.end_us))


@pytest.mark.parametrize(
    ("window", "zone", "ago", "start", "end"),
    [
        # The quarter that holds 12:06:21 began before minutes were dropped; its start alone is younger.
        ("5m", "UTC", timedelta(days=8, seconds=72), "2026-03-12T12:00Z", "2026-03-12T12:15Z"),
        ("1h", "UTC", timedelta(days=100, hours=2), "2025-12-10T00:00Z", "2025-12-11T00:00Z"),
        # Where midnight lies between two hours, days and hours do not join: days at both ends.
        ("30d", "Asia/Kolkata", timedelta(days=80), "2025-11-30T18:30Z", "2025-12-30T18:30Z"),
        ("30d", "UTC", timedelta(days=80), "2025-11-30T00:00Z", "2025-12-30T13:00Z"),
        # The day that reaches into the age of hours is told whole where midnight is between two.
        ("today", "Asia/Kolkata", timedelta(days=100, hours=-1), "2025-12-09T18:30Z", "2025-12-10T18:30Z"),
        ("today", "UTC", timedelta(days=100, hours=-1), "2025-12-10T00:00Z", "2025-12-10T14:00Z"),
    ],
)
def test_past(window: str, zone: str, ago: timedelta, start: str, end: str) -> None:
    """Further back than panes are kept, whole coarser ones stand for the window: asked at 12:07:33."""
    now = us("2026-03-20T12:07:33Z")
    at = now - round(ago.total_seconds()) * 1_000_000

    found = plan(Question(parse_window(window), at, Rung.S1, zone), now_us=now)

    assert (us(start), us(end)) == (found.whole.start_us, found.whole.end_us)
    assert found.spans


def test_past_a_clock_change_of_half_an_hour() -> None:
    """The first midnight may lie on the hour and the last one not: they are days at both ends, too."""
    at, now = us("2026-04-15T12:07:33Z"), us("2026-07-04T12:07:33Z")

    whole = plan(Question(parse_window("30d"), at, Rung.S1, "Australia/Lord_Howe"), now_us=now).whole

    assert (us("2026-03-16T13:00Z"), us("2026-04-15T13:30Z")) == (whole.start_us, whole.end_us)


def first_instant(low_us: int, high_us: int, holds: Callable[[int], bool]) -> int:
    """The first instant after *low_us* that *holds*, by halving; at *high_us* it does."""
    while high_us - low_us > 1:
        middle_us = (low_us + high_us) // 2
        low_us, high_us = (low_us, middle_us) if holds(middle_us) else (middle_us, high_us)
    return high_us


def some_pane(spans: tuple[Span, ...], where: float, calendar: Calendar) -> tuple[Rung, int]:
    """The rung and start of a pane of *spans*."""
    span = spans[int(where * (len(spans) - 1))]
    if span.rung is Rung.D1:
        return Rung.D1, calendar.day_start(span.start_us + int(where * (span.end_us - span.start_us - 1)))
    length = LENGTH_US[span.rung]
    return span.rung, span.start_us + int(where * ((span.end_us - span.start_us) // length - 1)) * length


@given(question=questions(), where=st.floats(0, 1), age=st.just(0) | st.sampled_from(LENGTHS_US))
def test_the_next_change(question: Question, where: float, age: int) -> None:
    """It is when the oldest pane stops being within the window as a whole, to the microsecond.

    Also where the instants follow the present at a distance.
    """
    at, calendar = question.at_us, Calendar(question.zone)
    spans = plan(question, now_us=at + age).spans
    if not spans:
        return
    pane = some_pane(spans, where, calendar)

    def has_left(later_us: int) -> bool:
        later = replace(question, at_us=later_us)
        return plan(later, now_us=later_us + age).whole.start_us > pane[1]

    change = stays_until(question, Answer(EMPTY, pane[1], None), now_us=at + age)

    assert change is not None
    assert not has_left(change)
    assert has_left(change + 1) or (
        isinstance(question.window, ToDate | Previous) and is_rounded(question, at + age)
    )


def is_rounded(question: Question, now: int) -> bool:
    """Whether panes longer than the period stand for it, which the next period may share."""
    window = question.window
    return not isinstance(window, Sliding) and window.period is Period.HOUR and now > question.at_us


@given(question=questions(), age=ages, before=st.integers(0, 2 * HOUR_US))
def test_earlier_is_what_the_oracle_says(question: Question, age: int, before: int) -> None:
    """The instant at which a window was one period earlier, and how long that distance stays."""
    calendar, zone = Calendar(question.zone), question.zone

    def expected(at_us: int) -> datetime:
        name, years = question.window.name, years_asked(question)
        return oracle.earlier(name, zone=zone, at=as_datetime(at_us), years=years)

    shift = earlier(question.window, question.at_us, calendar)

    assert expected(question.at_us) == as_datetime(shift.at_us)
    later = (
        question.at_us + age if shift.until_us is None else min(question.at_us + before, shift.until_us - 1)
    )
    moved = later - question.at_us if shift.is_moving else 0
    # Where the clocks jump over a time it rests meanwhile: then the distance grows, and nothing is missed.
    assert as_datetime(shift.at_us) <= expected(later) <= as_datetime(shift.at_us + moved)


@given(question=questions(), age=ages)
def test_the_time_a_rate_divides_by(question: Question, age: int) -> None:
    """The length of the window's name, or of the panes that stand for it; the oracle agrees."""
    now = question.at_us + age
    steps = {LENGTH_US[grain(parse_window(name))]: name for name in ("1m", "1h", "24h", "7d", "30d", "400d")}

    expected = oracle.measured(
        question.window.name,
        siblings=[steps[LENGTH_US[question.finest]], question.window.name],
        zone=question.zone,
        at=as_datetime(question.at_us),
        now=as_datetime(now),
        years=years_asked(question),
    )

    assert expected == timedelta(microseconds=measured_us(plan(question, now_us=now), question.zone, None))


def test_a_day_that_begins_between_hours_leaves_with_the_next_hour() -> None:
    """The start moves in whole hours of UTC: from 18:30Z the local day is cut at 19:00Z, not an hour on."""
    at, day = us("2026-03-20T12:00Z"), us("2026-03-18T18:30Z")
    question = Question(parse_window("30d"), at, Rung.S1, "Asia/Kolkata")

    assert us("2026-04-17T18:59:59Z") == stays_until(question, Answer(EMPTY, day, None), now_us=at)


def test_ahead_of_ingest() -> None:
    """An event from a clock hours ahead is waited for; one in the past of a past instant is not."""
    now, today = us("2026-03-20T12:07:33Z"), parse_window("today")
    live = plan(Question(today, now, Rung.S1, "UTC"), now_us=now)
    past = plan(Question(today, now - 1, Rung.S1, "UTC"), now_us=now)

    assert live.ahead == (Span(Rung.S1, now, now + DAY_US),)
    assert past.ahead == ()


@given(question=questions(), age=ages)
def test_what_follows_sees_everything_up_to_now(question: Question, age: int) -> None:
    """Whatever is counted between its end and now is in some pane after the end."""
    now, calendar = question.at_us + age, Calendar(question.zone)
    found = plan(replace(question, follows=True), now_us=now)
    place = found.whole.end_us

    for span in found.ahead:
        assert place == span.start_us < span.end_us
        assert on_edge(span.end_us, span.rung, calendar) or span.rung < Rung.D1
        place = span.end_us

    assert place > now + DAY_US


@given(question=questions(), age=ages, where=st.floats(0, 1))
def test_intervals_compose(question: Question, age: int, where: float) -> None:
    """Cut at any edge that panes have, the two parts are made up of panes, and together of the same ones."""
    now, calendar = question.at_us + age, Calendar(question.zone)
    whole = plan(question, now_us=now).whole
    spans = cover(whole, now_us=now, calendar=calendar)
    if not spans:
        return
    cut = some_pane(spans, where, calendar)[1]

    parts = [Interval(whole.start_us, cut, whole.finest), Interval(cut, whole.end_us, whole.finest)]
    covered = [span for part in parts for span in cover(part, now_us=now, calendar=calendar)]

    places = [whole.start_us, *(span.end_us for span in covered)]
    assert places[:-1] == [span.start_us for span in covered]
    assert places[-1] == whole.end_us


@given(
    place=places(),
    period=st.sampled_from(["this_week", "mtd", "qtd", "ytd"]),
    previous=st.sampled_from(["previous_week", "previous_month", "previous_quarter", "previous_year"]),
    reckoning=RECKONINGS,
)
def test_the_days_of_a_period_make_it_up(
    place: tuple[str, int], period: str, previous: str, reckoning: Reckoning
) -> None:
    """The yesterdays of a period follow each other without a gap, from its begin to the end of the period."""
    (zone, at), calendar = place, Calendar(place[0])
    wholes = {
        name: interval(
            parse_window(name, reckoning=reckoning), at, finest=Rung.M1, now_us=at, calendar=calendar
        )
        for name in (period, previous)
    }
    ends = {previous: wholes[previous].end_us, period: calendar.day_start(at)}

    for name, whole in wholes.items():
        day = ends[name]
        while day > whole.start_us:
            yesterday = plan(Question(parse_window("yesterday"), day, Rung.D1, zone), now_us=at).whole
            assert yesterday.start_us < yesterday.end_us == day
            day = yesterday.start_us

        assert day == whole.start_us
