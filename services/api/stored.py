"""The API's readers on a real database: a connection for each question, given back before the answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.api.gathering import Gathering
from services.api.readers import Combination, Picked, Top
from shared.domain.alert_changes import Alert
from shared.domain.alerts import StateName
from shared.domain.contributions import Explanation
from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.storage import alerts as stored_alerts
from shared.storage import contributions as stored_contributions
from shared.storage import current as stored_current
from shared.storage import current_pages, newest_panes
from shared.storage import gone as stored_gone
from shared.storage import readings as stored_readings
from shared.storage.contributions import Change
from shared.storage.current import CurrentReading
from shared.storage.current_pages import Position, Wanted
from shared.storage.definition_histories import Retired, retired_kpis
from shared.storage.definitions import catalogue_revision, load_catalogue
from shared.storage.engine import reading
from shared.storage.gone import Gone
from shared.storage.newest_panes import Counted
from shared.storage.readings import Ask

QUERY_LIMIT_S = 5.0
"""How long one question may take; a caller who waits longer has usually gone."""

_FEW = 8
"""Questions about the present of at most so many asks share a round with others."""

_AT_ONCE = 200
"""Asks worked out between two waits for the database: 2,000 at once kept everybody else waiting for 0.45 s
(measured, a history of 2,000 points).
"""


class Stored:
    """What the API reads, from Postgres."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._gathering = Gathering(self._evaluated)

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        # The limit lies inside, so that running into it is told as a database that did not answer.
        async with reading(self._engine) as connection, asyncio.timeout(QUERY_LIMIT_S):
            yield connection

    async def evaluate(self, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime) -> list[Reading]:
        """The readings of *asks*, in their order and from one snapshot."""
        if len(asks) <= _FEW and all(ask.at == now for ask in asks):
            return await self._gathering.evaluate(catalogue, asks, now=now)
        return await self._evaluated(catalogue, asks, now)

    async def _evaluated(self, catalogue: Catalogue, asks: Sequence[Ask], now: datetime) -> list[Reading]:
        async with self._reading() as connection:
            return await _evaluated(connection, catalogue, asks, now=now)

    async def combinations(
        self, catalogue: Catalogue, slug: str, breakdown: tuple[str, ...]
    ) -> list[Combination]:
        """Every combination of values of *breakdown* that the KPI has met."""
        async with self._reading() as connection:
            return await stored_readings.known_combinations(connection, catalogue, slug, breakdown)

    async def top(self, catalogue: Catalogue, picked: Picked, *, most: int, now: datetime) -> list[Reading]:
        """The *most* series with the largest values, then one that stands for all others."""
        async with self._reading() as connection:
            return await _largest(connection, catalogue, Top(picked, most), now=now)

    async def together(
        self, catalogue: Catalogue, asks: Sequence[Ask], tops: Sequence[Top], *, now: datetime
    ) -> tuple[list[Reading], list[list[Reading]]]:
        """The readings of *asks* and the series of each of *tops*, all from one snapshot."""
        async with self._reading() as connection:
            readings = await _evaluated(connection, catalogue, asks, now=now)
            return readings, [await _largest(connection, catalogue, top, now=now) for top in tops]

    async def explained(
        self, catalogue: Catalogue, change: Change, *, most: int, now: datetime
    ) -> Explanation:
        """The parts of *change*, the *most* series that did most first."""
        async with self._reading() as connection:
            return await stored_contributions.explained(connection, catalogue, change, most=most, now=now)

    async def current(
        self, *, slugs: Sequence[str] | None, windows: Sequence[str] | None
    ) -> list[CurrentReading]:
        """The rows of kpi_current, all or those of some KPIs and windows."""
        async with self._reading() as connection:
            return await stored_current.current(connection, slugs=slugs, windows=windows)

    async def page(self, wanted: Wanted, *, after: Position, limit: int) -> list[CurrentReading]:
        """At most *limit* rows of kpi_current that are *wanted* and follow *after*, in its order."""
        async with self._reading() as connection:
            return await current_pages.page(connection, wanted, after=after, limit=limit)

    async def changed_since(self, cursor: int) -> tuple[list[CurrentReading | Gone], int]:
        """What transactions from *cursor* on have written or removed, and the cursor to go on from."""
        async with self._reading() as connection:
            rows, position = await stored_current.changed_since(connection, cursor)
            return [*rows, *await stored_gone.gone_since(connection, cursor)], position

    async def remembers(self, cursor: int) -> bool:
        """Whether everything that was removed from *cursor* on is still known."""
        async with self._reading() as connection:
            return cursor > await stored_gone.forgotten_until(connection)

    async def alerts(
        self,
        *,
        slugs: Sequence[str] | None,
        state: StateName | None,
        after: tuple[str, str, str] | None,
        limit: int,
    ) -> list[Alert]:
        """At most *limit* alerts in force, those that follow *after*."""
        async with self._reading() as connection:
            return await stored_alerts.list_alerts(
                connection, slugs=slugs, state=state, after=after, limit=limit
            )

    async def counted(self, catalogue: Catalogue, slugs: Collection[str]) -> Counted:
        """How far the KPIs of events *slugs* are counted, and when their last events were."""
        async with self._reading() as connection:
            return await newest_panes.counted(connection, catalogue, slugs)

    async def retired(self) -> list[Retired]:
        """The KPIs that were retired and have not come back, by slug."""
        async with self._reading() as connection:
            return await retired_kpis(connection)

    async def catalogue(self) -> Catalogue:
        """Every definition in force."""
        async with self._reading() as connection:
            return await load_catalogue(connection)

    async def catalogue_revision(self) -> int:
        """The number that moves whenever a definition changes."""
        async with self._reading() as connection:
            return await catalogue_revision(connection)


async def _evaluated(
    connection: AsyncConnection, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime
) -> list[Reading]:
    readings: list[Reading] = []
    for start in range(0, len(asks), _AT_ONCE):
        part = asks[start : start + _AT_ONCE]
        readings += await stored_readings.evaluate(connection, catalogue, part, now=now)
    return readings


async def _largest(
    connection: AsyncConnection, catalogue: Catalogue, top: Top, *, now: datetime
) -> list[Reading]:
    picked = top.picked
    return await stored_readings.values_by_series(
        connection, catalogue, picked.slug, picked.window,
        breakdown=picked.breakdown, at=picked.at, now=now, top=top.most,
    )  # fmt: skip
