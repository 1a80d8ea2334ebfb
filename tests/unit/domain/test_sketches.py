"""Sketches: bucket counts within 1 %, distinct values exactly and then within the stated error."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.sketches.distinct import EXACT_UP_TO, REGISTERS, Distinct, estimate, registers_of
from shared.domain.sketches.hashing import canonical_text, value_hashes
from shared.domain.sketches.quantiles import Quantiles, bucket_ends, bucket_numbers, representative

LARGEST = 9_200_000_000_000_000_000
values = st.integers(-LARGEST, LARGEST) | st.integers(-200, 200)
one_percent = Fraction(1, 100)


def array(numbers: Sequence[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """*numbers* as 64-bit integers."""
    return np.array(numbers, dtype=np.int64)


def hashes(numbers: range) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The hashes of as many different numbers."""
    return value_hashes(list(numbers))


@given(value=values)
def test_representative(value: int) -> None:
    """What stands for a bucket is within 1 % of every value in it, and has its sign."""
    (number,) = bucket_numbers(array([value])).tolist()

    assert abs(representative(number) - value) <= one_percent * abs(value)


@given(value=st.integers(1, LARGEST))
def test_bucket_is_by_powers_of_gamma(value: int) -> None:
    """Bucket i holds what is above gamma to the i - 1 and at most gamma to the i, for gamma = 101/99."""
    power = int(bucket_numbers(array([value]))[0]) - 1
    above, below = 101**power, 99**power

    assert above * 99 < value * below * 101
    assert value * below <= above


def test_buckets_are_mirrored() -> None:
    """Zero has a bucket of its own, and a value's negative has the negative number."""
    assert bucket_numbers(array([0, 1, -1, 2, -2, 5, LARGEST])).tolist() == [0, 1, -1, 36, -36, 82, 2185]


def test_small_integers_are_exact() -> None:
    """Up to 50 every integer has a bucket of its own, so that percentiles of small counts are exact."""
    numbers = bucket_numbers(array(range(51))).tolist()

    assert [representative(number) for number in numbers] == list(range(51))


def test_buckets_are_few() -> None:
    """All scaled values fall into 2 * 2185 + 1 buckets: what a pane may come to in the worst case."""
    assert len(bucket_ends()) == 2185


@given(numbers=st.lists(values, min_size=1, max_size=60), percent=st.decimals(0, 100, places=3))
def test_percentile(numbers: list[int], percent: Decimal) -> None:
    """A percentile is within 1 % of the lowest value whose cumulative count is above p/100 * (n - 1)."""
    found = Quantiles.of(array(numbers)).at(percent)
    rank = Fraction(percent) / 100 * (len(numbers) - 1)
    exact = next(value for place, value in enumerate(sorted(numbers), 1) if place > rank)

    assert found is not None
    assert abs(found - exact) <= one_percent * abs(exact)


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (1, 1), (1023, 1023), (1024, 1024)])
def test_few_values_are_counted_exactly(size: int, expected: int) -> None:
    """Up to 1024 different values the count is exact, however often each was met."""
    found = Distinct.of(np.concatenate((hashes(range(size)), hashes(range(size)))))

    assert (expected, 2 * size) == (found.count, found.n)


@pytest.mark.parametrize("size", [1025, 1500, 5_000, 20_000, 60_000, 200_000])
def test_many_values_are_estimated(size: int) -> None:
    """Beyond that the estimate stays within three standard errors, 2.5 %, over the whole range."""
    assert abs(Distinct.of(hashes(range(size))).count - size) <= 0.025 * size


def test_estimates_have_no_bias() -> None:
    """Over 60 sets of one size the mean error is within four standard errors of the mean: 4 * 0.81 % / 60."""
    random, errors = np.random.default_rng(7), []
    for size in (2_000, 12_000, 40_000):
        for _ in range(20):
            drawn = random.integers(-(2**63), 2**63, size, dtype=np.int64)
            errors.append(estimate(registers_of(drawn)) / size - 1)

    assert abs(np.mean(errors)) < 4 * 0.0081 / sqrt(len(errors))
    assert np.std(errors) < 0.0125


