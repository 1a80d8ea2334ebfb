"""Reading a request's body as it is, within bounds of size and time; what is in it is no concern here."""

import asyncio
from collections.abc import Collection
from typing import Any

from starlette.requests import ClientDisconnect, Request

from shared.contracts.intake import media_type
from shared.domain.errors import BadInputError

ARRIVES_WITHIN_S = 30.0
"""The server itself waits for ever for a sender that dribbles."""


class BodyTooLargeError(BadInputError):
    """The body is larger than this operation takes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"the body may have {most:,} bytes")


class BodyTooSlowError(BadInputError):
    """The body ended early, or was not there in time."""


class BodyTypeError(BadInputError):
    """The body is of a type that this operation does not read."""

    def __init__(self, found: str, known: Collection[str]) -> None:
        stated = f"is {found}" if found else "is missing"
        super().__init__(f"content-type {stated}; this operation reads {', '.join(known)}")


async def read_body(request: Request, *, kinds: Collection[str], most: int) -> tuple[str, bytes]:
    """The media type and the body of *request*, counted while it arrives, whatever its headers claim.

    Args:
        request: whose body nobody has read.
        kinds: the media types that are read.
        most: how many bytes there may be.

    Raises:
        BodyTypeError: it is of no such type.
        BodyTooLargeError, BodyTooSlowError: it is too large, or not all there.
    """
    kind = media_type(request.headers.get("content-type", "").encode("latin-1"))
    if kind not in kinds:
        raise BodyTypeError(kind, kinds)
    try:
        async with asyncio.timeout(ARRIVES_WITHIN_S):
            return kind, await _counted(request, most)
    except TimeoutError as error:
        raise BodyTooSlowError(f"the body was not complete after {ARRIVES_WITHIN_S:g} s") from error
    except ClientDisconnect as error:
        raise BodyTooSlowError("the body ended early") from error


async def _counted(request: Request, most: int) -> bytes:
    chunks, size = list[bytes](), 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise BodyTooLargeError(most)
        chunks.append(chunk)
    return b"".join(chunks)


def described_body(description: str, kinds: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """How OpenAPI says of which types a body may be that is read as it is."""
    content = {kind: {"schema": schema} for kind, schema in kinds.items()}
    return {"requestBody": {"required": True, "description": description, "content": content}}
