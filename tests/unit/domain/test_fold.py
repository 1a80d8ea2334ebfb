"""Folding: array by array, and the same as one event after the other."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.aggregates import EMPTY, Partial
from shared.domain.calendars import Calendar
from shared.domain.fold import Rows, fold
from shared.domain.windows import DAY_US, LENGTH_US, WRITTEN_US, Rung

NOW_US = 1_760_000_000_000_000

Row = tuple[int, int, int]
"""Group, age in microseconds, scaled value."""

ages = st.one_of(
    st.integers(-300_000_000, 3 * 3_600_000_000),
    st.integers(0, 390 * DAY_US),
    st.sampled_from([WRITTEN_US[rung] + by for rung in Rung for by in (-1, 0, 1)]),
)
rows = st.lists(st.tuples(st.integers(0, 3), ages, st.integers(-(2**62), 2**62)), max_size=40)


def folded(events: Sequence[Row], finest: Rung, zone: str) -> dict[tuple[int, Rung, int], Partial]:
    """What `fold` makes of *events*, as a plain mapping."""
    columns = np.array(events, dtype=np.int64).reshape(-1, 3).T
    made = fold(
        Rows(columns[0], NOW_US - columns[1], columns[2]),
        finest=finest,
        now_us=NOW_US,
        calendar=Calendar(zone),
    )
    keys = zip(made.group.tolist(), map(Rung, made.rung.tolist()), made.start_us.tolist(), strict=True)
    partials = zip(made.n.tolist(), made.total.tolist(), made.low.tolist(), made.high.tolist(), strict=True)
    return {key: Partial(*partial) for key, partial in zip(keys, partials, strict=True)}


def one_by_one(events: Sequence[Row], finest: Rung, zone: str) -> dict[tuple[int, Rung, int], Partial]:
    """The same by hand: every event into every rung that is still written at its age."""
    panes: dict[tuple[int, Rung, int], Partial] = {}
    for group, age, value in events:
        at = NOW_US - age
        for rung in (r for r in Rung if r >= finest and (r is Rung.D1 or age < WRITTEN_US[r])):
            start = Calendar(zone).day_start(at) if rung is Rung.D1 else at - at % LENGTH_US[rung]
            key = (group, rung, start)
            panes[key] = panes.get(key, EMPTY).merged(Partial(1, value, value, value))
    return panes


@given(
    events=rows,
    finest=st.sampled_from(Rung),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu", "Europe/Berlin"]),
)
def test_fold_equals_one_by_one(events: list[Row], finest: Rung, zone: str) -> None:
    """A batch adds to each pane what its events add one after the other, sums beyond 64 bits included."""
    assert one_by_one(events, finest, zone) == folded(events, finest, zone)


@given(data=st.data(), events=rows)
def test_order_is_of_no_account(data: st.DataObject, events: list[Row]) -> None:
    """Any order of the same events makes the same deltas."""
    shuffled = data.draw(st.permutations(events))

    assert folded(events, Rung.S1, "UTC") == folded(shuffled, Rung.S1, "UTC")


@pytest.mark.parametrize("rung", [r for r in Rung if r is not Rung.D1])
def test_an_old_event_skips_fine_rungs(rung: Rung) -> None:
    """An event past the time of a rung enters the coarser ones only."""
    found = folded([(0, WRITTEN_US[rung], 5)], Rung.S1, "UTC")

    assert {r for r in Rung if r > rung} == {key[1] for key in found}


def test_large_values_of_different_ages_meet() -> None:
    """Values that 64 bits hold one by one, entering at different rungs, add up exactly in a common day."""
    hour = LENGTH_US[Rung.H1]
    events = [(0, age * hour, 4 * 10**18) for age in (1, 5, 20)]

    found = folded(events, Rung.S1, "Pacific/Kiritimati")

    assert one_by_one(events, Rung.S1, "Pacific/Kiritimati") == found
    assert 12 * 10**18 in {partial.total for partial in found.values()}
