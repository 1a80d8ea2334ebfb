"""How many different values there are: exactly while they are few, from HyperLogLog registers beyond.

Which of the two it is depends on the set of values alone, so the number is a function of that set: neither
order nor batches nor panes show in it.
"""

from dataclasses import dataclass, field
from math import inf, sqrt

import numpy as np
import numpy.typing as npt

from shared.domain.arrays import Int64s
from shared.domain.sketches.counts import Counts

Registers = npt.NDArray[np.uint8]

EXACT_UP_TO = 1024
"""So many different values are counted exactly; more are estimated."""

INDEX_BITS = 14
REGISTERS = 1 << INDEX_BITS
"""Enough for a standard error of 1.04 / sqrt(16384) = 0.81 % (Flajolet et al., AofA 2007)."""

RANK_BITS = 64 - INDEX_BITS
"""Bits of a hash that the rank of its first 1 is looked for in; ranks are 1 to 51."""

_ALPHA = 0.7213475204444817
"""1 / (2 ln 2), as a constant so that no library's logarithm matters."""


def registers_of(hashes: Int64s) -> Registers:
    """The registers of 64-bit *hashes*: of each index the highest rank met, 0 where none was."""
    bits = hashes.view(np.uint64)
    rest = (bits & np.uint64((1 << RANK_BITS) - 1)).astype(np.float64)
    # The rest has 50 bits, so a double holds it and its exponent is the place of the first 1.
    ranks = (RANK_BITS + 1 - np.frexp(rest)[1]).astype(np.uint8)
    found = np.zeros(REGISTERS, dtype=np.uint8)
    np.maximum.at(found, bits >> np.uint64(RANK_BITS), ranks)
    return found


def estimate(registers: Registers) -> float:
    """How many different hashes made *registers*: the improved raw estimator of Ertl (arXiv 1702.01284)."""
    of_rank = np.bincount(registers, minlength=RANK_BITS + 2).tolist()
    z = REGISTERS * _tau(1 - of_rank[RANK_BITS + 1] / REGISTERS)
    for rank in range(RANK_BITS, 0, -1):
        z = 0.5 * (z + of_rank[rank])
    z += REGISTERS * _sigma(of_rank[0] / REGISTERS)
    return _ALPHA * REGISTERS * REGISTERS / z


def _sigma(x: float) -> float:
    if x == 1.0:
        return inf
    y, z, before = 1.0, x, -1.0
    while z != before:
        x, before = x * x, z
        z, y = z + x * y, y + y
    return z


def _tau(x: float) -> float:
    if x in (0.0, 1.0):
        return 0.0
    y, z, before = 1.0, 1.0 - x, -1.0
    while z != before:
        x, before, y = sqrt(x), z, 0.5 * y
        z -= (1.0 - x) * (1.0 - x) * y
    return z / 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """What a set of events comes to; the one without arguments is the identity of `merged`.

    Attributes:
        n: how many events; below 0 for events taken away.
        hashes: how often the hash of each value was met; empty where there are registers.
        registers: what is left of more than `EXACT_UP_TO` values; None of fewer.
    """

    n: int = 0
    hashes: Counts = field(default_factory=Counts)
    registers: Registers | None = None

    @classmethod
    def of(cls, hashes: Int64s) -> "Distinct":
        """The partial of events whose values have *hashes*."""
        return distinct(len(hashes), Counts.of(hashes), None)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Distinct):
            return NotImplemented
        if self.n != other.n or self.hashes != other.hashes:
            return False
        if self.registers is None or other.registers is None:
            return self.registers is other.registers
        return np.array_equal(self.registers, other.registers)

    def __hash__(self) -> int:
        return hash((self.n, self.hashes, None if self.registers is None else self.registers.tobytes()))

    def merged(self, other: "Distinct") -> "Distinct":
        """The partial of both sets together; of events taken away, see `holds`."""
        registers = union([r for r in (self.registers, other.registers) if r is not None])
        return distinct(self.n + other.n, self.hashes.merged(other.hashes), registers)

    def holds(self, removed: "Distinct") -> bool:
        """Whether merging with the negative of *removed* leaves exactly what would be without it.

        The partial must be the very one that is merged, not that of a pane of which it is only a shard.
        """
        exact = self.registers is None and removed.registers is None
        return exact and self.hashes.hold(removed.hashes)

    def may_hang_on(self, removed: "Distinct") -> bool:
        """Whether *removed* cannot simply be taken away: registers forget who set them; see `holds`."""
        return not self.holds(removed)

    @property
    def count(self) -> int:
        """How many different values; within 2.5 % (three standard errors) of more than `EXACT_UP_TO`."""
        if self.registers is None:
            return len(self.hashes)
        return max(EXACT_UP_TO + 1, round(estimate(self.registers)))


def union(several: list[Registers]) -> Registers | None:
    """The registers of all values behind *several*; None of none."""
    return np.maximum.reduce(several) if several else None


def distinct(n: int, hashes: Counts, registers: Registers | None) -> Distinct:
    """The partial of *n* events with *hashes* and, beside them, those behind *registers*.

    What was taken away more often than it was met is not there.
    """
    present = hashes.positive()
    if registers is None and len(present) <= EXACT_UP_TO:
        return Distinct(n, present, None)
    own = registers_of(present.items)
    return Distinct(n, Counts(), own if registers is None else np.maximum(own, registers))
