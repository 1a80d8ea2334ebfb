"""Where a target comes from, in words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.domain.target_words import origin_in_words
from tests.unit.api.builders import a_kpi, a_reading

END = datetime(2026, 8, 15, 12, tzinfo=UTC)
STEPS = [
    {"from": "2026-01", "value": 100},
    {"from": "2026-07", "value": 120},
    {"from": "2027-01", "value": 130},
]
RAMP = [{"day": "2026-01-01", "value": 0.7}, {"day": "2026-12-31", "value": 0.8}]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (None, ""),
        ({"value": 100}, ""),
        ({"by_period": STEPS}, "from 2026-07-01 on"),
        ({"by_period": STEPS, "windows": ["24h"]}, ""),
        (
            {"by_period": STEPS, "phasing": {"every": "month"}},
            "the share of the window in 120 for the month from 2026-08-01 on",
        ),
        ({"ramp": RAMP}, "on the line from 0.7 on 2026-01-01 to 0.8 on 2026-12-31"),
        (
            {"ramp": [{"day": "2026-01-01", "value": 1}, RAMP[0] | {"day": "2026-02-01"}]},
            "from 2026-02-01 on, where the line ends",
        ),
        ({"kpi": "visits", "of": "last_year", "times": 1.05}, "1.05 times visits a year earlier"),
        ({"kpi": "hidden", "total": True}, "the total of another KPI over the same window"),
        (
            {"benchmark": {"name": "Peers", "source": "a report", "values": STEPS[:1]}, "times": 2},
            "2 times what the benchmark 'Peers' has from 2026-01-01 on",
        ),
        (
            {"value": 1, "by_dimension": [{"dimensions": {"carrier": "AA"}, "by_period": STEPS}]},
            "from 2026-07-01 on for carrier=AA",
        ),
    ],
)
def test_where_a_target_comes_from(target: Any, expected: str) -> None:
    """The entry, line, share, KPI or benchmark that makes the target can be read."""
    kpi = a_kpi(target=target)
    reading = a_reading(dimensions={"carrier": "AA"}, window_start=END.replace(hour=11), window_end=END)

    assert origin_in_words(kpi, reading, visible={"visits", "departures"}) == expected
