"""Elements stand where a sort by several keys puts them, however it is done."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.arrays import Int64s, sorting_places

GROUPS = {
    "few": st.integers(0, 5),
    "one": st.just(7),
    "negative": st.integers(-3, 3),
    "all of 64 bits": st.integers(-(2**63), 2**63 - 1),
    "up to sixteen bits": st.sampled_from([0, 1, 65_534, 65_535, 65_536]),
}
INSTANTS = {
    "seconds": st.integers(0, 90).map(lambda second: 1_700_000_000_000_000 + second * 1_000_000),
    "hours": st.integers(0, 30).map(lambda hour: 1_700_000_000_000_000 + hour * 3_600_000_000),
    "days of other zones": st.integers(0, 3).map(lambda day: day * 86_400_000_000 - 19_800_000_000),
    "microseconds": st.integers(1_700_000_000_000_000, 1_700_000_003_000_000),
}


def arrays(pairs: list[tuple[int, int]]) -> tuple[Int64s, Int64s]:
    """The first and the second of each pair."""
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS.keys())
@pytest.mark.parametrize("instant", INSTANTS.values(), ids=INSTANTS.keys())
def test_sorting(group: st.SearchStrategy[int], instant: st.SearchStrategy[int]) -> None:
    """The order is that of a stable sort by all keys, whatever lies between their extremes."""

    @given(st.lists(st.tuples(group, instant), max_size=40))
    def holds(pairs: list[tuple[int, int]]) -> None:
        keys = arrays(pairs)

        assert sorted(range(len(pairs)), key=pairs.__getitem__) == sorting_places(keys).tolist()

    holds()


def test_three_keys() -> None:
    """Further keys decide among equals."""
    keys = [np.array(key) for key in ([1, 0, 1, 0], [5, 6, 5, 6], [9, 3, 2, 4])]

    assert sorting_places(keys).tolist() == [1, 3, 2, 0]
