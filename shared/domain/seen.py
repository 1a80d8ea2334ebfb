"""Which event ids were seen before, and where: open-addressing tables of 128-bit ids; it reads no clock."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint64]
"""Shape (n, 2): the high and the low half of each 128-bit id."""

Places = npt.NDArray[np.int64]
"""Offsets in the log at or shortly before the records of ids."""

ID_BYTES = 16

NOWHERE = -1
"""The place of an id that is not remembered."""


def ids_from_bytes(joined: bytes) -> Ids:
    """The ids of 16-byte digests that stand one after the other."""
    return np.frombuffer(joined, dtype=">u8").astype(np.uint64).reshape(-1, 2)


def ids_to_bytes(ids: Ids) -> bytes:
    """The digests of *ids*, one after the other: the inverse of `ids_from_bytes`."""
    return ids.astype(">u8").tobytes()


def first_occurrences(ids: Ids) -> npt.NDArray[np.bool_]:
    """True where an id stands for the first time in *ids*."""
    high = np.sort(ids[:, 0])
    if not (high[1:] == high[:-1]).any():
        return np.ones(len(ids), dtype=np.bool_)
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
    belongs to one generation; time begins those. A table has 20 bytes a slot, 4 of them for the place, and
    is at most half full, so an id takes 40 to 80 bytes.

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

    def holds(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """True for every id of *ids* that is remembered."""
        held = np.zeros(len(ids), dtype=np.bool_)
        for table in self._tables:
            held |= table.holds(ids)
        return held

    def places(self, ids: Ids, *, below: int) -> Places:
        """Where each of *ids* came, as it was added; `NOWHERE` for one that is not remembered.

        Args:
            ids: in any order.
            below: an offset that is greater than every place and by less than 2**32 of them.
        """
        low = np.full(len(ids), NOWHERE, dtype=np.int64)
        for table in self._tables:
            low = np.maximum(low, table.places(ids))
        # Only 32 bits are kept: the place is the nearest before *below* that ends in them.
        return np.where(low == NOWHERE, NOWHERE, below - 1 - ((below - 1 - low) & _PLACE_MASK))

    def add(self, ids: Ids, places: Places | None = None) -> None:
        """Remember *ids*, oldest first, which must be distinct and not yet remembered, and their *places*."""
        places = np.zeros(len(ids), dtype=np.int64) if places is None else places
        if len(ids) >= self.limit:
            self._tables, ids, places = [], ids[-self.limit :], places[-self.limit :]
        low = (places & _PLACE_MASK).astype(np.uint32)
        while len(ids):
            table, room = self._roomy()
            table.insert(ids[:room], low[:room])
            ids, low = ids[room:], low[room:]
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


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one partition.

    Attributes:
        seen: the events that were applied, with the places of their records.
        retracted: the events that were retracted, whether they have come or not.
    """

    seen: SeenIds
    retracted: SeenIds

    def __len__(self) -> int:
        return len(self.seen) + len(self.retracted)

    @classmethod
    def of(cls, limit: int) -> "Memory":
        """Nothing yet, and at most *limit* ids of either sort."""
        return cls(SeenIds(limit), SeenIds(limit))


_SMALLEST = 1 << 12

_PLACE_MASK = (1 << 32) - 1


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
        self._place = np.zeros(_SMALLEST, dtype=np.uint32)

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

    def places(self, ids: Ids) -> Places:
        """The low 32 bits of each id's place; `NOWHERE` for one that is not here."""
        found = np.full(len(ids), NOWHERE, dtype=np.int64)
        for row in np.flatnonzero(self.holds(ids)):
            slots = self._first_slots(ids[row : row + 1, 0])
            while (self._high[slots[0]], self._low[slots[0]]) != tuple(ids[row]):
                slots = self._after(slots)
            found[row] = self._place[slots[0]]
        return found

    def insert(self, ids: Ids, places: npt.NDArray[np.uint32]) -> None:
        self._make_room(len(ids))
        self.used += len(ids)
        high, low = ids[:, 0], ids[:, 1]
        slots = self._first_slots(high)
        while high.size:
            free = (self._high[slots] | self._low[slots]) == 0
            taken = slots[free]
            # Of several ids that meet in a free slot the last one stays; the others go on looking.
            self._high[taken], self._low[taken], self._place[taken] = high[free], low[free], places[free]
            lost = (self._high[slots] != high) | (self._low[slots] != low)
            high, low, slots, places = high[lost], low[lost], self._after(slots[lost]), places[lost]

    def _make_room(self, more: int) -> None:
        size = len(self._high)
        while size < 2 * (self.used + more):
            size *= 2
        if size > len(self._high):
            full = (self._high | self._low) != 0
            held, places = np.stack((self._high[full], self._low[full]), axis=1), self._place[full]
            self._high, self._low, self.used = np.zeros(size, np.uint64), np.zeros(size, np.uint64), 0
            self._place = np.zeros(size, np.uint32)
            self.insert(held, places)

    def _first_slots(self, high: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        return (high & np.uint64(len(self._high) - 1)).astype(np.int64)

    def _after(self, slots: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return (slots + 1) & (len(self._high) - 1)
