"""Pages of values in the format that is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from services.api.exports.answers import exported
from services.api.exports.formats import Format
from services.api.exports.tables import value_table
from services.api.schemas.values import ValuesBody, value_body
from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.domain.targets import Judgement


@dataclass(frozen=True, slots=True)
class File:
    """How an answer leaves, if not as JSON.

    Attributes:
        names: of the dimensions that are columns; None where series of several KPIs are told.
    """

    wanted: Format | None
    name: str
    names: tuple[str, ...] | None


def told_values(
    catalogue: Catalogue,
    readings: Sequence[Reading],
    judgements: Sequence[Judgement],
    *,
    next_cursor: str | None,
) -> ValuesBody:
    """The *readings*, which stand to their targets as *judgements* say."""
    pairs = zip(readings, judgements, strict=True)
    items = [value_body(catalogue.kpis[each.slug], each, judgement) for each, judgement in pairs]
    return ValuesBody(items=items, next_cursor=next_cursor)


async def values_answer(request: Request, body: ValuesBody, file: File, *, etag: str) -> Response:
    """*body* in the format that is wanted."""
    return await exported(
        request,
        body,
        lambda: value_table(body.items, names=file.names),
        etag=etag,
        wanted=file.wanted,
        name=file.name,
        next_cursor=body.next_cursor,
    )
