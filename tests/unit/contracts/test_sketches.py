"""The bytes of sketches: what panes hold is read by every release to come."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.sketches import UnknownSketchError, counts_body, registers_body, sketch_of
from shared.domain.aggregates import Kind
from shared.domain.sketches.counts import Counts
from shared.domain.sketches.distinct import REGISTERS, Registers, registers_of

SMALL = Counts(np.array([-36, 0, 2185]), np.array([1, 127, -3]))
WIDE = Counts(np.array([-1, 5]), np.array([2**40, 300]))


def are_equal(registers: Registers, read: Counts | Registers) -> bool:
    """Whether registers were *read*, and the same."""
    return not isinstance(read, Counts) and np.array_equal(registers, read)


@pytest.mark.parametrize(
    ("counts", "kind", "body"),
    [
        (Counts(), Kind.QUANTILES, "0101"),
        (SMALL, Kind.QUANTILES, "0101 dcff 0000 8908 01 7f fd"),
        (WIDE, Kind.QUANTILES, "0108 ffff 0500 0000000000010000 2c01000000000000"),
        (SMALL, Kind.DISTINCT, "0201 dcffffffffffffff 0000000000000000 8908000000000000 01 7f fd"),
    ],
)
def test_counts(counts: Counts, kind: Kind, body: str) -> None:
    """Counts are written with their form, the width of a count, the items and the counts."""
    assert bytes.fromhex(body) == counts_body(counts, kind)
    assert counts == sketch_of(bytes.fromhex(body))


def test_few_registers() -> None:
    """While most registers are empty, the others are written with their indices."""
    registers = np.zeros(REGISTERS, dtype=np.uint8)
    registers[[3, 16383]] = (1, 51)

    assert bytes.fromhex("03 0300 ff3f 01 33") == registers_body(registers)
    assert are_equal(registers, sketch_of(registers_body(registers)))


def test_many_registers() -> None:
    """Otherwise all of them are written with six bits each: 0 1 2 3 are 000000 000001 000010 000011."""
    registers = np.tile(np.array([0, 1, 2, 3, 51, 50, 49, 48], dtype=np.uint8), REGISTERS // 8)
    body = registers_body(registers)

    assert bytes.fromhex("04 001083 cf2c70") == body[:7]
    assert len(body) == 1 + REGISTERS * 6 // 8
    assert are_equal(registers, sketch_of(body))


@given(
    counted=st.dictionaries(st.integers(-2185, 2185), st.integers(-(2**62), 2**62).filter(bool)),
    kind=st.sampled_from([Kind.QUANTILES, Kind.DISTINCT]),
)
def test_counts_come_back(counted: dict[int, int], kind: Kind) -> None:
    """Whatever was written is read as it was."""
    items = sorted(counted)
    counts = Counts(np.array(items, dtype=np.int64), np.array([counted[i] for i in items], dtype=np.int64))

    assert counts == sketch_of(counts_body(counts, kind))


@given(sizes=st.lists(st.integers(0, 9000), min_size=2, max_size=4).map(sorted))
def test_registers_come_back(sizes: list[int]) -> None:
    """Registers are read as they were, and are never longer the fewer there are."""
    drawn = np.random.default_rng(1).integers(-(2**63), 2**63, max(sizes), dtype=np.int64)
    bodies = [registers_body(registers_of(drawn[:size])) for size in sizes]

    for size, body in zip(sizes, bodies, strict=True):
        assert are_equal(registers_of(drawn[:size]), sketch_of(body))
    assert all(len(few) <= len(many) for few, many in pairwise(bodies))


@pytest.mark.parametrize("body", [b"", b"\0", b"\5abc", b"\4abc"])
def test_foreign_bodies(body: bytes) -> None:
    """A body of a later release, or a broken one, is refused rather than counted as something else."""
    with pytest.raises(UnknownSketchError):
        sketch_of(body)
