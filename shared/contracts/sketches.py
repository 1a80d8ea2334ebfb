"""The bytes of sketches as panes keep them, and back; it does not know what is counted.

A body begins with a byte that says how it is written, so that other ways can be added. Integers are
little-endian.

    1  counts of buckets:  width of a count in bytes, then 16-bit bucket numbers, then the counts
    2  counts of hashes:   width of a count in bytes, then 64-bit hashes, then the counts
    3  few registers:      16-bit indices, then 8-bit ranks, of those that are not 0
    4  many registers:     all ranks, 6 bits each, the first in the highest bits
"""

import numpy as np

from shared.domain.aggregates import Kind
from shared.domain.sketches.counts import Counts
from shared.domain.sketches.distinct import REGISTERS, Registers

_BUCKETS, _HASHES, _FEW, _MANY = 1, 2, 3, 4

_ITEMS: dict[int, np.dtype[np.signedinteger]] = {_BUCKETS: np.dtype("<i2"), _HASHES: np.dtype("<i8")}
_WIDTHS: tuple[np.dtype[np.signedinteger], ...] = tuple(np.dtype(f"<i{width}") for width in (1, 2, 4, 8))
_RANK_BITS = 6
_PACKED_BYTES = REGISTERS * _RANK_BITS // 8


class UnknownSketchError(ValueError):
    """The body of a sketch was written by another release, or is no sketch."""


def counts_body(counts: Counts, kind: Kind) -> bytes:
    """The body of *counts*, of buckets or of hashes as *kind* says."""
    form = _BUCKETS if kind is Kind.QUANTILES else _HASHES
    largest = int(np.abs(counts.counts).max()) if len(counts) else 0
    width = next(width for width in _WIDTHS if largest <= np.iinfo(width).max)
    head = bytes((form, width.itemsize))
    return head + counts.items.astype(_ITEMS[form]).tobytes() + counts.counts.astype(width).tobytes()


def registers_body(registers: Registers) -> bytes:
    """The body of *registers*, in the shorter of the two forms."""
    places = np.flatnonzero(registers)
    if 3 * len(places) < _PACKED_BYTES:
        return bytes((_FEW,)) + places.astype("<u2").tobytes() + registers[places].tobytes()
    bits = np.unpackbits(registers[:, None], axis=1)[:, -_RANK_BITS:]
    return bytes((_MANY,)) + np.packbits(bits).tobytes()


def sketch_of(body: bytes) -> Counts | Registers:
    """What *body* holds.

    Raises:
        UnknownSketchError: it is written in no way known here.
    """
    form = body[0] if body else 0
    match form:
        case 1 | 2:
            return _counts(body, _ITEMS[form])
        case 3:
            return _few(body)
        case 4 if len(body) == 1 + _PACKED_BYTES:
            bits = np.unpackbits(np.frombuffer(body, np.uint8, offset=1)).reshape(-1, _RANK_BITS)
            return np.packbits(bits, axis=1)[:, 0] >> np.uint8(8 - _RANK_BITS)
    raise UnknownSketchError(f"a body of {len(body)} bytes in the form {form}")


def _counts(body: bytes, item: np.dtype[np.signedinteger]) -> Counts:
    width = body[1]
    size = (len(body) - 2) // (item.itemsize + width)
    items = np.frombuffer(body, item, count=size, offset=2)
    counts = np.frombuffer(body, f"<i{width}", count=size, offset=2 + size * item.itemsize)
    return Counts(items.astype(np.int64), counts.astype(np.int64))


def _few(body: bytes) -> Registers:
    size = (len(body) - 1) // 3
    registers = np.zeros(REGISTERS, dtype=np.uint8)
    places = np.frombuffer(body, "<u2", count=size, offset=1)
    registers[places] = np.frombuffer(body, np.uint8, count=size, offset=1 + 2 * size)
    return registers
