"""An HTTP transport that looks a name up once, judges every answer, and connects to what it has judged.

Without it the name could lead to a public address when it is judged and to an internal one when it is used.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

import httpx2

from services.api.channels.addresses import (
    Address,
    ForbiddenAddressError,
    Network,
    allowed_addresses,
    is_within,
)

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, asked for with the port it will be used with."""


async def system_resolver(host: str, port: int) -> list[str]:
    """What the system answers for *host*; odd spellings of IPv4 are understood as connecting would."""
    loop = asyncio.get_running_loop()
    answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in answers]


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Connects to the address that was judged, with the name in Host and in TLS; one request a connection."""

    def __init__(self, *, allowed: Sequence[Network], resolver: Resolver = system_resolver) -> None:
        self._allowed = allowed
        self._resolver = resolver
        # A kept connection would be reused by address, whatever name it was judged and verified for.
        limits = httpx2.Limits(max_keepalive_connections=0)
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False, limits=limits)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send *request* to the first judged address that can be connected to.

        Raises:
            ForbiddenAddressError: its host leads inside, or it is not encrypted and leads outside.
            httpx2.TransportError: it could not be sent, or its answer not be read.
        """
        addresses = await self._judged(request.url)
        for address in addresses[:-1]:
            try:
                return await self._send(request, address)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._send(request, addresses[-1])

    async def aclose(self) -> None:
        """Close what is open."""
        await self._inner.aclose()

    async def _judged(self, url: httpx2.URL) -> list[Address]:
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            answers = await self._resolver(url.raw_host.decode("ascii"), port)
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(f"the name cannot be resolved: {error}") from error
        addresses = allowed_addresses(answers, allowed=self._allowed)
        outside = [address for address in addresses if not is_within(address, self._allowed)]
        if url.scheme != "https" and outside:
            raise ForbiddenAddressError("plain http is for allowed networks only; use https")
        return addresses

    async def _send(self, request: httpx2.Request, address: Address) -> httpx2.Response:
        name = request.url.raw_host.decode("ascii")
        pinned = httpx2.Request(
            method=request.method,
            url=request.url.copy_with(host=str(address)),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": name},
        )
        return await self._inner.handle_async_request(pinned)
