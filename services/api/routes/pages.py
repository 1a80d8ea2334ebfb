"""What every listing shares: its two parameters, and cutting a page out of items that have a place."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from fastapi import Query

from services.api.http.parameters import NOT_OURS, InvalidParameterError, decoded_cursor, encoded_cursor

Limit = Annotated[int, Query(ge=1, le=500, description="How many items a page has at most")]
Cursor = Annotated[str | None, Query(description="next_cursor of the page before")]

Item = TypeVar("Item")

Place = tuple[str, ...]
"""Where an item stands in its listing: unique, and the order of the listing."""


def page_after(
    items: Sequence[Item], place: Callable[[Item], Place], *, cursor: str | None, limit: int
) -> tuple[Sequence[Item], str | None]:
    """At most *limit* of *items*, which are sorted by *place*, and the cursor of the next page.

    A cursor names the place of the last item seen, so that items that come and go shift no page.

    Raises:
        InvalidParameterError: the cursor is not one of these.
    """
    start = 0 if cursor is None else bisect_right(items, position_of(cursor), key=place)
    page = items[start : start + limit]
    has_more = start + limit < len(items)
    return page, encoded_cursor(place(page[-1])) if has_more else None


def position_of(cursor: str) -> Place:
    """The place that *cursor* names.

    Raises:
        InvalidParameterError: the cursor is not one of these.
    """
    position = decoded_cursor(cursor, Place)
    if not position or any("\0" in part for part in position):
        raise InvalidParameterError("cursor", NOT_OURS)
    return position
