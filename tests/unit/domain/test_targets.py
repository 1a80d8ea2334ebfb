"""Whether a value meets its target."""

from decimal import Decimal

import pytest

from shared.domain.targets import Direction, Status, status


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@pytest.mark.parametrize(
    ("direction", "value", "target", "warning", "tolerance", "expected"),
    [
        ("up", "90", "90", "80", None, "on_target"),
        ("up", "89.999", "90", "80", None, "at_risk"),
        ("up", "80", "90", "80", None, "at_risk"),
        ("up", "79.999", "90", "80", None, "off_target"),
        ("up", "89", "90", None, None, "off_target"),
        ("down", "5", "5", "10", None, "on_target"),
        ("down", "5.001", "5", "10", None, "at_risk"),
        ("down", "10", "5", "10", None, "at_risk"),
        ("down", "10.001", "5", "10", None, "off_target"),
        ("down", "-3", "0", None, None, "on_target"),
        ("band", "20", "21", "3", "1", "on_target"),  # |20 - 21| = 1
        ("band", "23", "21", "3", "1", "at_risk"),  # 1 < 2 <= 3
        ("band", "24.001", "21", "3", "1", "off_target"),  # 3.001 > 3
        ("band", "23", "21", None, "1", "off_target"),
        ("band", "21", "21", None, None, None),
        ("up", None, "90", "80", None, None),
        ("up", "90", None, None, None, None),
    ],
)
def test_status(
    *,
    direction: str,
    value: str | None,
    target: str | None,
    warning: str | None,
    tolerance: str | None,
    expected: str | None,
) -> None:
    """Reaching a bound is enough; without a value or a target there is no status."""
    found = status(
        _number(value),
        target=_number(target),
        warning=_number(warning),
        tolerance=_number(tolerance),
        direction=Direction(direction),
    )

    assert found == (None if expected is None else Status(expected))
