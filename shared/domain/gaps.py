"""What stands in a series where there is no data; the values themselves stay what they are."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum


class Fill(StrEnum):
    """What is told of a point without a value."""

    NULL = "null"
    """Nothing."""
    ZERO = "zero"
    """0."""
    CARRY = "carry"
    """The value of the point before; nothing before the first value."""


def filled(values: Sequence[Decimal | None], fill: Fill) -> list[Decimal | None]:
    """*values* with their gaps closed by *fill*; what is no gap stays."""
    found: list[Decimal | None] = []
    last = Decimal(0) if fill is Fill.ZERO else None
    for value in values:
        if value is not None and fill is Fill.CARRY:
            last = value
        found.append(last if value is None else value)
    return found
