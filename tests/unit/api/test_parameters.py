"""Query parameters into values."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.http.parameters import (
    MAX_POINTS,
    InvalidParameterError,
    decoded_cursor,
    encoded_cursor,
    instants,
    series_key,
    step_of,
)
from tests.unit.api.builders import NOW


def test_series_keys() -> None:
    """A combination has one key, whatever the order of its dimensions."""
    assert series_key({"a": "1", "b": None}) == series_key({"b": None, "a": "1"})


def test_series_keys_differ() -> None:
    """A missing dimension and one with the text null are two series."""
    assert series_key({"a": None}) != series_key({"a": "null"})


@given(st.integers(min_value=0, max_value=400 * 86_400))
def test_suitable_steps(span_s: int) -> None:
    """A step chosen for the caller never makes more points than are allowed."""
    span = timedelta(seconds=span_s)
    points = instants(NOW - span, NOW, every=step_of(None, span=span))

    assert 1 <= len(points) <= MAX_POINTS


@given(st.tuples(st.text(), st.text()))
def test_cursors(position: tuple[str, str]) -> None:
    """A cursor leads back to the position it was made of."""
    assert decoded_cursor(encoded_cursor(position), tuple[str, str]) == position


@given(st.text())
def test_foreign_cursors(text: str) -> None:
    """What is no cursor of ours is refused in words, whatever it is."""
    with pytest.raises(InvalidParameterError, match="cursor"):
        decoded_cursor(f"{text}!", tuple[str, str])
