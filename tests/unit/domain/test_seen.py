"""Remembering ids: nothing forgotten within the limits, nothing taken for another."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.seen import SeenIds, ids_from_bytes, ids_to_bytes

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
    """Past the limit the oldest generation goes first."""
    seen = SeenIds(2)
    old, new = ids_from_bytes(b"a" * 32 + b"b" * 16)[1:], ids_from_bytes(b"c" * 16 + b"d" * 16)
    seen.add(old)
    seen.begin_generation(keep=2)
    seen.add(new)

    assert seen.fresh(old).all()
    assert not seen.fresh(new).any()
