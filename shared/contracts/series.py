"""How a combination of dimension values is written down: a JSON array of strings and nulls."""

from collections.abc import Iterable

import msgspec

OVERFLOW = "__overflow__"
"""The dimension value of the series that takes what is past the limits, so that totals stay right."""

_DECODER = msgspec.json.Decoder(list[str | None])


def series_text(values: Iterable[str | None]) -> str:
    """The text of a combination of *values*, in the order of the breakdown."""
    return msgspec.json.encode(list(values)).decode()


def series_values(text: str) -> list[str | None]:
    """The values that *text* was made of."""
    return _DECODER.decode(text)


def overflow_text(like: str) -> str:
    """The text of the overflow series of a measure with as many dimensions as *like* has values."""
    return series_text([OVERFLOW] * len(series_values(like)))
