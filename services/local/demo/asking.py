"""Questions to the API of the demo, a few at once; it understands no answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import TypeVar

import httpx2
import msgspec

from services.local.demo.failures import ApiFailedError

_QUESTIONS_AT_ONCE = 4

_T = TypeVar("_T")

Dimensions = Mapping[str, str | None]


class Api:
    """The API, asked a few questions at once."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self._free = asyncio.Semaphore(_QUESTIONS_AT_ONCE)

    async def told(self, path: str, parameters: Mapping[str, str], *, type: type[_T]) -> _T:  # noqa: A002 - as msgspec
        """What it answers at *path*, below /v1.

        Raises:
            ApiFailedError: it gave no answer, or refused.
        """
        try:
            async with self._free:
                response = await self._client.get(f"/v1/{path}", params=parameters)
        except httpx2.TransportError as error:
            raise ApiFailedError(path, repr(error)) from error
        if not response.is_success:
            raise ApiFailedError(path, response.text)
        return msgspec.json.decode(response.content, type=type)


@contextlib.asynccontextmanager
async def asking(url: str) -> AsyncIterator[Api]:
    """The API at *url* until the block ends."""
    async with httpx2.AsyncClient(base_url=url, timeout=60.0, trust_env=False) as client:
        yield Api(client)


def series_of(window: str, dimensions: Dimensions, at: datetime) -> dict[str, str]:
    """The parameters that ask for a series over *window* at an instant."""
    # An empty parameter asks for the events without the dimension.
    named = {name: value or "" for name, value in dimensions.items()}
    return {"window": window, "at": at.isoformat(), **named}
