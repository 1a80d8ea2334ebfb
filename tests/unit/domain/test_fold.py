"""Folding: array by array, and the same as one event after the other."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.aggregates import (
    NO_EVENTS,
    Distinct,
    End,
    Ends,
    Kind,
    Numbers,
    Partial,
    Quantiles,
    Squares,
    merged,
)
from shared.domain.calendars import Calendar
from shared.domain.fold import Rows, fold, pane_partials, totals
from shared.domain.seen import ids_from_bytes
from shared.domain.windows import DAY_US, LENGTH_US, WRITTEN_US, Rung

NOW_US = 1_760_000_000_000_000

Row = tuple[int, int, int, int]
"""Group, age in microseconds, scaled value, number of the key."""

ages = st.one_of(
    st.integers(-300_000_000, 3 * 3_600_000_000),
    st.integers(0, 390 * DAY_US),
    st.sampled_from([WRITTEN_US[rung] + by for rung in Rung for by in (-1, 0, 1)]),
)
rows = st.lists(
    st.tuples(st.integers(0, 3), ages, st.integers(-(2**62), 2**62) | st.integers(-9, 9), st.integers(0, 3)),
    max_size=40,
)
zones = st.sampled_from(["UTC", "Asia/Kathmandu", "Europe/Berlin"])


def key_of(number: int) -> bytes:
    """The key of that number."""
    return number.to_bytes(1, "big") * 16


def rows_of(events: Sequence[Row]) -> Rows:
    """*events* as arrays."""
    columns = np.array([event[:3] for event in events], dtype=np.int64).reshape(-1, 3).T
    keys = ids_from_bytes(b"".join(key_of(event[3]) for event in events))
    return Rows(columns[0], NOW_US - columns[1], columns[2], keys)


def one(event: Row, kind: Kind) -> Partial:
    """What a single event comes to."""
    _, age, value, key = event
    array = np.array([value], dtype=np.int64)
    end = End(NOW_US - age, key_of(key), value)
    single: dict[Kind, Partial] = {
        Kind.NUMBERS: Numbers(1, value, value, value),
        Kind.SQUARES: Squares(1, value, value * value),
        Kind.ENDS: Ends(1, end, end),
        Kind.QUANTILES: Quantiles.of(array),
        Kind.DISTINCT: Distinct.of(array),
    }
    return single[kind]


Panes = dict[tuple[int, Rung, int], Partial]


def folded(events: Sequence[Row], finest: Rung, zone: str, kind: Kind = Kind.NUMBERS) -> Panes:
    """What `fold` makes of *events*, as a plain mapping."""
    made = fold(rows_of(events), finest=finest, now_us=NOW_US, calendar=Calendar(zone), kind=kind)
    return {(key[0], Rung(key[1]), key[2]): partial for key, partial in pane_partials(made).items()}


def one_by_one(events: Sequence[Row], finest: Rung, zone: str, kind: Kind = Kind.NUMBERS) -> Panes:
    """The same by hand: every event into every rung that is still written at its age."""
    panes: Panes = {}
    for event in events:
        group, age = event[:2]
        at = NOW_US - age
        for rung in (r for r in Rung if r >= finest and (r is Rung.D1 or age < WRITTEN_US[r])):
            start = Calendar(zone).day_start(at) if rung is Rung.D1 else at - at % LENGTH_US[rung]
            key = (group, rung, start)
            panes[key] = merged(panes.get(key, NO_EVENTS[kind]), one(event, kind))
    return panes


@pytest.mark.parametrize("kind", Kind)
@given(events=rows, finest=st.sampled_from(Rung), zone=zones)
def test_fold_equals_one_by_one(kind: Kind, events: list[Row], finest: Rung, zone: str) -> None:
    """A batch adds to each pane what its events add one after the other, sums beyond 64 bits included."""
    assert one_by_one(events, finest, zone, kind) == folded(events, finest, zone, kind)


@pytest.mark.parametrize("kind", Kind)
@given(data=st.data(), events=rows)
def test_order_is_of_no_account(kind: Kind, data: st.DataObject, events: list[Row]) -> None:
    """Any order of the same events makes the same deltas."""
    shuffled = data.draw(st.permutations(events))

    assert folded(events, Rung.S1, "UTC", kind) == folded(shuffled, Rung.S1, "UTC", kind)


@pytest.mark.parametrize("kind", Kind)
@given(events=rows)
def test_totals(kind: Kind, events: list[Row]) -> None:
    """Without panes, each group has what its events come to."""
    found: dict[int, Partial] = {}
    for event in events:
        found[event[0]] = merged(found.get(event[0], NO_EVENTS[kind]), one(event, kind))

    assert found == totals(rows_of(events), kind)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.DISTINCT])
@given(events=rows.filter(bool), taken=st.data())
def test_taking_away(kind: Kind, events: list[Row], taken: st.DataObject) -> None:
    """What a fold with the sign -1 takes away is gone, unless `may_hang_on` says that it may not be."""
    removed = taken.draw(st.sampled_from(events))
    whole = totals(rows_of(events), kind)[removed[0]]
    calendar = Calendar("UTC")
    minus = fold(rows_of([removed]), finest=Rung.D1, now_us=NOW_US, calendar=calendar, kind=kind, sign=-1)
    (negative,) = pane_partials(minus).values()
    rest = [event for event in events if event[0] == removed[0]]
    rest.remove(removed)
    left = totals(rows_of(rest), kind)[removed[0]] if rest else NO_EVENTS[kind]
    found = merged(whole, negative)

    assert left.n == found.n
    assert left == found or whole.may_hang_on(one(removed, kind))  # type: ignore[arg-type]  # of one kind


@pytest.mark.parametrize("rung", [r for r in Rung if r is not Rung.D1])
def test_an_old_event_skips_fine_rungs(rung: Rung) -> None:
    """An event past the time of a rung enters the coarser ones only."""
    found = folded([(0, WRITTEN_US[rung], 5, 0)], Rung.S1, "UTC")

    assert {r for r in Rung if r > rung} == {key[1] for key in found}


@pytest.mark.parametrize("kind", [Kind.NUMBERS, Kind.SQUARES])
def test_large_values_of_different_ages_meet(kind: Kind) -> None:
    """Values that 64 bits hold one by one, entering at different rungs, add up exactly in a common day."""
    hour = LENGTH_US[Rung.H1]
    events = [(0, age * hour, 4 * 10**18, 0) for age in (1, 5, 20)]

    found = folded(events, Rung.S1, "Pacific/Kiritimati", kind)

    assert one_by_one(events, Rung.S1, "Pacific/Kiritimati", kind) == found
    assert 12 * 10**18 in {
        partial.total for partial in found.values() if isinstance(partial, Numbers | Squares)
    }
