"""From the merged partial of a window to its value: the only step that divides, rounds or takes a root."""

from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from math import isqrt

from shared.domain.aggregates.ends import Ends
from shared.domain.aggregates.kinds import PER_US, Aggregate, Per
from shared.domain.aggregates.partials import Partial
from shared.domain.aggregates.sums import Numbers, Squares
from shared.domain.sketches.distinct import Distinct
from shared.domain.sketches.quantiles import Quantiles

EXACT = Context(prec=34)
"""Quotients and roots carry 34 significant digits, those of IEEE 754 decimal128; everything else is exact."""

_UNROUNDED = Context(prec=100)
"""More digits than a sum of 64-bit integers can have, so that shifting the point never rounds."""

_ZERO_OF_NOTHING = frozenset((Aggregate.COUNT, Aggregate.SUM, Aggregate.RATE, Aggregate.DISTINCT))
"""What is 0 without events; everything else is unknown."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a KPI makes a number of its partial.

    Attributes:
        scale: decimal places the integers were scaled by.
        per: what a rate is told per.
        has_value: whether a rate is of the sum of values rather than of the count.
        percentile: 0 to 100; only the aggregate percentile depends on it.
    """

    aggregate: Aggregate
    scale: int = 0
    per: Per = Per.SECOND
    has_value: bool = False
    percentile: Decimal = Decimal(0)


def finalise(partial: Partial, rule: Rule, *, at_us: int, length_us: int) -> Decimal | None:
    """The value of *partial* under *rule*.

    Args:
        partial: the merged panes of a window, of the kind of the aggregate, or of no events.
        rule: what is asked of them.
        at_us: the instant asked about; only a time since then depends on it.
        length_us: how long the window is; only a rate depends on it.

    Returns:
        The value. Of no events count, sum, rate and distinct are 0 and everything else is None; a rate over
        no time is None.
    """
    if partial.n <= 0 or (rule.aggregate is Aggregate.RATE and length_us <= 0):
        return _of_nothing(rule.aggregate, length_us)
    match partial:
        case Numbers():
            return _of_numbers(partial, rule, length_us)
        case Squares():
            return deviation(partial, scale=rule.scale)
        case Ends():
            return _of_ends(partial, rule, at_us)
        case Quantiles():
            found = partial.at(rule.percentile)
            return None if found is None else _quotient(found, rule.scale)
        case Distinct():
            return Decimal(partial.count)


def _of_nothing(aggregate: Aggregate, length_us: int) -> Decimal | None:
    if aggregate not in _ZERO_OF_NOTHING or (aggregate is Aggregate.RATE and length_us <= 0):
        return None
    return Decimal(0)


def _of_numbers(partial: Numbers, rule: Rule, length_us: int) -> Decimal:
    match rule.aggregate:
        case Aggregate.COUNT:
            return Decimal(partial.n)
        case Aggregate.SUM:
            return _shifted(partial.total, rule.scale)
        case Aggregate.AVG:
            return EXACT.divide(_shifted(partial.total, rule.scale), Decimal(partial.n))
        case Aggregate.MIN:
            return _shifted(partial.low, rule.scale)
        case Aggregate.MAX:
            return _shifted(partial.high, rule.scale)
        case Aggregate.RATE:
            whole = partial.total if rule.has_value else partial.n
            return EXACT.divide(_shifted(whole * PER_US[rule.per], rule.scale), Decimal(length_us))
        case _:
            raise AssertionError(f"{rule.aggregate} is not made from numbers")


def _of_ends(partial: Ends, rule: Rule, at_us: int) -> Decimal | None:
    end = partial.first if rule.aggregate is Aggregate.FIRST else partial.last
    if end is None:
        return None
    if rule.aggregate is Aggregate.TIME_SINCE_LAST:
        # The clock that stamped the event may be ahead, and the window may end after the instant.
        return _shifted(max(at_us - end.time_us, 0), 6)
    return _shifted(end.value, rule.scale)


def deviation(partial: Squares, *, scale: int) -> Decimal | None:
    """The standard deviation of a sample, rounded once to 34 digits; None of fewer than two events."""
    n = partial.n
    if n < 2:
        return None
    above, below = n * partial.squares - partial.total**2, n * (n - 1)
    return _shifted_root(Fraction(above, below), scale)


def _shifted_root(square: Fraction, scale: int) -> Decimal:
    """The root of *square*, its point moved *scale* places to the left, half-even to 34 digits."""
    digits_before = (len(str(square.numerator)) - len(str(square.denominator))) // 2
    places = max(0, 40 - digits_before)
    above = square.numerator * 10 ** (2 * places)
    root = isqrt(above // square.denominator)
    if root * root * square.denominator != above:
        # One more digit, and not 0, stands for all that was cut off: a tie is a tie only if it is one.
        root, places = root * 10 + 1, places + 1
    return EXACT.plus(Decimal(root).scaleb(-places - scale, _UNROUNDED))


def _quotient(number: Fraction, scale: int) -> Decimal:
    shifted = _shifted(number.numerator, scale)
    return EXACT.divide(shifted, Decimal(number.denominator))


def _shifted(number: int, scale: int) -> Decimal:
    """*number* with its point moved, unrounded."""
    return Decimal(number).scaleb(-scale, _UNROUNDED)
