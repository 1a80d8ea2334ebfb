"""In which format an answer is wanted: by a parameter, or by the header Accept; it writes nothing."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from fastapi import Query


class Format(StrEnum):
    """How an answer can be written."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
}
"""By RFC 8259, RFC 4180 and the registry of IANA."""

AsFormat = Annotated[
    Format | None,
    Query(
        alias="format",
        description="json, csv or parquet; by the header Accept when left out. Tables have one page, and name"
        " the next in the header Link",
    ),
]

TABLES: dict[int | str, dict[str, object]] = {
    200: {
        "content": {
            MEDIA_TYPES[each]: {"schema": {"type": "string", "contentMediaType": MEDIA_TYPES[each]}}
            for each in (Format.CSV, Format.PARQUET)
        }
    }
}
"""What an operation may answer besides JSON, for the OpenAPI document."""


def preferred(accept: Iterable[str]) -> Format:
    """The format that the lines of an Accept header like best; JSON if they like others no better.

    By RFC 9110, section 12.5.1, but for a caller who takes none of ours: JSON is better than nothing.
    """
    weights = dict[str, float]()
    for part in ",".join(accept).split(","):
        media, *parameters = (each.strip().lower() for each in part.split(";"))
        weights[media] = min((_weight(each) for each in parameters), default=1.0)
    liking = {each: _liking(MEDIA_TYPES[each], weights) for each in Format}
    return max(Format, key=lambda each: (liking[each], each is Format.JSON))


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    try:
        return float(value) if name == "q" else 1.0
    except ValueError:
        return 0.0


def _liking(media: str, weights: dict[str, float]) -> float:
    family = media.partition("/")[0]
    ranges = (media, f"{family}/*", "*/*")
    return next((weights[each] for each in ranges if each in weights), 0.0)
