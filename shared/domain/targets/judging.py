"""Whether a value meets its target, and by how much; it knows no KPI file and no reader."""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from typing import assert_never

EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)
"""Room for every digit of what panes, formulas and definitions yield."""

QUOTIENT = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""As many digits as formulas have."""


class Direction(StrEnum):
    """Which way is better."""

    UP = "up"
    DOWN = "down"
    BAND = "band"
    """Neither: the closer to the target, the better."""


class Status(StrEnum):
    """How a value stands to its target."""

    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    OFF_TRACK = "off_track"
    NO_TARGET = "no_target"
    """Nothing is aimed at there and then, which is no praise."""
    NO_DATA = "no_data"
    """There is a target, but no value, or nothing that the target could be worked out of."""


class Kind(StrEnum):
    """What a target follows."""

    FIXED = "fixed"
    BY_PERIOD = "by_period"
    RAMP = "ramp"
    KPI = "kpi"
    BENCHMARK = "benchmark"


@dataclass(frozen=True, slots=True)
class Aim:
    """What a value has to reach.

    Attributes:
        value: on track from here on in the better direction; of a band, its middle. None where it follows
            something that has no data.
        warning: from here to the target the value is at risk; of a band, the distance from the middle at
            which risk ends. Without it there is nothing between on track and off track.
        tolerance: of a band only: how far from its middle is still on track; None is not at all.
        kind: what the target follows.
        source: the slug of the KPI or the name of the benchmark that it follows, if it does.
    """

    value: Decimal | None
    warning: Decimal | None = None
    tolerance: Decimal | None = None
    kind: Kind = Kind.FIXED
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a value stands to what it is measured against.

    Attributes:
        target: None where there is none, and where it is not known.
        warning: as in `Aim`.
        tolerance: as in `Aim`.
        status: always told.
        attainment: the target reached as a ratio, 1 and more being on track; None without a value or target,
            and of a target that is 0. It may be negative.
        kind: None where there is no target.
        source: as in `Aim`.
    """

    status: Status
    target: Decimal | None = None
    warning: Decimal | None = None
    tolerance: Decimal | None = None
    attainment: Decimal | None = None
    kind: Kind | None = None
    source: str | None = None


def judge(value: Decimal | None, aim: Aim | None, *, direction: Direction) -> Judgement:
    """How *value* stands to *aim*, None being no target; to reach a bound is enough.

    Args:
        value: what was measured; None where there is no data for it.
        aim: what it has to reach.
        direction: which way is better.
    """
    if aim is None:
        return Judgement(Status.NO_TARGET)
    return Judgement(
        status=_status(value, aim, direction),
        target=aim.value,
        warning=aim.warning,
        tolerance=aim.tolerance,
        attainment=attainment(value, aim, direction=direction),
        kind=aim.kind,
        source=aim.source,
    )


def _status(value: Decimal | None, aim: Aim, direction: Direction) -> Status:
    if value is None or aim.value is None:
        return Status.NO_DATA
    if shortfall(value, aim.value, aim.tolerance, direction=direction) <= 0:
        return Status.ON_TRACK
    if aim.warning is None:
        return Status.OFF_TRACK
    if direction is Direction.BAND:
        lacking = shortfall(value, aim.value, aim.warning, direction=direction)
    else:
        lacking = shortfall(value, aim.warning, None, direction=direction)
    return Status.AT_RISK if lacking <= 0 else Status.OFF_TRACK


def shortfall(value: Decimal, target: Decimal, tolerance: Decimal | None, *, direction: Direction) -> Decimal:
    """How much *value* lacks to be on track, exactly; 0 or less if nothing.

    Args:
        value: what was measured.
        target: what it has to reach, in a band its middle.
        tolerance: half the width of the band; it means nothing with another direction.
        direction: which way is better.
    """
    match direction:
        case Direction.UP:
            return EXACT.subtract(target, value)
        case Direction.DOWN:
            return EXACT.subtract(value, target)
        case Direction.BAND:
            distance = EXACT.subtract(value, target).copy_abs()
            return max(EXACT.subtract(distance, tolerance or Decimal(0)), Decimal(0))
        case _:
            assert_never(direction)


def attainment(value: Decimal | None, aim: Aim, *, direction: Direction) -> Decimal | None:
    """Which part of *aim* is reached, to 34 digits: 1 less the shortfall divided by the size of the target.

    For a positive target and the direction up that is the value divided by the target; for down, 2 less
    that quotient, so that as much too much costs as much as too little does, and a value of 0 has an
    attainment; a negative target has one by the same rule. In a band it is 1 at most. None where the target
    is 0, of which nothing is a part, and without a value or a target.
    """
    if value is None or not aim.value:
        return None
    lacking = shortfall(value, aim.value, aim.tolerance, direction=direction)
    size = aim.value.copy_abs()
    return QUOTIENT.divide(EXACT.subtract(size, lacking), size)
