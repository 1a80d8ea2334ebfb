"""Ending the sessions of processes that are frozen in the middle of a message; it never commits."""

from datetime import timedelta

import asyncpg

FROZEN_AFTER = timedelta(seconds=20)
"""Longer than the server lets a transaction idle (`engine`): who is there after that is not idle."""

_END = """
-- end_frozen: a server that has half of a statement waits for the rest without limit and keeps the locks.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
  AND application_name LIKE 'tidemark-%'
  AND wait_event = 'ClientRead' AND xact_start < clock_timestamp() - $1::interval
"""


async def end_frozen(connection: asyncpg.Connection, *, after: timedelta = FROZEN_AFTER) -> int:
    """End the sessions of ours whose transaction is older than *after* and waits for its client; how many.

    Neither the statement's timeout nor that of idle transactions counts while a statement is half sent. To
    its process this is a lost connection: what it was about to commit is rolled back and done again.
    """
    return len(await connection.fetch(_END, after))
