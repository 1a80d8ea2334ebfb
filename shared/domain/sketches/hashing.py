"""A 64-bit hash of each value that is told apart from others; equal values have equal hashes for ever."""

import unicodedata
from collections.abc import Sequence
from decimal import Context, Decimal
from hashlib import blake2b
from typing import Any

import numpy as np

from shared.domain.arrays import Int64s

_AS_WRITTEN = Context(prec=10_000)
"""More digits than any number has, so that leaving zeros out never rounds."""


def value_hashes(values: Sequence[Any]) -> Int64s:
    """The hashes of *values*: texts, numbers and truth values; each different one is hashed once."""
    hashes = np.empty(len(values), dtype=np.int64)
    classes = np.array([value.__class__ for value in values], dtype=object)
    # To Python, True is 1, and a float equals the long decimal that it stands for: classes are kept apart.
    for one in set(classes.tolist()):
        places = np.flatnonzero(classes == one)
        hashes[places] = _hashes_of_one_class([values[place] for place in places.tolist()])
    return hashes


def _hashes_of_one_class(values: Sequence[Any]) -> list[int]:
    known = {value: _hash(canonical_text(value)) for value in dict.fromkeys(values)}
    return [known[value] for value in values]


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def canonical_text(value: Any) -> str:
    """The one text of *value*: texts in quotes and NFC, numbers by value, 1 and 1.0 being the same."""
    if isinstance(value, str):
        return f'"{unicodedata.normalize("NFC", value)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    # Zero has no sign, and no exponent either.
    return str(number.normalize(_AS_WRITTEN)) if number else "0"
