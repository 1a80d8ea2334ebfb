"""Bodies into bytes with exact numbers, and 304 for callers who have them; blind to what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.api.security.scopes import principal_of
from shared.domain.readings import Reading

ENCODER = msgspec.json.Encoder(decimal_format="number")
"""Decimals leave as number literals with every digit they have; they never pass through a float."""

_HEADERS = {"Cache-Control": "no-cache"}
"""Keep it if you like, but ask each time whether it still holds: numbers move without notice."""


def weak_etag(*parts: object) -> str:
    """A weak validator of what *parts* say; equal parts give equal tags in every process."""
    return f'W/"{blake2b(ENCODER.encode(parts), digest_size=12).hexdigest()}"'


def strong_etag(body: object) -> str:
    """A strong validator of *body*: who sends it in If-Match has seen just this."""
    return f'"{blake2b(ENCODER.encode(body), digest_size=12).hexdigest()}"'


def readings_etag(readings: Sequence[Reading], *others: object) -> str:
    """A weak validator of *readings*: of all they say but as_of, which moves while nothing else does."""
    return weak_etag(*(_validated(each) for each in readings), others)


def _validated(reading: Reading) -> tuple[object, ...]:
    return (
        reading.slug,
        reading.version,
        reading.window,
        reading.dimensions,
        reading.value,
        reading.n,
        reading.window_start,
        reading.window_end,
        reading.complete,
        reading.valid_until,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that several callers may share.

    Attributes:
        body: encoded.
    """

    body: bytes
    etag: str


def answer(request: Request, body: object, *, etag: str) -> Response:
    """*body* as JSON, or 304 without a body when the caller's If-None-Match already names *etag*."""
    return answer_bytes(request, ENCODER.encode(body), media_type="application/json", etag=etag)


def answer_bytes(
    request: Request,
    content: bytes,
    *,
    media_type: str,
    etag: str,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The same of *content* in any format, with more *headers*."""
    etag = _for_caller(request, etag)
    told = {"ETag": etag, **_HEADERS}
    if _is_known(request.headers.getlist("if-none-match"), etag):
        return Response(status_code=304, headers=told)
    return Response(content, media_type=media_type, headers={**told, **(headers or {})})


def _for_caller(request: Request, etag: str) -> str:
    """*etag* for what a caller sees: what a key with other limits was answered is not told to hold.

    Strong ones are of the answer itself, and say so already.
    """
    limits = principal_of(request).limits
    if limits.is_everything or not etag.startswith("W/"):
        return etag
    return weak_etag(etag, sorted(limits.departments or ()), sorted(limits.kpis or ()))


def _is_known(lines: list[str], etag: str) -> bool:
    """The weak comparison of RFC 9110, section 8.8.3.2: the W/ prefix does not matter."""
    tags = {tag.strip().removeprefix("W/") for line in lines for tag in line.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags
