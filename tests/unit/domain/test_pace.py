"""How a period is going, and what it will come to."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendars import Calendar, instant_us
from shared.domain.pace import (
    Earlier,
    Projection,
    ProjectionMethod,
    Reason,
    Span,
    expected_evenly,
    projected,
    rate_per_day,
    required_per_day,
    same_points,
    span_of,
)
from shared.domain.reckonings import Period
from shared.domain.targets import Direction
from shared.domain.windows import DAY_US, ToDate

BERLIN = Calendar("Europe/Berlin")
MONTH = ToDate("mtd", Period.MONTH)
AMOUNTS = st.integers(1, 10**6).map(Decimal)


def _us(text: str) -> int:
    return instant_us(datetime.fromisoformat(text).astimezone(UTC))


def _earlier(done: int | None, total: int | None) -> Earlier:
    return Earlier(0, 1, None if done is None else Decimal(done), None if total is None else Decimal(total))


TEN_OF_30 = Span(0, 30 * DAY_US, 10 * DAY_US)


@pytest.mark.parametrize(
    ("end", "now", "until"),
    [
        ("2026-03-10T12:15:00+01:00", "2026-03-10T12:03:00+01:00", "2026-03-10T12:03:00+01:00"),
        ("2026-03-10T12:15:00+01:00", "2026-05-01T00:00:00+02:00", "2026-03-10T12:15:00+01:00"),
        ("2026-04-01T00:45:00+02:00", "2026-05-01T00:00:00+02:00", "2026-04-01T00:00:00+02:00"),
        ("2026-03-01T00:00:00+01:00", "2026-02-28T23:59:00+01:00", "2026-03-01T00:00:00+01:00"),
    ],
)
def test_spans(end: str, now: str, until: str) -> None:
    """A period is over up to where events may have come: not beyond the present, the window or itself."""
    start_us = _us("2026-03-01T00:00:00+01:00")

    found = span_of(MONTH, start_us, _us(end), now_us=_us(now), calendar=BERLIN)

    assert found == Span(start_us, _us("2026-04-01T00:00:00+02:00"), _us(until))


def test_same_points() -> None:
    """Each earlier period is looked at as far into it, by the clock, or at its end where it is shorter."""
    at_us = _us("2026-05-31T12:00:00+02:00")

    found = same_points(MONTH, at_us, BERLIN, since_us=_us("2026-01-15T00:00:00+01:00"))

    expected = [
        ("2026-04-01T00:00:00+02:00", "2026-05-01T00:00:00+02:00", None),
        ("2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", "2026-03-31T12:00:00+02:00"),
        ("2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00", None),
    ]
    assert found == [
        (_us(begin), _us(end), _us(end) - 1 if point is None else _us(point))
        for begin, end, point in expected
    ]


@pytest.mark.parametrize(
    ("earlier", "value", "low", "high"),
    [
        ([(50, 100), (150, 300)], "160", "160", "160"),  # half of 400
        ([(20, 100), (80, 100)], "160", "100", "400"),  # half of 200; alone 0.8 and 0.2
        ([(0, 100), (80, 100)], "200", "100", None),  # 80 of 200; the first had nothing by then
        ([(50, 100), (None, 7), (50, 100), (9, None), (9, 0), (9, 3)], "160", "160", "160"),
    ],
)
def test_seasonal(
    earlier: list[tuple[int | None, int | None]], value: str, low: str, high: str | None
) -> None:
    """The projection goes by the share of all their totals that earlier periods had; others are left out."""
    found = projected(Decimal(80), TEN_OF_30, [_earlier(*each) for each in earlier])

    ends = Decimal(low), None if high is None else Decimal(high)
    assert found == Projection(Decimal(value), ProjectionMethod.SEASONAL, Reason.EARLIER_PERIODS, *ends)


@pytest.mark.parametrize("earlier", [[], [(50, 100)], [(0, 100), (0, 50)], [(5, 100), (None, 50), (9, 3)]])
def test_run_rate(earlier: list[tuple[int | None, int | None]]) -> None:
    """With fewer than two earlier periods, or none that had anything by then, time is gone by."""
    found = projected(Decimal(80), TEN_OF_30, [_earlier(*each) for each in earlier])

    assert found == Projection(Decimal(240), ProjectionMethod.RUN_RATE, Reason.TOO_FEW_PERIODS)


def test_nothing_to_project() -> None:
    """Of no data, and of no time at all, nothing is said."""
    begun = Span(0, DAY_US, 0)

    assert projected(None, TEN_OF_30, []) == Projection(None, None, Reason.NO_DATA)
    assert projected(Decimal(0), begun, []) == Projection(None, None, Reason.JUST_BEGUN)
    assert rate_per_day(Decimal(3), begun) is None
    assert expected_evenly(Decimal(3), begun) == 0


@pytest.mark.parametrize(
    ("value", "direction", "expected"),
    [("80", "up", "1"), ("100", "up", "0"), ("130", "up", "0"), ("80", "down", "1"), ("130", "down", "-1.5")],
)
def test_required(value: str, direction: str, expected: str) -> None:
    """What has to come a day for the rest of 20; what is reached needs no more, too much stays too much."""
    found = required_per_day(Decimal(value), Decimal(100), TEN_OF_30, Direction(direction))

    assert found == Decimal(expected)


def test_over() -> None:
    """At the end of a period it comes to what it is, and nothing more can be required."""
    over = Span(0, DAY_US, DAY_US)

    assert projected(Decimal(7), over, [_earlier(1, 2), _earlier(1, 2)]).value == 7
    assert required_per_day(Decimal(7), Decimal(9), over, Direction.UP) is None


@given(value=AMOUNTS, passed=st.integers(1, 29), target=AMOUNTS)
def test_required_reaches(value: Decimal, passed: int, target: Decimal) -> None:
    """Who goes on at the required rate reaches the target just; who goes on as before, the projection."""
    span = Span(0, 30 * DAY_US, passed * DAY_US)
    left = 30 - passed
    required = required_per_day(value, target, span, Direction.DOWN)
    rate = rate_per_day(value, span)
    assert required is not None
    assert rate is not None

    end = Fraction(projected(value, span, []).value or 0)
    assert abs(Fraction(value) + Fraction(required) * left - Fraction(target)) < Fraction(1, 10**20)
    assert abs(Fraction(value) + Fraction(rate) * left - end) < Fraction(1, 10**20)


@given(
    value=AMOUNTS,
    shares=st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 1000)), min_size=2, max_size=8),
)
def test_between_the_extremes(value: Decimal, shares: list[tuple[int, int]]) -> None:
    """A projection lies between what the earlier periods that were furthest and least far would make it."""
    found = projected(value, TEN_OF_30, [_earlier(done, done + rest) for done, rest in shares])

    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    slack = Decimal("1e-20")
    assert value <= found.low + slack <= found.value + 2 * slack <= found.high + 3 * slack
