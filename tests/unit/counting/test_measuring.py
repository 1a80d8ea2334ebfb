"""Which series an event is counted in, whatever its sender wrote as a dimension value."""

import numpy as np
import pytest

from shared.contracts.events import clean_decoder, encode_clean
from shared.contracts.series import OVERFLOW, series_values
from shared.counting.measuring import measure
from shared.counting.programmes import Programme
from tests.unit.compute.builders import an_event
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

PROGRAMME = Programme.of(a_catalogue(a_kpi("orders", breakdowns=["shop"])))


def series_of(*literals: str) -> list[str | None]:
    """The shop, as a dimension value, that each JSON literal under `shop` is counted under."""
    events = [
        clean_decoder.decode(
            encode_clean(an_event(data={"shop": 0})).replace(b'"shop":0', f'"shop":{text}'.encode())
        )
        for text in literals
    ]
    (shops,) = (m for m in measure(events, np.arange(len(events)), PROGRAMME).measured if m.target.breakdown)
    return [series_values(shops.series[int(group)])[0] for group in shops.rows.group]


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"Lyon"', "Lyon"),
        ('"e\u0301"', "\u00e9"),
        ("null", None),
        ("[1]", None),
        ("true", "true"),
        ("7", "7"),
        ("12345678901234567890123", "12345678901234567890123"),
        ("1.5", "1.5"),
        ("-0.30000000000000004", "-0.30000000000000004"),  # what a double prints, 20 characters
        ("1.5000000000000000000", "1.5"),
        (f'"{129 * "x"}"', OVERFLOW),
    ],
)
def test_a_dimension_value(literal: str, value: str | None) -> None:
    """A scalar names a series by its JSON, normalised; what is no scalar counts as missing."""
    assert [value] == series_of(literal)


def test_equal_numbers_are_one_series() -> None:
    """However many digits a sender writes, equal numbers are counted together."""
    assert series_of("2.5", "2.50000000000000000000", "2.75") == ["2.5", "2.5", "2.75"]
