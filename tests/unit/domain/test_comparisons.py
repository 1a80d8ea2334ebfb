"""What a value is compared with, and how it stands to it."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendars import Calendar, as_datetime
from shared.domain.comparisons import (
    Against,
    Alignment,
    Change,
    Judgement,
    are_alike,
    change,
    compared_at,
    excess_us,
    judgement,
)
from shared.domain.targets import Direction
from shared.domain.windows import (
    CALENDAR_WINDOWS,
    DAY_US,
    HOUR_US,
    earlier,
    grain,
    interval,
    parse_window,
)
from tests.unit.domain.test_calendars import us

HOUR = parse_window("1h")
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",
)

instants = st.integers(us("2009-01-01T00:00Z"), us("2031-01-01T00:00Z"))
values = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9)


@pytest.mark.parametrize(
    ("against", "align", "at", "before"),
    [
        ("last_week", "date", "2026-03-11T10:15Z", "2026-03-04T10:15Z"),
        # New York: 12:00 EDT is 16:00Z; the week before it was EST, and 12:00 was 17:00Z
        ("last_week", "date", "2026-03-11T16:00Z", "2026-03-04T17:00Z"),
        ("last_month", "date", "2026-03-31T16:00Z", "2026-02-28T17:00Z"),  # to the last of February
        ("last_month", "date", "2024-03-31T16:00Z", "2024-02-29T17:00Z"),
        ("last_month", "date", "2026-01-15T12:00Z", "2025-12-15T12:00Z"),
        ("last_year", "date", "2024-02-29T12:00Z", "2023-02-28T12:00Z"),
        ("last_year", "date", "2025-02-28T12:00Z", "2024-02-28T12:00Z"),
        ("last_month", "weekday", "2026-03-31T16:00Z", "2026-03-03T17:00Z"),  # Tuesday, 28 days
        ("last_year", "weekday", "2026-03-31T16:00Z", "2025-04-01T16:00Z"),  # Tuesday, 364 days
        ("last_week", "weekday", "2026-03-31T16:00Z", "2026-03-24T16:00Z"),
        ("previous", "weekday", "2026-03-31T16:00Z", "2026-03-31T15:00Z"),  # the hour before
        # 02:30 on 8 March 2026 does not exist in New York: the clocks jump from 02:00 EST, 07:00Z
        ("last_week", "date", "2026-03-15T06:30Z", "2026-03-08T07:00Z"),
        # 01:30 on 1 November 2026 is there twice, 05:30Z and 06:30Z
        ("last_week", "date", "2026-11-08T06:30Z", "2026-11-01T05:30Z"),
        ("last_week", "date", "2026-11-01T06:30Z", "2026-10-25T05:30Z"),  # from the second of both
    ],
)
def test_instants(against: str, align: str, at: str, before: str) -> None:
    """A week, a month or a year before, the clocks of the zone show the same time, if they ever do."""
    zone = "America/New_York" if not at.endswith("10:15Z") else "UTC"

    found = compared_at(Against(against), HOUR, us(at), Calendar(zone), align=Alignment(align))

    assert as_datetime(us(before)) == as_datetime(found)


@given(at_us=instants, zone=st.sampled_from(ZONES), against=st.sampled_from(list(Against)[1:]))
def test_weekdays_meet(at_us: int, zone: str, against: Against) -> None:
    """Aligned by weekday, what is compared is the same day of the week, whole weeks before."""
    calendar = Calendar(zone)

    found = compared_at(against, HOUR, at_us, calendar, align=Alignment.WEEKDAY)

    days = calendar.local(at_us).date() - calendar.local(found).date()
    weeks = {Against.LAST_WEEK: 1, Against.LAST_MONTH: 4, Against.LAST_YEAR: 52}[against]
    assert days == timedelta(weeks=weeks)


@given(at_us=instants, zone=st.sampled_from(ZONES), against=st.sampled_from(list(Against)))
def test_always_earlier(at_us: int, zone: str, against: Against) -> None:
    """What a value is compared with lies before it, and a month or a year is as long as there are."""
    found = compared_at(against, HOUR, at_us, Calendar(zone))

    hours = {
        Against.PREVIOUS: (1, 1),
        Against.LAST_WEEK: (7 * 24 - 1, 7 * 24 + 1),
        Against.LAST_MONTH: (28 * 24 - 1, 31 * 24 + 1),
        Against.LAST_YEAR: (365 * 24 - 1, 366 * 24 + 1),
    }[against]
    assert timedelta(hours=hours[0]) <= as_datetime(at_us) - as_datetime(found) <= timedelta(hours=hours[1])


@given(
    at_us=instants,
    zone=st.sampled_from(ZONES),
    name=st.sampled_from(("5m", "24h", "30d", *CALENDAR_WINDOWS)),
    align=st.sampled_from(Alignment),
)
def test_previous_is_prev(at_us: int, zone: str, name: str, align: Alignment) -> None:
    """The period before is the one that `prev` reads in a formula."""
    window, calendar = parse_window(name), Calendar(zone)

    assert (
        compared_at(Against.PREVIOUS, window, at_us, calendar, align=align)
        == earlier(window, at_us, calendar).at_us
    )


def test_microseconds() -> None:
    """The time of the day is kept to the microsecond."""
    at_us = us("2026-03-11T10:15Z") + 123_457

    found = compared_at(Against.LAST_MONTH, HOUR, at_us, Calendar("UTC"))

    assert found == us("2026-02-11T10:15Z") + 123_457


@given(
    at_us=instants,
    zone=st.sampled_from(ZONES),
    names=st.lists(st.sampled_from(("5m", "1h", "24h", "30d", *CALENDAR_WINDOWS)), min_size=1, max_size=3),
    days=st.integers(0, 400),
)
def test_never_too_short(at_us: int, zone: str, names: list[str], days: int) -> None:
    """What stands for a window is as long as the window, or longer by what rounding adds at both ends."""
    window, calendar = parse_window(names[0]), Calendar(zone)
    finest = min(grain(parse_window(name)) for name in names)
    whole = interval(window, at_us, finest=finest, now_us=at_us + days * DAY_US, calendar=calendar)

    excess = excess_us(window, at_us, whole.start_us, whole.end_us, calendar)

    assert 0 <= excess <= 50 * HOUR_US
    assert are_alike(whole.end_us - whole.start_us, excess, excess)


@pytest.mark.parametrize(
    ("name", "at", "start", "end", "hours"),
    [
        ("24h", "2026-03-11T10:15Z", "2026-03-10T10:15Z", "2026-03-11T10:15Z", 0),
        ("24h", "2026-03-11T10:15Z", "2026-03-10T00:00Z", "2026-03-12T00:00Z", 24),
        ("today", "2026-03-11T10:00Z", "2026-03-11T00:00Z", "2026-03-12T00:00Z", 14),
        ("mtd", "2026-03-11T10:00Z", "2026-03-01T00:00Z", "2026-03-11T11:00Z", 1),
        ("previous_month", "2026-03-11T10:00Z", "2026-02-01T00:00Z", "2026-03-01T00:00Z", 0),
        ("previous_hour", "2026-03-11T10:20Z", "2026-03-11T00:00Z", "2026-03-12T00:00Z", 23),
    ],
)
def test_excess(name: str, at: str, start: str, end: str, hours: int) -> None:
    """A window of whole panes is too long by what lies outside of it."""
    found = excess_us(parse_window(name), us(at), us(start), us(end), Calendar("UTC"))

    assert found == hours * HOUR_US


@pytest.mark.parametrize(
    ("length", "excess", "other", "alike"),
    [
        (100, 5, 0, True),
        (100, 6, 0, False),
        (100, 0, 6, False),
        (100, 80, 76, True),
        (0, 0, 0, True),
        (0, 0, 1, False),
    ],
)
def test_alike(length: int, excess: int, other: int, *, alike: bool) -> None:
    """Windows may be too long by amounts that differ by a twentieth of their length."""
    assert are_alike(length, excess, other) is alike


@pytest.mark.parametrize(
    ("value", "base", "absolute", "relative"),
    [
        ("12", "10", "2", "0.2"),
        ("8", "10", "-2", "-0.2"),
        ("-8", "-10", "2", "0.2"),  # up is up, whatever the sign of the base
        ("-12", "-10", "-2", "-0.2"),
        ("5", "-10", "15", "1.5"),
        ("3", "0", "3", None),
        ("0", "0.00", "0.00", None),
        ("0", "4", "-4", "-1"),
        ("1", "3", "-2", "-0.6666666666666666666666666666666667"),
        (
            "1234567890123456789012345678901234567890.5",
            "1",
            "1234567890123456789012345678901234567889.5",
            "1.234567890123456789012345678901235E+39",
        ),
    ],
)
def test_change(value: str, base: str, absolute: str, relative: str | None) -> None:
    """A change is exact; relative to the size of the base it keeps its sign, and to 0 there is none."""
    found = change(Decimal(value), Decimal(base))

    assert found is not None
    assert Decimal(absolute) == found.absolute
    assert found.relative == (None if relative is None else Decimal(relative))


def test_extremes() -> None:
    """The largest number that a formula may yield, over the smallest, is still a number."""
    found = change(Decimal("9E+6144"), Decimal("1E-6143"))

    assert found is not None
    assert found.relative == Decimal("9E+12287")


@pytest.mark.parametrize(("value", "base"), [(None, "1"), ("1", None), (None, None)])
def test_nothing_to_compare(value: str | None, base: str | None) -> None:
    """Without one of the values there is no change, and neither better nor worse."""
    one, other = (None if text is None else Decimal(text) for text in (value, base))

    assert change(one, other) is None
    assert judgement(one, other, direction=Direction.UP, target=None) is None


@given(value=values, base=values)
def test_change_law(value: Decimal, base: Decimal) -> None:
    """The base and the change make the value; both changes have the same sign."""
    found = change(value, base)

    assert isinstance(found, Change)
    assert Fraction(base) + Fraction(found.absolute) == Fraction(value)
    assert (found.relative is None) is (base == 0)
    if found.relative is not None:
        exact = Fraction(found.absolute) / abs(Fraction(base))
        assert abs(Fraction(found.relative) - exact) <= abs(exact) * Fraction(1, 10**33)


@pytest.mark.parametrize(
    ("direction", "value", "base", "target", "expected"),
    [
        ("up", "2", "1", None, "better"),
        ("up", "1", "2", None, "worse"),
        ("up", "1.0", "1.00", None, "same"),
        ("down", "1", "2", None, "better"),
        ("down", "2", "1", "9", "worse"),
        ("band", "19", "22", "20", "better"),  # 1 off, was 2
        ("band", "23", "22", "20", "worse"),  # 3 off, was 2
        ("band", "18", "22", "20", "same"),  # 2 off on the other side
        ("band", "18", "22", None, None),
    ],
)
def test_judgement(
    *, direction: str, value: str, base: str, target: str | None, expected: str | None
) -> None:
    """Better is what the direction says; in a band, what is nearer to the target."""
    found = judgement(
        Decimal(value),
        Decimal(base),
        direction=Direction(direction),
        target=None if target is None else Decimal(target),
    )

    assert found == (None if expected is None else Judgement(expected))


@given(value=values, base=values, target=values, direction=st.sampled_from(Direction))
def test_judgement_law(value: Decimal, base: Decimal, target: Decimal, direction: Direction) -> None:
    """What is better one way round is worse the other way round."""
    turned = {Judgement.BETTER: Judgement.WORSE, Judgement.WORSE: Judgement.BETTER}
    there = judgement(value, base, direction=direction, target=target)
    back = judgement(base, value, direction=direction, target=target)

    assert there is not None
    assert back == turned.get(there, there)
