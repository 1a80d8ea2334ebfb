"""Connections that die at a statement of one's choice."""

from typing import Any

import asyncpg


class Cut:
    """A connection that is cut off when its statement of that number has been carried out."""

    def __init__(self, connection: asyncpg.Connection, *, after: int) -> None:
        self._connection = connection
        self._left = after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in ("execute", "fetch", "fetchrow", "fetchval", "copy_to_table"):
            return found

        async def carried_out(*arguments: Any, **named: Any) -> Any:
            answer = await found(*arguments, **named)
            self._left -= 1
            if self._left == 0:
                self._connection.terminate()
                raise ConnectionResetError
            return answer

        return carried_out
