"""The largest series, and the others as one."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.aggregates import Numbers
from shared.domain.ranking import Ranked, ranked, together
from shared.domain.readings import NOTHING, Answer

values = st.dictionaries(st.text("abc", max_size=3), st.none() | st.integers(-3, 3).map(Decimal), max_size=12)


@given(values=values, most=st.integers(1, 5))
def test_none_of_the_others_is_larger(values: dict[str, Decimal | None], most: int) -> None:
    """Every series is in one of the parts, the first are at most as many, and no other has a larger value."""
    found = ranked(values, most)

    def size(series: str) -> Decimal:
        value = values[series]
        return Decimal("-Infinity") if value is None else value

    assert sorted(values) == sorted([*found.first, *found.rest])
    assert len(found.first) == min(most, len(values))
    assert [*found.first, *found.rest] == sorted(values, key=lambda series: (-size(series), series))


def test_ties_and_nulls() -> None:
    """Of equal values the smaller text comes first; a series without a value comes after all with one."""
    found = ranked({"b": Decimal(1), "c": None, "a": Decimal(1), "d": Decimal(-9)}, 3)

    assert Ranked(("a", "b", "d"), ("c",)) == found


def test_values_are_compared_to_the_last_digit() -> None:
    """A difference past 28 digits decides, too."""
    small, large = Decimal(10**30), Decimal(10**30 + 1)

    assert ranked({"a": small, "b": large}, 1).first == ("b",)


def test_together() -> None:
    """The others are their events together: the mean of all, not of the means; the earliest panes count."""
    answers = [Answer(Numbers(2, 10, 4, 6), 100, None), NOTHING, Answer(Numbers(1, 1, 1, 1), 50, 300)]

    assert Answer(Numbers(3, 11, 1, 6), 50, 300) == together(answers)
    assert together([NOTHING, NOTHING]) == NOTHING
