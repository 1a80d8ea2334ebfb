"""Which event ids were seen before: open-addressing tables of 128-bit ids; it reads no clock."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint64]
"""Shape (n, 2): the high and the low half of each 128-bit id."""

ID_BYTES = 16


def ids_from_bytes(joined: bytes) -> Ids:
    """The ids of 16-byte digests that stand one after the other."""
    return np.frombuffer(joined, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def ids_to_bytes(ids: Ids) -> bytes:
    """The digests of *ids*, one after the other: the inverse of `ids_from_bytes`."""
    return ids.astype(">u8").tobytes()


def first_occurrences(ids: Ids) -> npt.NDArray[np.bool_]:
    """True where an id stands for the first time in *ids*."""
    order = np.argsort(ids[:, 0], kind="stable")
    high = ids[order, 0]
    if (high[1:] == high[:-1]).any():
        order = np.lexsort((ids[:, 1], ids[:, 0]))
    ordered = ids[order]
    new = np.ones(len(ids), dtype=np.bool_)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(ids), dtype=np.bool_)
    first[order] = new
    return first


@dataclass(slots=True)
class SeenIds:
    """The ids of one partition within the dedupe horizon, in tables that are forgotten whole.

    No table holds more than half of the limit, so the newest half is remembered whatever makes room. Each
    belongs to one generation; time begins those. A table has 16 bytes a slot and is at most half full, so
    an id takes 32 to 64 bytes.

    Attributes:
        limit: how many ids are remembered at most, from 1 on; the oldest go first.
    """

    limit: int
    _generation: int = 0
    _tables: list["_Table"] = field(default_factory=lambda: [_Table(0)])

    def __len__(self) -> int:
        return sum(table.used for table in self._tables)

    def fresh(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """True for every id of *ids* that is not remembered and stands there for the first time."""
        fresh = first_occurrences(ids)
        for table in self._tables:
            fresh &= ~table.holds(ids)
        return fresh

    def add(self, ids: Ids) -> None:
        """Remember *ids*, oldest first, which must be distinct and not yet remembered."""
        if len(ids) >= self.limit:
            self._tables, ids = [], ids[-self.limit :]
        while len(ids):
            table, room = self._roomy()
            table.insert(ids[:room])
            ids = ids[room:]
        while len(self) > self.limit:
            self._tables.pop(0)

    def begin_generation(self, *, keep: int) -> None:
        """Start a new generation and forget all but the newest *keep* of the former ones."""
        self._generation += 1
        self._tables = [table for table in self._tables if table.generation >= self._generation - keep]
        self._tables.append(_Table(self._generation))

    def _roomy(self) -> tuple["_Table", int]:
        """The table to fill and how many ids it still takes."""
        most = max(self.limit // 2, 1)
        if not self._tables or self._tables[-1].used == most:
            self._tables.append(_Table(self._generation))
        return self._tables[-1], most - self._tables[-1].used


_SMALLEST = 1 << 12


class _Table:
    """A hash table with linear probing whose steps run over whole arrays.

    The ids are digests, uniform by themselves: the low bits of the high half are the slot. A slot of
    two zeros is empty; no digest in practice is zero.

    Attributes:
        generation: the number of the generation its ids belong to.
    """

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.used = 0
        self._high = np.zeros(_SMALLEST, dtype=np.uint64)
        self._low = np.zeros(_SMALLEST, dtype=np.uint64)

    def holds(self, ids: Ids) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(ids), dtype=np.bool_)
        rows, high, low = np.arange(len(ids)), ids[:, 0], ids[:, 1]
        slots = self._first_slots(high)
        while rows.size:
            high_there, low_there = self._high[slots], self._low[slots]
            hit = (high_there == high) & (low_there == low)
            found[rows[hit]] = True
            on = ~hit & ((high_there | low_there) != 0)
            rows, high, low, slots = rows[on], high[on], low[on], self._after(slots[on])
        return found

    def insert(self, ids: Ids) -> None:
        self._make_room(len(ids))
        self.used += len(ids)
        high, low = ids[:, 0], ids[:, 1]
        slots = self._first_slots(high)
        while high.size:
            free = (self._high[slots] | self._low[slots]) == 0
            self._high[slots[free]], self._low[slots[free]] = high[free], low[free]
            # Of several ids that met in a free slot the last one stays; the others go on looking.
            lost = (self._high[slots] != high) | (self._low[slots] != low)
            high, low, slots = high[lost], low[lost], self._after(slots[lost])

    def _make_room(self, more: int) -> None:
        size = len(self._high)
        while size < 2 * (self.used + more):
            size *= 2
        if size > len(self._high):
            full = (self._high | self._low) != 0
            held = np.stack((self._high[full], self._low[full]), axis=1)
            self._high, self._low, self.used = np.zeros(size, np.uint64), np.zeros(size, np.uint64), 0
            self.insert(held)

    def _first_slots(self, high: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        return (high & np.uint64(len(self._high) - 1)).astype(np.int64)

    def _after(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return (slots + 1) & (len(self._high) - 1)
