"""Where a KPI is heading, and how sure that is."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import combinations, pairwise, permutations
from statistics import NormalDist, median

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.domain.calendars import Calendar, as_datetime
from shared.domain.comparisons import Judgement
from shared.domain.reckonings import Period
from shared.domain.targets import Direction
from shared.domain.trends import Course, Point, Trend, apart, share_events, significance, slope_per_day, trend
from shared.domain.windows import CALENDAR_WINDOWS, ToDate, earlier, parse_window
from tests.unit.domain.test_calendars import us

START = datetime(2026, 3, 1, tzinfo=UTC)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",
)

values = st.decimals(-1000, 1000, places=2, allow_nan=False)
histories = st.lists(st.none() | values, max_size=40)


def decimals(*numbers: float | str | None) -> list[Decimal | None]:
    """*numbers* as values of points."""
    return [None if number is None else Decimal(str(number)) for number in numbers]


def numbers_of(*texts: float | str) -> list[Decimal]:
    """*texts* as values."""
    return [Decimal(str(text)) for text in texts]


def a_trend(
    found: Sequence[Decimal | None],
    *,
    step: timedelta = timedelta(days=1),
    direction: Direction = Direction.UP,
    target: Decimal | None = None,
) -> Trend:
    """The trend of values that are *step* apart."""
    instants = [START + step * number for number in range(len(found))]
    return trend(instants, found, direction=direction, target=target)


@pytest.mark.parametrize(
    ("found", "step", "slope"),
    [
        (numbers_of(1, 3, 5, 7), timedelta(days=1), 2.0),
        (numbers_of(1, 3, 5, 7), timedelta(hours=1), 48.0),
        (numbers_of(1, 3, 500, 7), timedelta(days=1), 2.0),  # -493, 2, 2, 2, 249.5, 497
        (numbers_of(1, 4, 6), timedelta(days=1), 2.5),  # 2, 2.5, 3
        (numbers_of(10**17, 10**17 + 1), timedelta(days=1), 1.0),  # floats of that size are 16 apart
        (numbers_of("1E+300", "-1E+300"), timedelta(days=1), None),
        (numbers_of("1E+5000", 1), timedelta(days=1), None),
        (numbers_of(4), timedelta(days=1), None),
        ([], timedelta(days=1), None),
    ],
)
def test_slope(found: list[Decimal], step: timedelta, slope: float | None) -> None:
    """The slope is the median of those between any two points, per day."""
    points = [Point(START + step * number, value) for number, value in enumerate(found)]

    assert slope == slope_per_day(points)


@given(st.lists(values, min_size=2, max_size=30), st.integers(1, 10**6))
def test_slope_law(found: list[Decimal], step_s: int) -> None:
    """The slope is what a plain median of fractions gives."""
    points = [Point(START + timedelta(seconds=step_s * n), value) for n, value in enumerate(found)]
    expected = median(
        Fraction(b.value - a.value) * 86_400 / (step_s * (j - i))
        for (i, a), (j, b) in combinations(enumerate(points), 2)
    )

    assert slope_per_day(points) == pytest.approx(float(expected), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("found", "p_value"),
    [
        # S = 28, var = 8 * 7 * 21 / 18 = 65.33: z = 27 / 8.083 = 3.3405
        (range(8), 0.000836),
        # of 10: S = 45, var = 125, z = 44 / 11.18 = 3.9355
        (range(10), 0.0000831),
        # four pairs are equal: S = 24, var = (1176 - 4 * 18) / 18 = 61.33, z = 23 / 7.832 = 2.9368
        ((1, 1, 2, 2, 3, 3, 4, 4), 0.003316),
        ((5,) * 8, 1.0),
        # 10 rise, 6 fall: S = 4, var = (1176 - 2 * 156) / 18 = 48, z = 3 / 6.928 = 0.433
        ((1, 2) * 4, 0.6650),
        (range(7), None),
    ],
)
def test_significance(found: Sequence[int], p_value: float | None) -> None:
    """The significance is that of Mann and Kendall, with ties; none is told of fewer than eight values."""
    got = significance(numbers_of(*found))

    assert got == (p_value if p_value is None else pytest.approx(p_value, rel=2e-3))


def plain_s(order: Sequence[int]) -> int:
    """Kendall's S of *order*, counted pair by pair."""
    return sum((b > a) - (b < a) for a, b in combinations(order, 2))


