"""Whether a value meets its target, and by how much."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.targets import Aim, Direction, Judgement, Kind, Status, judge

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000, places=2)
SIZES = st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=100, places=2)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@pytest.mark.parametrize(
    ("direction", "value", "target", "warning", "tolerance", "status", "attainment"),
    [
        ("up", "90", "90", "80", None, "on_track", "1"),
        ("up", "89.1", "90", "80", None, "at_risk", "0.99"),
        ("up", "80", "80.5", "80", None, "at_risk", "0.9937888198757763975155279503105590"),  # 160 / 161
        ("up", "72", "90", "80", None, "off_track", "0.8"),
        ("up", "-9", "90", None, None, "off_track", "-0.1"),
        ("up", "-80", "-100", None, None, "on_track", "1.2"),  # 1 + 20 / 100
        ("up", "-110", "-100", "-120", None, "at_risk", "0.9"),
        ("up", "0", "0", None, None, "on_track", None),
        ("up", "-1", "0", "-2", None, "at_risk", None),
        ("down", "5", "5", "10", None, "on_track", "1"),
        ("down", "6", "5", "10", None, "at_risk", "0.8"),  # 2 - 6 / 5
        ("down", "10", "5", "10", None, "at_risk", "0"),
        ("down", "10.5", "5", "10", None, "off_track", "-0.1"),
        ("down", "0", "5", None, None, "on_track", "2"),
        ("down", "-3", "0", None, None, "on_track", None),
        ("down", "-80", "-100", None, None, "off_track", "0.8"),
        ("band", "19", "20", "3", "1", "on_track", "1"),  # |19 - 20| = 1
        ("band", "22", "20", "3", "1", "at_risk", "0.95"),  # 1 beyond the band, of 20
        ("band", "23", "20", "3", "1", "at_risk", "0.9"),
        ("band", "24", "20", "3", "1", "off_track", "0.85"),
        ("band", "23", "20", None, "1", "off_track", "0.9"),
        ("band", "20.5", "20", None, None, "off_track", "0.975"),
        ("up", None, "90", "80", None, "no_data", None),
        ("up", "90", None, None, None, "no_data", None),
    ],
)
def test_judged(
    *,
    direction: str,
    value: str | None,
    target: str | None,
    warning: str | None,
    tolerance: str | None,
    status: str,
    attainment: str | None,
) -> None:
    """Reaching a bound is enough; attainment is 1 less what lacks, as a part of the size of the target."""
    aim = Aim(_number(target), _number(warning), _number(tolerance))

    found = judge(_number(value), aim, direction=Direction(direction))

    expected = Judgement(
        Status(status), aim.value, aim.warning, aim.tolerance, _number(attainment), Kind.FIXED
    )
    assert found == expected


@pytest.mark.parametrize("value", [None, Decimal(3)])
def test_no_target(value: Decimal | None) -> None:
    """Without a target nothing is well: that is said, with a value and without."""
    assert judge(value, None, direction=Direction.UP) == Judgement(Status.NO_TARGET)


@given(value=NUMBERS, target=NUMBERS, tolerance=SIZES, direction=st.sampled_from(Direction))
def test_on_track_is_attained(
    value: Decimal, target: Decimal, tolerance: Decimal, direction: Direction
) -> None:
    """A value is on track exactly if the whole target is attained, whichever way is better."""
    found = judge(value, Aim(target, tolerance=tolerance), direction=direction)

    if found.attainment is None:
        assert target == 0
    else:
        assert (found.status is Status.ON_TRACK) is (found.attainment >= 1)


@given(values=st.tuples(NUMBERS, NUMBERS), target=NUMBERS)
def test_better_attains_more(values: tuple[Decimal, Decimal], target: Decimal) -> None:
    """Of two values the better one attains more, in proportion, for negative targets too."""
    if not target:
        return
    for direction, sign in ((Direction.UP, 1), (Direction.DOWN, -1)):
        first, second = (judge(each, Aim(target), direction=direction).attainment for each in values)
        assert first is not None
        assert second is not None
        expected = sign * Fraction(values[0] - values[1]) / abs(Fraction(target))
        assert abs(Fraction(first) - Fraction(second) - expected) < Fraction(1, 10**25)
