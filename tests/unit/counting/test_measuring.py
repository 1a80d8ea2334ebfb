"""Which series an event is counted in, whatever its sender wrote as a dimension value."""

from datetime import datetime

import numpy as np
import pytest

from shared.contracts.events import clean_decoder, encode_clean
from shared.contracts.series import OVERFLOW, series_values
from shared.counting.measuring import measure
from shared.counting.programmes import Programme
from shared.domain.calendars import instant_us
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


def test_business_hours() -> None:
    """Beside a KPI of all events, one of business hours has those of its days and times, in its zone."""
    hours = {"days": ["mon"], "from": "09:00", "to": "17:00"}
    kpis = [a_kpi("all"), a_kpi("open", business_hours=hours, zone="Europe/Berlin")]
    times = [
        "2026-06-01T06:59:59.999999Z",
        "2026-06-01T07:00:00Z",
        "2026-06-01T14:59:59Z",
        "2026-06-01T15:00:00Z",
        "2026-06-02T08:00:00Z",
    ]
    instants = [instant_us(datetime.fromisoformat(text)) for text in times]
    events = [clean_decoder.decode(encode_clean(an_event(data={}))) for _ in times]

    found = measure(events, np.array(instants), Programme.of(a_catalogue(*kpis))).measured

    assert {None: instants, kpis[1].hours: instants[1:3]} == {
        part.target.hours: part.rows.time_us.tolist() for part in found
    }


def test_closed_all_day() -> None:
    """A batch without an event in business hours adds nothing to their measure."""
    kpi = a_kpi("open", business_hours={"days": ["mon"], "from": "09:00", "to": "17:00"})
    event = clean_decoder.decode(encode_clean(an_event(data={})))

    assert not measure([event], np.array([0]), Programme.of(a_catalogue(kpi))).measured
