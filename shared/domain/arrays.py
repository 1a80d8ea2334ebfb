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
