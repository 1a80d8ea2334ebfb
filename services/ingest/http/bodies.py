"""Reading a request's body within bounds of size and time; what is in it is no concern here."""

import asyncio

from starlette.requests import ClientDisconnect, Request

from services.ingest.http.problems import MALFORMED, TOO_LARGE, TOO_SLOW, RequestProblemError

MAX_BODY_BYTES = 1024 * 1024
"""A batch of a thousand ordinary events has a quarter of this."""

ARRIVES_WITHIN_S = 30.0
"""The server itself waits for ever for a sender that dribbles."""


async def read_body(request: Request) -> bytes:
    """The body of *request*, counted while it arrives, whatever its headers claim.

    Raises:
        RequestProblemError: it is too large, too slow, or ends early.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(ARRIVES_WITHIN_S):
            return await _counted(request)
    except TimeoutError as error:
        detail = f"the body was not complete after {ARRIVES_WITHIN_S:g} s"
        raise RequestProblemError(TOO_SLOW, detail) from error
    except ClientDisconnect as error:
        raise RequestProblemError(MALFORMED, "the body ended early") from error


async def _counted(request: Request) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large() -> RequestProblemError:
    return RequestProblemError(TOO_LARGE, f"the body has more than {MAX_BODY_BYTES} bytes")
