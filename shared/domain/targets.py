"""Whether a value meets its target: arithmetic of meaning; it knows no KPI file and no reader."""

from decimal import Decimal
from enum import StrEnum
from typing import assert_never


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"


class Status(StrEnum):
    """How a value stands to its target."""

    ON_TARGET = "on_target"
    AT_RISK = "at_risk"
    OFF_TARGET = "off_target"


def status(
    value: Decimal | None, *, target: Decimal | None, warning: Decimal | None, direction: Direction
) -> Status | None:
    """How *value* stands to *target*; None where there is no value or no target.

    A value that just reaches a bound counts as having reached it.

    Args:
        value: what was measured.
        target: from here on, in the better direction, the value is on target.
        warning: from here to the target the value is at risk; without it there is nothing between on
            target and off target.
        direction: which way is better.
    """
    if value is None or target is None:
        return None
    if _reaches(value, target, direction):
        return Status.ON_TARGET
    if warning is not None and _reaches(value, warning, direction):
        return Status.AT_RISK
    return Status.OFF_TARGET


def _reaches(value: Decimal, bound: Decimal, direction: Direction) -> bool:
    match direction:
        case Direction.UP:
            return value >= bound
        case Direction.DOWN:
            return value <= bound
        case _:
            assert_never(direction)
