"""The arrays that batches are made of, and how runs of equal keys in them are found; it knows no event."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]
Places = npt.NDArray[np.intp]

Integers = npt.NDArray[np.int64] | npt.NDArray[np.object_]
"""Integers of 64 bits, or Python's own where those might not do."""

NONE = np.empty(0, dtype=np.int64)


_SHORT = 1 << 16
"""As many codes as sixteen bits have, which numpy sorts by counting."""

_SECOND_US = 1_000_000


def sorting_places(keys: Sequence[Int64s]) -> Places:
    """Where the elements stand when sorted by *keys*, the first of which weighs most; equal ones keep order.

    What `numpy.lexsort` finds. Batches have few groups in few seconds: put into one number of sixteen bits,
    10,000 elements sort in 40 to 60 us instead of 110 to 480 (measured with 4 to 500 groups).
    """
    codes, size = np.zeros(len(keys[0]), dtype=np.int64), 1
    for key in keys:
        low, span = (int(key.min()), int(key.max()) - int(key.min())) if len(key) else (0, 0)
        if size * (span // _SECOND_US + 1) > _SHORT:
            return np.lexsort(tuple(reversed(keys)))
        offsets = key - low
        if size * (span + 1) > _SHORT:
            if (offsets % _SECOND_US).any():
                return np.lexsort(tuple(reversed(keys)))
            offsets, span = offsets // _SECOND_US, span // _SECOND_US
        codes, size = codes * (span + 1) + offsets, size * (span + 1)
    return codes.astype(np.uint16).argsort(kind="stable")


def run_starts(keys: Sequence[npt.NDArray[np.generic]]) -> Places:
    """Where the runs of equal *keys* begin in arrays that are sorted by them and not empty."""
    changes = keys[0][1:] != keys[0][:-1]
    for key in keys[1:]:
        changes = changes | (key[1:] != key[:-1])
    return np.concatenate(([0], np.flatnonzero(changes) + 1))


def run_numbers(first: Places, size: int) -> Places:
    """The number of the run that each of *size* elements belongs to, the runs beginning at *first*."""
    marks = np.zeros(size, dtype=np.intp)
    marks[first[1:]] = 1
    return np.cumsum(marks)
