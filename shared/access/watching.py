"""A door kept up to date while a process runs."""

import asyncio

from shared.access.doors import Door
from shared.access.keyring import REFRESH_EVERY_S
from shared.runtime.lifecycle import every


async def watch(door: Door, stopping: asyncio.Event) -> None:
    """Let *door* find out what has changed, until *stopping*.

    The issuer is asked beside the keys, not before them: one that is slow must not make the keys old.
    """
    async with asyncio.TaskGroup() as group:
        group.create_task(every(REFRESH_EVERY_S, door.refresh, stopping=stopping), name="keys")
        group.create_task(every(REFRESH_EVERY_S, door.ask_issuer, stopping=stopping), name="issuer")
