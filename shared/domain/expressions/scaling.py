"""Numbers as integers at a scale, rounded half-even to the decimal; it knows no measure."""

from typing import Any

import numpy as np
import numpy.typing as npt

from shared.domain.expressions.arithmetic import WIDE, exact

MAX_SCALED = 9_200_000_000_000_000_000
"""The largest scaled value that is kept: it fits into 64 bits."""

_EXACT_FLOAT = 2.0**52
_TIE = 2.0**-48
"""A product of a float with a power of ten up to 1e9 is off by less than 2^-51 of itself, so whatever is
further than this from a rounding tie rounds as the decimal would."""

Integers = npt.NDArray[np.int64]


def scaled_values(values: list[Any], scale: int) -> tuple[Integers, list[int]]:
    """Each of *values* times ten to the *scale*, rounded half-even, and the positions that do not fit.

    Args:
        values: int, float or Decimal; a float stands for the decimal that its shortest literal spells.
        scale: decimals kept, 0 to 9.

    Returns:
        The integers, 0 at those positions, and the positions in ascending order.
    """
    kinds = set(map(type, values))
    try:
        if kinds == {int}:
            return _scaled_integers(np.array(values, dtype=np.int64), scale)
        if kinds <= {int, float}:
            return _scaled_floats(values, np.array(values, dtype=np.float64), scale)
    except OverflowError:
        pass  # an integer beyond 64 bits, or beyond floats: the slow way takes any
    return _scaled_one_by_one(values, scale)


def _scaled_integers(numbers: Integers, scale: int) -> tuple[Integers, list[int]]:
    limit = MAX_SCALED // 10**scale
    too_large = (numbers > limit) | (numbers < -limit)
    if not too_large.any():
        return numbers * 10**scale, []
    return np.where(too_large, 0, numbers) * 10**scale, np.flatnonzero(too_large).tolist()


def _scaled_floats(
    values: list[Any], numbers: npt.NDArray[np.float64], scale: int
) -> tuple[Integers, list[int]]:
    with np.errstate(over="ignore", invalid="ignore"):
        products = numbers * 10.0**scale
        size = np.abs(products)
        is_sure = (size < _EXACT_FLOAT) & (np.abs(size - np.floor(size) - 0.5) > size * _TIE)
    scaled = np.rint(np.where(is_sure, products, 0.0)).astype(np.int64)
    outside = []
    for position in np.flatnonzero(~is_sure).tolist():
        one = _scaled(values[position], scale)
        scaled[position] = one or 0
        if one is None:
            outside.append(position)
    return scaled, outside


def _scaled_one_by_one(values: list[Any], scale: int) -> tuple[Integers, list[int]]:
    scaled = [_scaled(value, scale) for value in values]
    outside = [position for position, one in enumerate(scaled) if one is None]
    return np.array([one or 0 for one in scaled], dtype=np.int64), outside


def _scaled(value: Any, scale: int) -> int | None:
    """One scaled value, or None if it does not fit."""
    number = exact(value)
    if isinstance(number, int):
        whole = number * 10**scale
    elif not number.is_finite() or (number and number.adjusted() > 20):
        return None
    else:
        whole = int(WIDE.to_integral_value(number.scaleb(scale, WIDE)))
    return whole if -MAX_SCALED <= whole <= MAX_SCALED else None
