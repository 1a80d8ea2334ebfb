"""Putting the demo's KPI file in force, by the same code as `tidemark kpi apply`."""

import asyncio
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.definitions.kpi_files import read_definitions
from shared.runtime.clock import utc_now
from shared.storage.definitions import apply_changes
from shared.storage.engine import transaction


async def apply_file(engine: AsyncEngine, path: Path) -> int:
    """Put the definitions of the file at *path* in force and say how many they are.

    Raises:
        DefinitionError: the file cannot be used; the message names every place.
    """
    text = await asyncio.to_thread(path.read_text, encoding="utf-8")
    definitions = [located.definition for located in read_definitions({path.name: text})]
    async with transaction(engine) as connection:
        await apply_changes(connection, definitions, utc_now())
    return len(definitions)
