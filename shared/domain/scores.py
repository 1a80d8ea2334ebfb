"""How well a value does on one scale for all KPIs, and what several come to; it knows no catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Literal, assert_never

from shared.domain.targets import Direction, Status

BEST = Fraction(100)
"""The most that a score can be; the least is 0."""

AT_TARGET = BEST * 2 / 3
"""What a value that just reaches its target scores; whatever scores as much is on track."""

AT_RED_FLAG = BEST / 3
"""What a value at the warning scores, the last that is not off track."""

_THIRD = BEST / 3

_PLACES = Decimal("0.0001")
_CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""Room for the largest weight there may be, 31 digits, and its decimals."""


class RollUp(StrEnum):
    """How several scores become one."""

    MEAN = "mean"
    """Their mean by weight."""
    WORST = "worst"
    """The lowest of them: a chain is as strong as its weakest link."""


def score(
    value: Decimal | None,
    *,
    target: Decimal | None,
    warning: Decimal | None,
    direction: Direction,
    tolerance: Decimal | None = None,
) -> Fraction | None:
    """How well *value* does, from 0 to 100; None without a value or without a target.

    It is linear between the warning, which scores a third, and the target, which scores two thirds, and goes
    on with the same slope to 0 and to 100: the scale of goal and red flag that Spider Impact has, from 0 to
    10. Without a warning half of the target is taken for its distance, so that nothing scores 0 where more
    is better, and twice the target does where less is. A target of 0 without a warning leaves no slope: what
    is worse scores 0, what is better 100.

    In a band the target scores 100, the end of the tolerance two thirds, the distance *warning* a third;
    beyond it goes on with the same slope. Without a warning that is twice the tolerance.

    Args:
        value: what was measured.
        target: where it is on track, as of `Judgement`, like the next.
        warning: where risk ends; of a band, the distance at which it does.
        direction: which way is better.
        tolerance: of a band only: how far from *target* is still on track; None is not at all.
    """
    if value is None or target is None:
        return None
    if direction is Direction.BAND:
        return _within(value, target, tolerance or Decimal(0), warning)
    ahead = _ahead(Fraction(value) - Fraction(target), direction)
    width = abs(Fraction(target) - Fraction(warning)) if warning is not None else Fraction(0)
    return _sloped(ahead, width or abs(Fraction(target)) / 2)


def _ahead(distance: Fraction, direction: Literal[Direction.UP, Direction.DOWN]) -> Fraction:
    match direction:
        case Direction.UP:
            return distance
        case Direction.DOWN:
            return -distance
        case _:
            assert_never(direction)


def _sloped(ahead: Fraction, width: Fraction) -> Fraction:
    """The score of what lies *ahead* of the target, or behind it, when *width* makes a third."""
    if ahead == 0:
        return AT_TARGET
    if width == 0:
        return BEST if ahead > 0 else Fraction(0)
    return min(max(AT_TARGET + _THIRD * ahead / width, Fraction(0)), BEST)


def _within(value: Decimal, target: Decimal, tolerance: Decimal, warning: Decimal | None) -> Fraction:
    distance, allowed = abs(Fraction(value) - Fraction(target)), Fraction(tolerance)
    if distance <= allowed:
        return BEST - _THIRD * distance / allowed if allowed else BEST
    risky = Fraction(warning) - allowed if warning is not None else Fraction(0)
    return _sloped(allowed - distance, risky if risky > 0 else allowed)


@dataclass(frozen=True, slots=True)
class Part:
    """Something that has a score, or none, and counts so much.

    Attributes:
        weight: in relation to that of the others, not below 0; at 0 it is shown and counts nothing.
    """

    score: Fraction | None
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Total:
    """What several scores come to.

    Attributes:
        score: None where no part that counts has one.
        worst: the place of the part with the lowest score; of equal ones the heaviest, then the first.
        coverage: the share, from 0 to 1, of the weight that parts with a score have; None without any weight.
    """

    score: Fraction | None
    worst: int | None
    coverage: Fraction | None


def rolled_up(parts: Sequence[Part], roll_up: RollUp) -> Total:
    """What *parts* come to; those without a score are left out, and `coverage` says how much counts."""
    weight = sum((part.weight for part in parts), Fraction(0))
    scored = [(place, part, part.score) for place, part in enumerate(parts) if part.weight]
    told = [(place, part.weight, found) for place, part, found in scored if found is not None]
    if not told:
        return Total(None, None, Fraction(0) if weight else None)
    covered = sum((part_weight for _, part_weight, _ in told), Fraction(0))
    worst = min(told, key=lambda each: (each[2], -each[1], each[0]))
    match roll_up:
        case RollUp.MEAN:
            found = sum((part_weight * each for _, part_weight, each in told), Fraction(0)) / covered
        case RollUp.WORST:
            found = worst[2]
        case _:
            assert_never(roll_up)
    return Total(found, worst[0], covered / weight)


def standing(score: Fraction) -> Status:
    """How what scores so stands: by the scores of a value at its target and at its warning."""
    if score >= AT_TARGET:
        return Status.ON_TRACK
    return Status.AT_RISK if score >= AT_RED_FLAG else Status.OFF_TRACK


def to_places(number: Fraction) -> Decimal:
    """*number* to 4 decimals, half to even: what scores, shares and weights are told as."""
    ten_thousandths = round(number * 10_000)
    return Decimal(ten_thousandths).scaleb(-4, _CONTEXT).quantize(_PLACES, context=_CONTEXT)
