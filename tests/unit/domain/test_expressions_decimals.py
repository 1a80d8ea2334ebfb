"""Numbers with more digits than a float holds arrive as decimals and mean what was written."""

from decimal import Decimal
from typing import Any

import pytest

from shared.domain.expressions import Selector, compile_selectors, parse_filter, parse_value

LONG_TENTH = Decimal("0.10000000000000000")
ABOVE = Decimal("0.10000000000000000001")
"""Between one tenth and the float nearest to it, which is a little larger than both."""


@pytest.mark.parametrize(
    ("where", "number", "passes"),
    [
        ("data.x == 0.1", LONG_TENTH, True),
        ("data.x >= 0.1", LONG_TENTH, True),
        ("data.x > 0.1", ABOVE, True),
        ("data.x > 0.1", LONG_TENTH, False),
        ("data.x <= 0.1", ABOVE, False),
        ("0.1 < data.x", ABOVE, True),
        ("data.x in (0.1, 0.2)", LONG_TENTH, True),
        ("data.x != 0.1", LONG_TENTH, False),
        ("data.x > 0", ABOVE, True),
    ],
)
def test_filters_compare_exactly(where: str, number: Decimal, passes: bool) -> None:  # noqa: FBT001
    """A filter compares the decimals that were written, not their nearest floats."""
    data: dict[str, Any] = {"x": number}
    (selected,) = compile_selectors([Selector(parse_filter(where))])([data], None)

    assert selected.rows == ([0] if passes else [])


@pytest.mark.parametrize("value", ["data.x", "number(data.x)", "data.x * 1"])
def test_values_keep_every_digit(value: str) -> None:
    """A measured number is the decimal that was written."""
    number = Decimal("12345678901234567.25")
    (selected,) = compile_selectors([Selector(None, parse_value(value))])([{"x": number}], None)

    assert selected.values == [number]
