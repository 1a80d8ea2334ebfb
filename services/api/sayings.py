"""What was said about a series in a stretch of time, for answers that are about something else."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.api.dependencies import ApiState, visible_kpis
from services.api.schemas.annotations import AnnotationBody, annotation_body
from shared.domain.definitions import Catalogue
from shared.storage.annotations import Wish

MOST = 500
"""How many annotations go with an answer: more than a chart can show; the list has them all."""

_AN_INSTANT = timedelta(microseconds=1)


async def said_within(
    state: ApiState,
    catalogue: Catalogue,
    series: tuple[str, str | None, Mapping[str, str | None]],
    edges: tuple[datetime, datetime],
) -> list[AnnotationBody]:
    """The newest annotations that touch the stretch between *edges*, both included, the newest first.

    Args:
        state: what is asked.
        catalogue: as the caller sees it.
        series: a KPI, a window, None for every one, and the dimensions meant.
        edges: the first and the last instant.
    """
    slug, window, dimensions = series
    start_at, end_at = edges[0], edges[1] + _AN_INSTANT
    wish = Wish([slug], window=window, dimensions=dimensions, start_at=start_at, end_at=end_at)
    found = await state.annotations.listed(wish, after=None, most=MOST)
    return [annotation_body(each, visible_kpis(catalogue)) for each in found]
