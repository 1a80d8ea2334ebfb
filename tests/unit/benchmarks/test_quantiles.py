"""Order statistics and rates: figures that were measured, by rules that others use, too."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quantiles import Spread, histogram_quantile, per_second, quantile, spread

DURATIONS = st.lists(st.floats(0, 1e6), min_size=1)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        pytest.param(0.0, 1, id="lowest"),
        pytest.param(0.5, 2, id="half-of-four"),
        pytest.param(0.51, 3, id="just-more-than-half"),
        pytest.param(0.99, 4, id="nearly-all"),
        pytest.param(1.0, 4, id="all"),
    ],
)
def test_quantile(share: float, expected: float) -> None:
    """A quantile is the smallest measured value that covers the share, in whatever order values come."""
    assert quantile([3, 1, 4, 2], share) == expected


@given(values=DURATIONS, share=st.floats(0, 1))
def test_quantile_covers(values: list[float], share: float) -> None:
    """At least the share of all values does not exceed the quantile, which is one of them."""
    found = quantile(values, share)

    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9


def test_nothing_measured() -> None:
    """No figure is made of no measurement."""
    with pytest.raises(ValueError, match="nothing was measured"):
        quantile([], 0.5)


def test_spread() -> None:
    """A hundred durations from 1 to 100: half within 50, 99 within 99, all within 100."""
    assert spread([*range(100, 0, -1)]) == Spread(100, 50, 99, 100)


def test_rate() -> None:
    """A rate is events by seconds; in no time nothing was measured."""
    assert per_second(300, 2) == 150
    assert per_second(300, 0) == 0


BUCKETS = [(0.1, 0.0), (0.2, 10.0), (0.4, 20.0), (math.inf, 20.0)]


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        # 10 of 20 lie within (0.1, 0.2], the other 10 within (0.2, 0.4], evenly.
        pytest.param(0.25, 0.15, id="middle-of-second"),
        pytest.param(0.5, 0.2, id="edge"),
        pytest.param(0.75, 0.3, id="middle-of-third"),
    ],
)
def test_histogram_quantile(share: float, expected: float) -> None:
    """Within a bucket values count as evenly spread, as Prometheus has it."""
    assert histogram_quantile(BUCKETS, share) == pytest.approx(expected)


def test_open_bucket() -> None:
    """Of values past the last edge only that edge is known."""
    assert histogram_quantile([(0.1, 1.0), (math.inf, 4.0)], 0.9) == 0.1


def test_empty_histogram() -> None:
    """A histogram that has seen nothing has no quantile."""
    assert histogram_quantile([(0.1, 0.0), (math.inf, 0.0)], 0.5) is None
