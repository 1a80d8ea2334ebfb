"""Whether a value meets its target: arithmetic of meaning; it knows no KPI file and no reader."""

from decimal import Decimal
from enum import StrEnum
from typing import Literal, assert_never


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"
    BAND = "band"
    """Neither: the closer to the target, the better."""


class Status(StrEnum):
    """How a value stands to its target."""

    ON_TARGET = "on_target"
    AT_RISK = "at_risk"
    OFF_TARGET = "off_target"


def status(
    value: Decimal | None,
    *,
    target: Decimal | None,
    warning: Decimal | None,
    direction: Direction,
    tolerance: Decimal | None = None,
) -> Status | None:
    """How *value* stands to *target*; None where there is no value, no target, or no tolerance of a band.

    A value that just reaches a bound counts as having reached it.

    Args:
        value: what was measured.
        target: from here on, in the better direction, the value is on target.
        warning: from here to the target the value is at risk; without it there is nothing between on
            target and off target.
        direction: which way is better.
        tolerance: of a band only: how far from *target* is still on target; *warning* is then the
            distance at which risk ends.
    """
    if value is None or target is None:
        return None
    if direction is Direction.BAND:
        return None if tolerance is None else _within(abs(value - target), tolerance, warning)
    if _reaches(value, target, direction):
        return Status.ON_TARGET
    if warning is not None and _reaches(value, warning, direction):
        return Status.AT_RISK
    return Status.OFF_TARGET


def _within(distance: Decimal, tolerance: Decimal, warning: Decimal | None) -> Status:
    if distance <= tolerance:
        return Status.ON_TARGET
    return Status.AT_RISK if warning is not None and distance <= warning else Status.OFF_TARGET


def _reaches(value: Decimal, bound: Decimal, direction: Literal[Direction.UP, Direction.DOWN]) -> bool:
    match direction:
        case Direction.UP:
            return value >= bound
        case Direction.DOWN:
            return value <= bound
        case _:
            assert_never(direction)
