"""What the oracle says about a KPI, and when somebody else's number agrees with it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

SIGNIFICANT = Context(prec=12, rounding=ROUND_HALF_EVEN)
"""Quotients have no end; they are compared after both are rounded to 12 significant digits."""


@dataclass(frozen=True, slots=True)
class Value:
    """A KPI over a window at an instant.

    Attributes:
        value: None where there is nothing to say; a quotient is rounded to 12 significant digits.
        n: the events that the aggregate is of; for a formula, those of all its operands.
        is_exact: whether another's value has to be equal to the last digit.
        within: how far off another's value may be, relative to this one.
    """

    value: Decimal | None
    n: int
    window_start: datetime
    window_end: datetime
    is_exact: bool
    within: Fraction = Fraction(0)

    def agrees_with(self, other: Decimal | None) -> bool:
        """Whether *other* is the same value, by the rule for its kind."""
        if self.value is None or other is None:
            return self.value is other
        if self.within:
            return abs(Fraction(other) - Fraction(self.value)) <= self.within * abs(Fraction(self.value))
        return self.value == (other if self.is_exact else SIGNIFICANT.plus(other))


def to_significant(number: Fraction) -> Decimal:
    """*number* to 12 significant digits, half-even, without a rounding in between; no zeros at the end."""
    whole = 10**12
    exponent = 0
    scaled = abs(number)
    if scaled:
        exponent = Decimal(scaled.numerator).adjusted() - Decimal(scaled.denominator).adjusted() - 11
        scaled = scaled / Fraction(10) ** exponent
    while scaled and scaled < whole // 10:
        scaled, exponent = scaled * 10, exponent - 1
    while scaled >= whole:
        scaled, exponent = scaled / 10, exponent + 1
    digits = round(scaled) * (-1 if number < 0 else 1)
    while exponent < 0 and digits % 10 == 0:
        digits, exponent = digits // 10, exponent + 1
    return Decimal(digits).scaleb(exponent)
