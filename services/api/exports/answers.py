"""An answer in the format that is wanted: JSON, or a table as a file."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from services.api.exports.csv_files import csv_bytes
from services.api.exports.formats import MEDIA_TYPES, Format, preferred
from services.api.exports.parquet_files import parquet_bytes
from services.api.exports.tables import Table
from services.api.http.answers import answer, answer_bytes


async def exported(
    request: Request,
    body: object,
    table: Callable[[], Table],
    *,
    etag: str,
    wanted: Format | None,
    name: str,
    next_cursor: str | None = None,
) -> Response:
    """*body* as JSON, or what *table* makes of it as a file called *name*; 304 as in `answer`.

    Args:
        request: says by Accept what is wanted, unless *wanted* does.
        body: as in `answer`.
        table: the same as a table.
        etag: of the body; a table has one of its own.
        wanted: what the parameter says.
        name: of the file, without an ending.
        next_cursor: of the next page, which a file names in the header Link.

    Raises:
        NoParquetError: the library for it is not installed.
    """
    kind = wanted or preferred(request.headers.getlist("accept"))
    if kind is Format.JSON:
        return _varying(answer(request, body, etag=etag))
    etag = f'{etag[:-1]}-{kind}"'
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    if next_cursor is not None:
        url = request.url.include_query_params(cursor=next_cursor)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    if kind is Format.CSV:
        content = csv_bytes(table())
    else:
        content = await asyncio.to_thread(lambda: parquet_bytes(table()))
    media = "text/csv; charset=utf-8" if kind is Format.CSV else MEDIA_TYPES[kind]
    return _varying(answer_bytes(request, content, media_type=media, etag=etag, headers=headers))


def _varying(response: Response) -> Response:
    response.headers["Vary"] = "Accept"
    return response
