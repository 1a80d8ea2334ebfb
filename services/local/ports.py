"""TCP ports on the loopback interface: free ones, and whether somebody answers."""

import asyncio
import contextlib
import secrets
import socket

from services.local.failures import LocalStackError
from services.local.processes import within

LOOPBACK = "127.0.0.1"

#: Below the range that systems hand out to outgoing connections (32768 on Linux, 49152 elsewhere), so that
#: a remembered port is still free after a restart.
_RANGE = range(20_000, 30_000)


#: A process killed outright lets go of its port only when its last thread has ended.
_LETS_GO_WITHIN_S = 2.0


async def free_port(*, remembered: int | None = None, besides: frozenset[int] = frozenset()) -> int:
    """The *remembered* port when it is free or soon will be, or another that is, none of *besides*."""
    if remembered is not None and remembered not in besides and await _becomes_free(remembered):
        return remembered
    for _ in range(200):
        port = secrets.choice(_RANGE)
        if port not in besides and is_free(port):
            return port
    raise LocalStackError(f"No free TCP port was found between {_RANGE.start} and {_RANGE.stop}.")


async def _becomes_free(port: int) -> bool:
    async def is_free_now() -> bool:
        return is_free(port)

    return await within(_LETS_GO_WITHIN_S, is_free_now)


def is_free(port: int) -> bool:
    """Whether a server could listen on *port* now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are only fading out counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


async def answer(port: int, *, question: bytes, size: int, timeout_s: float = 2.0) -> bytes:
    """The first *size* bytes a server on *port* says to *question*; empty when it says nothing in time."""
    with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(LOOPBACK, port)
            try:
                writer.write(question)
                return await reader.readexactly(size)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    return b""
