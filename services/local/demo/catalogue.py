"""Putting the demo's KPI files in force, by the same code as `tidemark kpi apply`."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.definitions.kpi_files import read_definitions
from shared.runtime.clock import utc_now
from shared.storage.definitions import apply_changes
from shared.storage.engine import transaction


async def apply_files(engine: AsyncEngine, paths: Iterable[Path]) -> int:
    """Put the definitions of the files at *paths* in force together and say how many they are.

    Raises:
        DefinitionError: a file cannot be used; the message names every place.
    """
    texts = await asyncio.to_thread(_texts, paths)
    definitions = [located.definition for located in read_definitions(texts)]
    async with transaction(engine) as connection:
        await apply_changes(connection, definitions, utc_now())
    return len(definitions)


def _texts(paths: Iterable[Path]) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in paths}
