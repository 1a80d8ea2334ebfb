"""Targets that change with time, and the share that a window has of an amount."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.calendars import Calendar, instant_us
from shared.domain.reckonings import Period, Reckoning
from shared.domain.targets import Phasing, Point, Step
from shared.domain.targets.schedules import on_line, spread, step_at
from tests.unit.domain.reckoned import RECKONINGS

BERLIN = Calendar("Europe/Berlin")
ONES = (Decimal(1),) * 7


def _us(text: str) -> int:
    return instant_us(datetime.fromisoformat(text).astimezone(UTC))


def _steps(*values: tuple[str, int | None]) -> tuple[Step, ...]:
    return tuple(
        Step(date.fromisoformat(day), None if value is None else Decimal(value)) for day, value in values
    )


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2025-12-31", None), ("2026-01-01", 10), ("2026-03-31", 10), ("2026-04-01", 20), ("2026-07-01", None)],
)
def test_steps(day: str, expected: int | None) -> None:
    """A step holds from its day until the next one begins; before the first, and after null, nothing does."""
    steps = _steps(("2026-01-01", 10), ("2026-04-01", 20), ("2026-07-01", None))

    found = step_at(steps, date.fromisoformat(day))

    assert (None if found is None else found.value) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-01T00:00:00+01:00", Fraction(100)),
        (
            "2026-03-15T12:00:00+01:00",
            Fraction(100) + Fraction(348 * 50, 743),
        ),  # 348 of 743 hours
        ("2026-04-01T00:00:00+02:00", Fraction(150)),
        ("2027-01-01T00:00:00+01:00", Fraction(150)),
        ("2026-02-28T23:59:59.999999+01:00", None),
    ],
)
def test_line(at: str, expected: Fraction | None) -> None:
    """A line goes evenly with the time that passes, a month of 743 hours too; then it stays."""
    points = (Point(date(2026, 3, 1), Decimal(100)), Point(date(2026, 4, 1), Decimal(150)))

    assert on_line(points, _us(at), BERLIN) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-01-01T00:00:00+01:00", "2026-02-01T00:00:00+01:00", Fraction(310)),
        ("2026-01-01T00:00:00+01:00", "2026-01-11T00:00:00+01:00", Fraction(100)),
        ("2026-01-01T00:00:00+01:00", "2026-01-01T06:00:00+01:00", Fraction(10, 4)),
        ("2026-01-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00", Fraction(310 * 2 + 620)),  # March: 620
        ("2026-02-28T12:00:00+01:00", "2026-03-01T12:00:00+01:00", Fraction(310, 56) + Fraction(620, 62)),
        # 16 days of January, February, March and April at the new amount, and May
        ("2026-01-16T00:00:00+01:00", "2026-06-01T00:00:00+02:00", Fraction(160 + 310 + 2 * 620 + 620)),
        ("2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", Fraction(20)),  # 23 hours are a day
        ("2026-01-05T00:00:00+01:00", "2026-01-05T00:00:00+01:00", Fraction(0)),
    ],
)
def test_even(start: str, end: str, expected: Fraction) -> None:
    """Each day of a month has the same part of its target, however many hours it has."""
    steps = _steps(("2025-01-01", 310), ("2026-03-01", 620))

    found = spread(steps, Phasing(Period.MONTH), _us(start), _us(end), BERLIN)

    assert found is not None
    assert found.value == expected


def test_weights() -> None:
    """Days count by their weights: that of the weekday by that of the month, or one of their own."""
    weekdays = (*ONES[:5], Decimal("0.5"), Decimal(0))
    phasing = Phasing(Period.WEEK, weekdays=weekdays, days=((date(2026, 1, 7), Decimal(3)),))

    shares = [
        spread(
            _steps(("2026-01-05", 150)), phasing,
            _us(f"2026-01-{day:02}T00:00:00+01:00"), _us(f"2026-01-{day + 1:02}T00:00:00+01:00"), BERLIN,
        )
        for day in range(5, 12)
    ]  # fmt: skip

    # 1 + 1 + 3 + 1 + 1 + 0.5 + 0 = 7.5 parts of 20
    assert [None if each is None else each.value for each in shares] == [20, 20, 60, 20, 20, 10, 0]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-31T12:00:00+02:00", "2026-04-02T00:00:00+02:00"),
        ("2026-07-01T00:00:00+02:00", "2026-07-02T00:00:00+02:00"),
    ],
)
def test_no_amount(start: str, end: str) -> None:
    """What touches a period without a target has none, even for the part that has one."""
    steps = _steps(("2026-04-01", 30), ("2026-07-01", None))

    assert spread(steps, Phasing(Period.MONTH), _us(start), _us(end), BERLIN) is None


def test_up_to_the_end() -> None:
    """A window that ends with the last period that has a target has all of it."""
    found = spread(
        _steps(("2026-04-01", 30), ("2026-05-01", None)), Phasing(Period.MONTH),
        _us("2026-04-01T00:00:00+02:00"), _us("2026-05-01T00:00:00+02:00"), BERLIN,
    )  # fmt: skip

    assert found is not None
    assert found.value == 30


@given(
    zone=st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia", "UTC"]),
    every=st.sampled_from([each for each in Period if each is not Period.HOUR]),
    weights=st.tuples(*[st.integers(0, 3).map(Decimal)] * 6, st.just(Decimal(1))),
    reckoning=RECKONINGS,
    edges=st.lists(
        st.integers(0, 500 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
        min_size=3, max_size=3, unique=True,
    ),
)  # fmt: skip
def test_shares_add_up(
    *, zone: str, every: Period, weights: tuple[Decimal, ...], reckoning: Reckoning, edges: list[timedelta]
) -> None:
    """The shares of two stretches, of which one follows the other, make that of both, exactly."""
    begin = datetime(2011, 8, 1, tzinfo=UTC)
    first, middle, last = (instant_us(begin + edge) for edge in sorted(edges))
    steps = (Step(date.min, Decimal(7)),)
    weights = ONES if every is Period.DAY else weights
    phasing, calendar = Phasing(every, reckoning, weekdays=weights), Calendar(zone)

    parts = [spread(steps, phasing, *edges, calendar) for edges in ((first, middle), (middle, last))]
    whole = spread(steps, phasing, first, last, calendar)

    assert whole is not None
    assert sum(part.value for part in parts if part is not None) == whole.value
