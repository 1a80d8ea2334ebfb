"""Remembering ids: nothing forgotten within the limits, nothing taken for another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.seen import NOWHERE, Ids, SeenIds, ids_from_bytes, ids_to_bytes

# Few values a half, so that halves collide and slots are fought over; zero halves alone are no empty slot.
halves = st.integers(0, 5) | st.integers(2**12, 2**12 + 3) | st.integers(2**64 - 3, 2**64 - 1)
digests = (
    st.tuples(halves, halves).filter(any).map(lambda p: p[0].to_bytes(8, "big") + p[1].to_bytes(8, "big"))
)


@given(batches=st.lists(st.lists(digests, max_size=30), max_size=8))
def test_fresh_is_first(batches: list[list[bytes]]) -> None:
    """An id is fresh exactly when it never came before, in this batch or an earlier one."""
    seen, reference = SeenIds(1000), set[bytes]()
    for batch in batches:
        ids = ids_from_bytes(b"".join(batch))
        expected = [
            digest not in reference and digest not in batch[:place] for place, digest in enumerate(batch)
        ]

        fresh = seen.fresh(ids)

        assert expected == fresh.tolist()
        seen.add(ids[fresh])
        reference |= set(batch)


@given(batch=st.lists(digests, max_size=30))
def test_bytes_round_trip(batch: list[bytes]) -> None:
    """Ids are written as they came."""
    assert b"".join(batch) == ids_to_bytes(ids_from_bytes(b"".join(batch)))


def test_it_grows() -> None:
    """Nothing is lost when a table is made larger."""
    ids = np.random.default_rng(7).integers(1, 2**63, (50_000, 2)).astype(np.uint64)
    seen = SeenIds(10**6)
    for start in range(0, len(ids), 1000):
        seen.add(ids[start : start + 1000])

    assert not seen.fresh(ids).any()
    assert len(ids) == len(seen)


def numbered(first: int, count: int) -> Ids:
    """*count* ids, the numbers from *first* on."""
    numbers = np.arange(first, first + count, dtype=np.uint64)
    return np.stack((numbers, numbers + np.uint64(1)), axis=1)


def test_generations_are_forgotten_whole() -> None:
    """An id is remembered for as many generations as are kept, and then forgotten."""
    seen, ids = SeenIds(1000), ids_from_bytes(bytes(range(1, 17)))
    seen.add(ids)
    remembered = []
    for _ in range(3):
        seen.begin_generation(keep=2)
        remembered.append(not seen.fresh(ids)[0])

    assert remembered == [True, True, False]


def test_the_oldest_make_room() -> None:
    """Past the limit the oldest ids go first."""
    seen = SeenIds(4)
    for first in range(1, 7):
        seen.add(numbered(first, 1))

    assert seen.fresh(numbered(1, 6)).tolist() == [True, True, False, False, False, False]


def test_within_a_generation_memory_is_limited() -> None:
    """However many ids come before time begins a generation, no more than the limit is held."""
    seen = SeenIds(1000)
    for first in range(1, 50_000, 100):
        seen.add(numbered(first, 100))

    assert 500 <= len(seen) <= 1000


def test_a_new_generation_costs_no_memory_of_ids() -> None:
    """After time has begun a generation, the next id takes the place of the oldest, not of all before."""
    seen = SeenIds(1000)
    for first in range(1, 2001, 100):
        seen.add(numbered(first, 100))
    seen.begin_generation(keep=2)

    seen.add(numbered(5000, 1))

    assert not seen.fresh(numbered(1501, 500)).any()


@pytest.mark.parametrize("limit", [1, 2, 5, 1000])
@pytest.mark.parametrize("more", [0, 1, 700])
def test_more_at_once_than_the_limit(limit: int, more: int) -> None:
    """Of as many ids as the limit or more the newest stay, and what came before is forgotten."""
    seen = SeenIds(limit)
    seen.add(numbered(1, 1))

    seen.add(numbered(10, limit + more))

    assert limit == len(seen)
    assert not seen.fresh(numbered(10 + more, limit)).any()


steps = st.lists(st.integers(1, 30) | st.just("time passes"), max_size=40)


@given(limit=st.integers(1, 40), steps=steps)
def test_the_newest_are_remembered(limit: int, steps: list[int | str]) -> None:
    """Half of the limit, the newest, is always remembered unless its time is over; never more than all."""
    seen, period, periods = SeenIds(limit), 0, list[int]()
    for step in steps:
        if isinstance(step, int):
            seen.add(numbered(len(periods) + 1, step))
            periods += [period] * step
        else:
            seen.begin_generation(keep=2)
            period += 1
        known = (~seen.fresh(numbered(1, len(periods)))).tolist()
        in_time = [made >= period - 2 for made in periods]
        sure = max(limit - limit // 2, 1)

        assert len(seen) == sum(known) <= limit
        assert in_time[-sure:] == known[-sure:]
        assert not any(is_known and not timely for is_known, timely in zip(known, in_time, strict=True))


@given(first=st.integers(0, 2**40), gaps=st.lists(st.integers(1, 9000), min_size=1, max_size=40))
def test_an_id_keeps_its_place(first: int, gaps: list[int]) -> None:
    """Where an id came is remembered with it, however far the log has got and however often tables grow."""
    places = first + np.cumsum(np.array(gaps, dtype=np.int64))
    seen, ids = SeenIds(10**6), numbered(1, len(gaps))
    seen.add(ids, places)
    seen.add(numbered(10_000, 5000), places[-1] + np.arange(5000))

    assert seen.places(ids, below=int(places[-1]) + 5001).tolist() == places.tolist()


def test_an_unknown_id_has_no_place() -> None:
    """Of an id that never came, or was forgotten, it is said that it came nowhere."""
    seen = SeenIds(2)
    seen.add(numbered(1, 1), np.array([7]))
    seen.add(numbered(2, 2), np.array([8, 9]))

    assert seen.places(numbered(1, 4), below=10).tolist() == [NOWHERE, 8, 9, NOWHERE]
