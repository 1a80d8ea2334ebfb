"""Scores on one scale, and what several come to."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.scores import (
    AT_RED_FLAG,
    AT_TARGET,
    BEST,
    Part,
    RollUp,
    Total,
    rolled_up,
    score,
    to_places,
)
from shared.domain.targets import Direction

numbers = st.decimals(min_value=-10_000, max_value=10_000, places=3)
lengths = st.decimals(min_value="0.001", max_value=10_000, places=3)
steep = st.sampled_from([Direction.UP, Direction.DOWN])
scores = st.none() | st.fractions(min_value=0, max_value=100, max_denominator=1000)
weights = st.fractions(min_value=0, max_value=50, max_denominator=10)
parts = st.lists(st.builds(Part, scores, weights), max_size=8)


def _signed(direction: Direction) -> int:
    return 1 if direction is Direction.UP else -1


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@pytest.mark.parametrize(
    ("direction", "value", "target", "warning", "tolerance", "expected"),
    [
        ("up", "300", "700", "500", None, 0),  # the width is 200: 700 - 2 * 200
        ("up", "500", "700", "500", None, AT_RED_FLAG),
        ("up", "600", "700", "500", None, 50),
        ("up", "700", "700", "500", None, AT_TARGET),
        ("up", "900", "700", "500", None, 100),
        ("up", "901", "700", "500", None, 100),
        ("up", "299", "700", "500", None, 0),
        ("down", "5", "5", "10", None, AT_TARGET),
        ("down", "10", "5", "10", None, AT_RED_FLAG),
        ("down", "0", "5", "10", None, 100),
        ("down", "15", "5", "10", None, 0),
        ("up", "0", "80", None, None, 0),  # without a warning: half of the target makes a third
        ("up", "40", "80", None, None, AT_RED_FLAG),
        ("up", "120", "80", None, None, 100),
        ("down", "160", "80", None, None, 0),
        ("up", "-40", "-80", None, None, 100),
        ("down", "0", "0", None, None, AT_TARGET),
        ("down", "1", "0", None, None, 0),
        ("down", "-1", "0", None, None, 100),
        ("down", "1", "0", "3", None, AT_TARGET - Fraction(100, 9)),
        ("band", "21", "21", "3", "1", 100),
        ("band", "20", "21", "3", "1", AT_TARGET),
        ("band", "20.5", "21", "3", "1", Fraction(250, 3)),
        ("band", "24", "21", "3", "1", AT_RED_FLAG),
        ("band", "26", "21", "3", "1", 0),  # 3 + (3 - 1)
        ("band", "23", "21", None, "1", AT_RED_FLAG),
        ("band", "24", "21", None, "1", 0),
        ("band", "21", "21", None, "0", 100),
        ("band", "22", "21", None, "0", 0),
        ("band", "22", "21", "2", "0", 50),  # halfway from two thirds to one
        ("band", "21", "21", "3", None, 100),
        ("up", None, "90", "80", None, None),
        ("up", "90", None, None, None, None),
    ],
)
def test_score(
    *,
    direction: str,
    value: str | None,
    target: str | None,
    warning: str | None,
    tolerance: str | None,
    expected: Fraction | int | None,
) -> None:
    """Target and warning have their stated scores, and it is linear around them."""
    found = score(
        _number(value),
        target=_number(target),
        warning=_number(warning),
        tolerance=_number(tolerance),
        direction=Direction(direction),
    )

    assert found == expected


@given(steep, numbers, lengths, numbers, numbers)
def test_better_never_scores_less(
    direction: Direction, target: Decimal, width: Decimal, one: Decimal, other: Decimal
) -> None:
    """Of two values the better one scores at least as much, with and without a warning, within 0 and 100."""
    worse, better = sorted([one, other], key=lambda value: value * _signed(direction))
    for warning in (None, target - _signed(direction) * width):
        low = score(worse, target=target, warning=warning, direction=direction)
        high = score(better, target=target, warning=warning, direction=direction)

        assert low is not None
        assert high is not None
        assert 0 <= low <= high <= BEST


@given(steep, numbers, lengths)
def test_stated_scores(direction: Direction, target: Decimal, width: Decimal) -> None:
    """The target scores two thirds, the warning one, a width beyond either end all and nothing."""
    step = _signed(direction) * width
    found = [
        score(target + step * steps, target=target, warning=target - step, direction=direction)
        for steps in (1, 0, -1, -2)
    ]

    assert found == [BEST, AT_TARGET, AT_RED_FLAG, 0]


@given(numbers, lengths, lengths, numbers, numbers)
def test_a_band(target: Decimal, tolerance: Decimal, risky: Decimal, one: Decimal, other: Decimal) -> None:
    """Both sides of a band are alike, what is nearer scores at least as much, and the ends as stated."""

    def told(value: Decimal) -> Fraction | None:
        warning = tolerance + risky
        return score(value, target=target, warning=warning, tolerance=tolerance, direction=Direction.BAND)

    nearer, further = sorted([abs(one), abs(other)])
    near, far = told(target + nearer), told(target + further)

    assert near is not None
    assert far is not None
    assert near == told(target - nearer)
    assert 0 <= far <= near <= BEST
    assert [told(target + d) for d in (0, tolerance, tolerance + risky, tolerance + 2 * risky)] == [
        BEST,
        AT_TARGET,
        AT_RED_FLAG,
        0,
    ]


@given(parts)
def test_a_mean_lies_between(found: list[Part]) -> None:
    """The mean is neither below the worst nor above the best that counts, and `worst` names the worst."""
    total = rolled_up(found, RollUp.MEAN)
    counted = [part.score for part in found if part.score is not None and part.weight]

    if not counted:
        assert (total.score, total.worst) == (None, None)
        return
    assert total.score is not None
    assert total.worst is not None
    assert min(counted) <= total.score <= max(counted)
    assert found[total.worst].score == min(counted) == rolled_up(found, RollUp.WORST).score


@given(parts, st.fractions(min_value="0.1", max_value=9, max_denominator=10))
def test_weights_are_relative(found: list[Part], times: Fraction) -> None:
    """Weights that are all so many times as large change nothing."""
    scaled = [Part(part.score, part.weight * times) for part in found]

    assert rolled_up(scaled, RollUp.MEAN) == rolled_up(found, RollUp.MEAN)


@given(parts, weights)
def test_what_is_left_out(found: list[Part], weight: Fraction) -> None:
    """A part without a score changes no score, and takes coverage by its weight."""
    before, after = (rolled_up(each, RollUp.MEAN) for each in (found, [*found, Part(None, weight)]))
    whole = sum((part.weight for part in found), Fraction(0))

    assert (before.score, before.worst) == (after.score, after.worst)
    assert (after.coverage or 0) * (whole + weight) == (before.coverage or 0) * whole


def test_weights_count() -> None:
    """Three parts of 90 and one of 10 are 70, the one without a score left out."""
    found = [
        Part(Fraction(90), Fraction(3)),
        Part(None, Fraction(4)),
        Part(Fraction(10), Fraction(1)),
        Part(Fraction(0), Fraction(0)),
    ]
    total = rolled_up(found, RollUp.MEAN)

    assert total == Total(Fraction(70), 2, Fraction(1, 2))


def test_of_equal_parts() -> None:
    """Of equally low scores the heaviest is the worst, then the first."""
    found = [Part(Fraction(5), Fraction(weight)) for weight in (1, 2, 2)]

    assert rolled_up(found, RollUp.WORST).worst == 1


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (Fraction(10**31 - 1), f"{10**31 - 1}.0000"),
        (AT_TARGET, "66.6667"),
        (Fraction(50), "50.0000"),
        (Fraction(1, 20_000), "0.0000"),
        (BEST, "100.0000"),
    ],
)
def test_told(number: Fraction, expected: str) -> None:
    """Four decimals, half to even."""
    assert str(to_places(number)) == expected