@given(
    sizes=st.lists(st.integers(0, 900), min_size=1, max_size=5),
    firsts=st.lists(st.integers(0, 1500), min_size=5, max_size=5),
)
def test_the_number_is_a_function_of_the_set(sizes: list[int], firsts: list[int]) -> None:
    """However values are spread over panes, exact ones and estimates alike, the union has one count."""
    parts = [range(first, first + size) for first, size in zip(firsts, sizes, strict=False)]
    merged = Distinct()
    for part in parts:
        merged = merged.merged(Distinct.of(hashes(part)))
    union = sorted({number for part in parts for number in part})
    whole = Distinct.of(value_hashes(union))

    assert whole.count == merged.count
    assert (len(union) > EXACT_UP_TO) == (merged.registers is not None)


def test_the_switch() -> None:
    """The value that makes 1024 into 1025 turns counting into estimating, in one pane or between two."""
    few, one_more = Distinct.of(hashes(range(1024))), Distinct.of(hashes(range(1024, 1025)))

    assert few.registers is None
    assert few.merged(one_more) == Distinct.of(hashes(range(1025)))
    assert few.merged(one_more).registers is not None


def test_taking_away_values() -> None:
    """A value goes when all its events are taken away; registers cannot let go of any."""
    twice, once = value_hashes(["a", "a", "b"]), Distinct.of(value_hashes(["a"]))
    minus = Distinct(-1, type(once.hashes)(once.hashes.items, -once.hashes.counts))
    exact, many = Distinct.of(twice), Distinct.of(hashes(range(2000)))

    assert not exact.may_hang_on(once)
    assert exact.merged(minus).count == 2
    assert exact.merged(minus).merged(minus) == Distinct.of(value_hashes(["b"]))
    assert exact.may_hang_on(Distinct.of(value_hashes(["c"])))
    assert many.may_hang_on(once)


def test_hash_of_zero_has_the_highest_rank() -> None:
    """A hash whose last 50 bits are all 0 has rank 51, the largest that 6 bits are kept for."""
    found = registers_of(array([0, 1]))

    assert (int(found[0]), int(found.sum()), len(found)) == (51, 51, REGISTERS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ko\u0308ln", '"Köln"'),
        ("1", '"1"'),
        (1, "1"),
        (1.0, "1"),
        (Decimal("1.00"), "1"),
        (10, "1E+1"),
        (1e1, "1E+1"),
        (Decimal("0.10"), "0.1"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (True, "true"),
        (False, "false"),
        ("true", '"true"'),
        (10**38 + 1, str(10**38 + 1)),
    ],
)
def test_canonical_text(value: object, text: str) -> None:
    """Equal values have one text: numbers by value, texts by NFC, and no kind is taken for another."""
    assert text == canonical_text(value)


LONG = "0.1000000000000000055511151231257827021181583404541015625"
"""What the float 0.1 is to the last digit: to Python the two are equal, to people they are not."""

scalars = st.one_of(
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.1, 1.0, 0.0, "1", "true", "a", Decimal("1.0"), Decimal(LONG), Decimal("0.1")]),
)


@given(batch=st.lists(scalars, min_size=1, max_size=20))
def test_hashes_do_not_depend_on_the_batch(batch: list[object]) -> None:
    """A value has the same hash alone and beside others, even beside those that Python takes for equal."""
    assert value_hashes(batch).tolist() == [int(value_hashes([value])[0]) for value in batch]


def test_hashes_stay() -> None:
    """Hashes are kept in panes: the same value has the same one in every release."""
    found = value_hashes(["Köln", 1, True]).tolist()

    assert found == [5445774824188743202, -649571662916077706, -762949159951731137]
