"""What stands where there is no data."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.gaps import Fill, filled

VALUES = st.lists(st.none() | st.decimals(allow_nan=False, allow_infinity=False), max_size=20)


@given(VALUES, st.sampled_from(Fill))
def test_values_stay(values: list[Decimal | None], fill: Fill) -> None:
    """Whatever the rule, no value is changed."""
    found = filled(values, fill)

    assert len(found) == len(values)
    assert all(one == value for one, value in zip(found, values, strict=True) if value is not None)


@given(VALUES)
def test_rules(values: list[Decimal | None]) -> None:
    """A gap is nothing, 0, or the nearest value before it."""
    before = [[v for v in values[: place + 1] if v is not None][-1:] for place in range(len(values))]

    assert filled(values, Fill.NULL) == values
    assert filled(values, Fill.ZERO) == [0 if value is None else value for value in values]
    assert filled(values, Fill.CARRY) == [each[0] if each else None for each in before]
