"""Token buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.security import rates
from services.api.security.rates import Rates
from shared.domain.access.rates import Rate, TooManyRequestsError


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def _passes(counted: Rates, name: str = "one") -> bool:
    try:
        counted.take(name)
    except TooManyRequestsError:
        return False
    return True


@given(
    per_s=st.integers(1, 50),
    burst=st.integers(1, 20),
    pauses=st.lists(st.integers(0, 64).map(lambda n: n / 64), min_size=1, max_size=60),
)
def test_never_more(per_s: int, burst: int, pauses: list[float]) -> None:
    """Over any stretch of time no more pass than the burst and what the rate gives."""
    clock = Clock()
    counted = Rates(Rate(per_s, burst), now_s=clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now_s += pause
        if _passes(counted):
            passed.append(clock.now_s)
    for first, begin in enumerate(passed):
        for last, end in enumerate(passed[first:], start=first):
            assert last - first + 1 <= burst + per_s * (end - begin) + 1e-6


@given(per_s=st.integers(1, 50), burst=st.integers(1, 20))
def test_told_when(per_s: int, burst: int) -> None:
    """Who is turned away passes after the time that was told."""
    clock = Clock()
    counted = Rates(Rate(per_s, burst), now_s=clock)
    while _passes(counted):
        pass
    with pytest.raises(TooManyRequestsError) as turned_away:
        counted.take("one")
    clock.now_s += turned_away.value.wait_s

    assert _passes(counted)


def test_apart() -> None:
    """One caller's requests do not count against another."""
    counted = Rates(Rate(1, 1), now_s=Clock())

    assert [_passes(counted, name) for name in ("one", "one", "other")] == [True, False, True]


def test_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers who have rested are forgotten, those who have not are not."""
    monkeypatch.setattr(rates, "_FORGET_AT", 3)
    clock = Clock()
    counted = Rates(Rate(1, 2), now_s=clock)
    for name in ("a", "b"):
        counted.take(name)
    clock.now_s += 2
    for name in ("c", "c", "d"):
        counted.take(name)

    assert len(counted._buckets) == 2
    assert not _passes(counted, "c")
