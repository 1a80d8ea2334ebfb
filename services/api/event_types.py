"""What was seen of event types, as the API asks for it: a connection for each question."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.domain.observations.rates import Rates
from shared.storage.engine import reading
from shared.storage.observations import SeenType, other_events, rates, seen


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What was seen of some types.

    Attributes:
        types: by name.
        rates: how many events arrived lately, of types of which any did.
        other_events: how many events had types that there was no room for.
    """

    types: dict[str, SeenType]
    rates: dict[str, Rates]
    other_events: int


class EventTypeReader(Protocol):
    """Where observations are kept."""

    async def all_types(self, *, now: datetime) -> Arrivals:
        """Every type that was seen; how many different values its fields have is not told.

        Raises:
            StoreUnavailableError: the database does not answer.
        """

    async def one_type(self, event_type: str, *, now: datetime) -> Arrivals:
        """That type, if it was seen, with everything that is known of its fields.

        Raises:
            StoreUnavailableError: the database does not answer.
        """


class StoredEventTypes:
    """The real thing."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def all_types(self, *, now: datetime) -> Arrivals:
        """Every type that was seen."""
        return await self._arrivals(None, now)

    async def one_type(self, event_type: str, *, now: datetime) -> Arrivals:
        """That type, if it was seen."""
        return await self._arrivals([event_type], now)

    async def _arrivals(self, wanted: list[str] | None, now: datetime) -> Arrivals:
        async with reading(self._engine) as connection:
            found = {each.event_type: each for each in await seen(connection, wanted)}
            lately = await rates(connection, now=now)
            others = await other_events(connection)
        return Arrivals(found, lately, others)
