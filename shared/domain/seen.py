"""Which event ids were seen before: sorted runs of 128-bit ids, merged as they grow; it reads no clock."""

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
    order = np.lexsort((ids[:, 1], ids[:, 0]))
    ordered = ids[order]
    new = np.ones(len(ids), dtype=np.bool_)
    new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(ids), dtype=np.bool_)
    first[order] = new
    return first


@dataclass(slots=True)
class SeenIds:
    """The ids of one partition within the dedupe horizon.

    Runs are merged whenever the newer is at least half as long as the older, so that there are
    O(log n) of them and an id is moved O(log n) times (the logarithmic method of Bentley and Saxe, 1980).
    Memory is 16 bytes an id, up to twice that during a merge.

    Attributes:
        limit: how many ids are remembered at most; the oldest generation is forgotten first.
    """

    limit: int
    _generations: list[list[Ids]] = field(default_factory=lambda: [[]])

    def __len__(self) -> int:
        return sum(len(run) for runs in self._generations for run in runs)

    def fresh(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """True for every id of *ids* that was never added and stands there for the first time."""
        fresh = first_occurrences(ids)
        for runs in self._generations:
            for run in runs:
                fresh &= ~_among(run, ids)
        return fresh

    def add(self, ids: Ids) -> None:
        """Remember *ids*, none of which may have been added before."""
        if len(ids) == 0:
            return
        run = ids[np.lexsort((ids[:, 1], ids[:, 0]))]
        runs = self._generations[-1]
        while runs and len(runs[-1]) <= 2 * len(run):
            run = _merged(runs.pop(), run)
        runs.append(run)
        while len(self) > self.limit and len(self._generations) > 1:
            self._generations.pop(0)

    def begin_generation(self, *, keep: int) -> None:
        """Start a new generation and forget all but the newest *keep* of the former ones."""
        self._generations.append([])
        del self._generations[: -keep - 1]


def _merged(one: Ids, other: Ids) -> Ids:
    both = np.concatenate((one, other))
    return both[np.lexsort((both[:, 1], both[:, 0]))]


def _among(run: Ids, ids: Ids) -> npt.NDArray[np.bool_]:
    """Whether each of *ids* stands in the sorted *run*; halves that collide are followed one by one."""
    high = run[:, 0]
    place = np.searchsorted(high, ids[:, 0], side="left")
    found = np.zeros(len(ids), dtype=np.bool_)
    open_rows = np.flatnonzero(place < len(run))
    while open_rows.size:
        at = place[open_rows]
        same_high = high[at] == ids[open_rows, 0]
        found[open_rows] |= same_high & (run[at, 1] == ids[open_rows, 1])
        open_rows = open_rows[same_high & ~found[open_rows]]
        place[open_rows] += 1
        open_rows = open_rows[place[open_rows] < len(run)]
    return found