@pytest.mark.parametrize(
    "drawn", [(1, 1, 1, 1, 2, 2, 2, 2), (1, 1, 1, 1, 1, 2, 3, 3), (1, 1, 1, 1, 1, 1, 2, 3, 3)], ids=str
)
def test_ties(drawn: Sequence[int]) -> None:
    """Of values with ties, S varies over all their orders as much as the correction says."""
    orders = sorted(set(permutations(drawn[1:])))
    orders = [(*order[:place], drawn[0], *order[place:]) for order in orders for place in range(len(drawn))]
    scores = {order: plain_s(order) for order in orders}
    deviation = (sum(score**2 for score in scores.values()) / len(scores)) ** 0.5
    for order, score in scores.items():
        told = 2 * (1 - NormalDist().cdf(max(abs(score) - 1, 0) / deviation))

        assert significance(numbers_of(*order)) == pytest.approx(told, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("n", [8, 9, 12, 20])
def test_close_to_the_truth(n: int) -> None:
    """Of different values, the significance is the share of orders that are as clear, 0.0123 off at worst.

    How many orders have so many pairs that fall is counted by adding one value after the other.
    """
    falling = [1]
    for size in range(2, n + 1):
        grown = range(len(falling) + size - 1)
        falling = [sum(falling[max(k - size + 1, 0) : k + 1]) for k in grown]
    most = len(falling) - 1
    for falls in range(most // 2 + 1):
        exact = min(2 * sum(falling[: falls + 1]) / math.factorial(n), 1)
        order = _with_falls(n, falls)

        assert plain_s(order) == most - 2 * falls
        assert significance(numbers_of(*order)) == pytest.approx(exact, abs=0.013)


def _with_falls(n: int, falls: int) -> list[int]:
    """An order of *n* values in which so many pairs fall: each is put as far to the front as is left."""
    order = list[int]()
    for value in range(n):
        jumps = min(falls, len(order))
        order.insert(len(order) - jumps, value)
        falls -= jumps
    return order


@given(st.lists(values, min_size=8, max_size=30))
def test_turned_upside_down(found: list[Decimal]) -> None:
    """A history turned upside down, or told backwards, heads the other way, just as surely."""
    there, down, back = a_trend(found), a_trend([-value for value in found]), a_trend(found[::-1])
    turned = {Course.RISING: Course.FALLING, Course.FALLING: Course.RISING}

    assert there.p_value == down.p_value == back.p_value
    assert down.course == back.course == turned.get(there.course, there.course)


@given(st.lists(values, min_size=8, max_size=30), st.integers(1, 99), values)
def test_units_do_not_matter(found: list[Decimal], factor: int, added: Decimal) -> None:
    """Told in other units a history is as sure, and its slope that much steeper."""
    one, other = a_trend(found), a_trend([value * factor + added for value in found])

    assert (one.course, one.p_value, one.percentile) == (other.course, other.p_value, other.percentile)
    assert other.slope_per_day == pytest.approx(factor * (one.slope_per_day or 0), rel=1e-9, abs=1e-7)


@pytest.mark.parametrize(
    ("found", "course"),
    [
        (decimals(*range(8)), Course.RISING),
        (decimals(*range(8, 0, -1)), Course.FALLING),
        (decimals(*[3] * 9), Course.STEADY),
        (decimals(1, 9, 2, 8, 3, 7, 4, 6), Course.STEADY),
        (decimals(*range(7)), Course.UNKNOWN),
        (decimals(None, *range(7), None), Course.UNKNOWN),
        (decimals(None, *range(5), None, *range(5, 8)), Course.RISING),
        ([], Course.UNKNOWN),
    ],
)
def test_course(found: list[Decimal | None], course: Course) -> None:
    """Only a significant trend of at least eight values has a course; what is missing is left out."""
    assert a_trend(found).course is course


@pytest.mark.parametrize(
    ("direction", "target", "found", "judgement"),
    [
        (Direction.UP, None, decimals(*range(9)), Judgement.BETTER),
        (Direction.DOWN, None, decimals(*range(9)), Judgement.WORSE),
        (Direction.DOWN, None, decimals(*range(9, 0, -1)), Judgement.BETTER),
        (Direction.DOWN, None, decimals(*[1] * 9), Judgement.SAME),
        (Direction.UP, None, decimals(1, 2), None),
        (Direction.BAND, Decimal(9), decimals(*range(9)), Judgement.BETTER),
        (Direction.BAND, Decimal(0), decimals(*range(9)), Judgement.WORSE),
        (Direction.BAND, Decimal(5), decimals(*range(11)), Judgement.SAME),  # it crosses the target
        (Direction.BAND, None, decimals(*range(9)), None),
    ],
)
def test_judgement(
    direction: Direction, target: Decimal | None, found: list[Decimal | None], judgement: Judgement | None
) -> None:
    """A course is for the better or the worse by the direction; of a band, if it leads to the target."""
    assert a_trend(found, direction=direction, target=target).judgement is judgement


@pytest.mark.parametrize(
    ("direction", "target", "best", "worst"),
    [
        (Direction.UP, None, (3, 9), (4, -2)),
        (Direction.DOWN, None, (4, -2), (3, 9)),
        (Direction.BAND, Decimal(5), (5, 5), (4, -2)),
        (Direction.BAND, None, None, None),
    ],
)
def test_extremes(
    direction: Direction,
    target: Decimal | None,
    best: tuple[int, int] | None,
    worst: tuple[int, int] | None,
) -> None:
    """The best and the worst follow the direction; of equal ones the latest is told."""
    found = a_trend(decimals(9, 5, None, 9, -2, 5), direction=direction, target=target)

    told = [None if p is None else ((p.at - START).days, int(p.value)) for p in (found.best, found.worst)]
    assert told == [best, worst]


@pytest.mark.parametrize(
    ("found", "percentile"),
    [
        (decimals(1, 2, 3, 4), "1"),
        (decimals(4, 3, 2, 1), "0"),
        (decimals(1, 2, 3, 2), "0.6666666666666666666666666666666667"),  # 1 and 2, of three
        (decimals(1, None, 3, 2), "0.5"),
        (decimals(1, 2, None), None),
        (decimals(None, 2), None),
        (decimals(2), None),
        ([], None),
    ],
)
def test_percentile(found: list[Decimal | None], percentile: str | None) -> None:
    """The percentile is the share of earlier values at or below the newest one."""
    assert a_trend(found).percentile == (None if percentile is None else Decimal(percentile))


@given(histories, st.sampled_from(Direction), values)
def test_any_history(found: list[Decimal | None], direction: Direction, target: Decimal) -> None:
    """Whatever the values, what is told is told of them."""
    told = a_trend(found, direction=direction, target=target)
    known = [value for value in found if value is not None]

    assert told.n == len(known)
    assert (told.best is None) is (told.worst is None) is (not known)
    assert told.p_value is None or 0 <= told.p_value <= 1
    assert told.percentile is None or 0 <= told.percentile <= 1
    assert told.slope_per_day is None or math.isfinite(told.slope_per_day)


@given(
    at_us=st.integers(us("2009-01-01T00:00Z"), us("2031-01-01T00:00Z")),
    zone=st.sampled_from(ZONES),
    name=st.sampled_from(("5m", "24h", "30d", *CALENDAR_WINDOWS)),
    most=st.integers(1, 30),
    days=st.integers(0, 400),
)
def test_apart(at_us: int, zone: str, name: str, most: int, days: int) -> None:
    """Instants end with the one asked for, as prev goes back from it; each is of another period."""
    window, calendar, since_us = parse_window(name), Calendar(zone), at_us - days * 86_400_000_000

    found = apart(window, at_us, calendar, since_us=since_us, most=most)

    assert found[-1] == at_us
    assert 1 <= len(found) <= most
    assert found[0] >= since_us
    assert found == sorted(set(found))
    if len(found) > 1:
        assert found[-2] == earlier(window, at_us, calendar).at_us
    if isinstance(window, ToDate):
        starts = [calendar.period_start(window.period, each) for each in found]
        assert all(calendar.next_period_start(window.period, a) == b for a, b in pairwise(starts))


@given(
    at_us=st.integers(us("2009-01-01T00:00Z"), us("2031-01-01T00:00Z")),
    zone=st.sampled_from(ZONES),
    name=st.sampled_from(("1h", "7d", *CALENDAR_WINDOWS)),
)
def test_none_is_left_out(at_us: int, zone: str, name: str) -> None:
    """There are as many instants as fit: the next one would be too old, or one too many."""
    window, calendar, since_us = parse_window(name), Calendar(zone), at_us - 60 * 86_400_000_000

    found = apart(window, at_us, calendar, since_us=since_us, most=20)

    assume(len(found) < 20)
    longer = apart(window, at_us, calendar, since_us=0, most=len(found) + 1)
    assert longer[1:] == found
    assert longer[0] < since_us


@pytest.mark.parametrize(
    ("edges_h", "is_shared"),
    [
        ([(0, 24), (24, 48)], False),
        ([(0, 24), (23, 48)], False),  # an hour of 25: less than a twentieth
        ([(0, 24), (22, 48)], True),
        ([(0, 24), (24, 48), (30, 54)], True),
        ([(0, 24), (48, 72)], False),
        ([(0, 9), (0, 15)], True),  # two instants of one day to date
        ([(0, 0), (0, 24)], False),
        ([(0, 24)], False),
        ([], False),
    ],
)
def test_share_events(edges_h: list[tuple[int, int]], *, is_shared: bool) -> None:
    """Neighbours share events if they overlap by more than a twentieth."""
    hour = timedelta(hours=1)

    assert share_events([(START + hour * a, START + hour * b) for a, b in edges_h]) is is_shared


def test_the_last_of_each_month() -> None:
    """A day that some months do not have is their last one there, and itself again in the months before."""
    window, calendar = parse_window("mtd"), Calendar("UTC")

    found = apart(window, us("2026-05-31T12:00Z"), calendar, since_us=0, most=5)

    days = [as_datetime(at_us).date().isoformat() for at_us in found]
    assert days == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]


def test_hours_of_a_clock_change() -> None:
    """An hour to date is as far into every hour before, half hours of a clock change included."""
    calendar = Calendar("Australia/Lord_Howe")
    at_us = us("2026-04-04T16:20Z")
    window = parse_window("this_hour")

    found = apart(window, at_us, calendar, since_us=at_us - 4 * 3_600_000_000, most=9)

    starts = [calendar.period_start(Period.HOUR, each) for each in found]
    ends = [calendar.next_period_start(Period.HOUR, each) for each in found]
    far = at_us - starts[-1]
    assert found == [min(a + far, b - 1) for a, b in zip(starts, ends, strict=True)]
