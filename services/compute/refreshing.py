"""Keeping `kpi_current` true: what events changed, and what came due although no event did."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.compute.catalogues import CatalogueWatch
from services.compute.metrics import Metrics
from services.compute.touched import Touched
from shared.contracts.series import series_values
from shared.domain.definitions import Catalogue
from shared.domain.errors import StoreUnavailableError
from shared.runtime.clock import monotonic_s, utc_now
from shared.runtime.lifecycle import pause
from shared.storage import current
from shared.storage.current import Place
from shared.storage.definitions import catalogue_revision
from shared.storage.engine import transaction
from shared.storage.readings import Ask, evaluate, known_combinations

log = structlog.get_logger(__name__)

CHUNK = 250
"""Readings a transaction refreshes at most: another process waits for its turn meanwhile, and counting in
this one for them to be worked out (measured: 10 to 20 ms).
"""

AT_ONCE = 20 * CHUNK
"""Readings of series that one refresh does at most: with a hundred thousand of them to do, the totals that
everybody looks at are not kept waiting.
"""

REST_BEHIND = 20.0
"""While a backlog waits, a refresh is followed by a rest this many times as long: however much there is to
refresh, counting keeps nineteen twentieths of the process and of Postgres, and more windows do not slow it.
"""

REST = 4.0
"""The same while counting keeps up: a fifth of the time for the table of current values. With 1,000 series
and half of the time for it, an event took 470 ms to be visible by the API instead of 185 (measured).
"""


LONGEST_REST_S = 3.0
"""However long a refresh took, people do not wait longer than this for the next to begin."""

LONGEST_REST_BEHIND_S = 15.0
"""The same while a backlog waits, when a refresh does no more than a chunk of each kind of work."""


class _SupersededError(Exception):
    """The catalogue has changed meanwhile: what was about to be written belongs to an older one."""


@dataclass(slots=True)
class Refresher:
    """Refreshes the current values: what was touched, what came due, and everything when needed.

    Attributes:
        now: the wall clock.
        is_behind: whether a backlog waits to be counted.
    """

    engine: AsyncEngine
    watch: CatalogueWatch
    touched: Touched
    metrics: Metrics
    interval_s: float
    now: Callable[[], datetime] = utc_now
    is_behind: Callable[[], bool] = lambda: False
    _whole_at: int | None = None
    _is_pruned: bool = False
    _totals: dict[Place, None] = field(default_factory=dict)
    _waiting: dict[Place, None] = field(default_factory=dict)

    async def run(self, stopping: asyncio.Event) -> None:
        """Refresh until *stopping* is set."""
        took_s, ended_s = 0.0, monotonic_s()
        # Looked at again and again: a rest that a backlog made long ends soon after the backlog does.
        while not await pause(stopping, min(self.interval_s, self._left_s(took_s, ended_s))):
            if self._left_s(took_s, ended_s) > 0:
                continue
            started_s = monotonic_s()
            try:
                await self.refresh()
            except StoreUnavailableError as error:
                log.warning("values_not_refreshed", reason=str(error))
            ended_s = monotonic_s()
            took_s = ended_s - started_s
            self.metrics.refresh_s.observe(took_s)

    def _left_s(self, took_s: float, ended_s: float) -> float:
        """What is left of the rest after a refresh that took *took_s* and ended at *ended_s*."""
        return max(0.0, ended_s + self._rest_s(took_s) - monotonic_s())

    def _rest_s(self, took_s: float) -> float:
        if self.is_behind():
            return max(self.interval_s, min(took_s * REST_BEHIND, LONGEST_REST_BEHIND_S))
        return max(self.interval_s, min(took_s * REST, LONGEST_REST_S))

    async def refresh(self) -> None:
        """Refresh what was touched since the last time, and what came due.

        Totals come first. Of series no more than `AT_ONCE`, while a backlog waits no more than a chunk: the
        rest waits for its turn, so that a refresh holds counting up for a moment only. Everything is due when
        the catalogue has changed and when partitions have come from another owner, who may not have lived to
        refresh what it counted last.

        Raises:
            StoreUnavailableError: Postgres did not answer; what was left undone is done by the next call.
        """
        catalogue = self.watch.catalogue
        if self.touched.take_unseen() or self._whole_at != catalogue.revision:
            await self._plan_whole(catalogue)
        touched = self.touched.take()
        try:
            self._wait_for(_places(catalogue, touched))
            self._wait_for(await self._leaning(catalogue, touched))
            touched = {}
            await self._store_waiting(catalogue, self._totals, most=len(self._totals))
            await self._store_waiting(catalogue, self._waiting, most=CHUNK if self.is_behind() else AT_ONCE)
            await self._due(catalogue)
            await self._prune(catalogue)
        except _SupersededError:
            log.info("refresh_superseded", revision=catalogue.revision)
        finally:
            self.touched.add(touched)

    def _wait_for(self, places: Iterable[Place]) -> None:
        for place in places:
            (self._waiting if place[2] else self._totals)[place] = None

    async def _store_waiting(self, catalogue: Catalogue, waiting: dict[Place, None], *, most: int) -> None:
        """Refresh what is *waiting*, the first of it first."""
        for chunk in _chunks(list(islice(waiting, most))):
            await self._store(catalogue, chunk)
            for place in chunk:
                del waiting[place]

    async def _leaning(self, catalogue: Catalogue, touched: Mapping[int, set[str]]) -> dict[Place, None]:
        """Every row of formulas that read a total which was touched: it is in the value of all of them."""
        slugs = [slug for slug in catalogue.kpis if _reads_total(catalogue, slug, touched)]
        if not slugs:
            return {}
        async with transaction(self.engine) as connection:
            return dict.fromkeys(await _all_places(connection, catalogue, slugs))

    async def _plan_whole(self, catalogue: Catalogue) -> None:
        if self._whole_at != catalogue.revision:
            self._totals.clear()
            self._waiting.clear()
        self._whole_at, self._is_pruned = None, False
        async with transaction(self.engine) as connection:
            self._wait_for(await _all_places(connection, catalogue, catalogue.kpis))
        self._whole_at = catalogue.revision

    async def _prune(self, catalogue: Catalogue) -> None:
        """Once everything was refreshed, rows that are not of this catalogue go."""
        if self._is_pruned or self._totals or self._waiting:
            return
        async with transaction(self.engine) as connection:
            await self._take_turn(connection, catalogue)
            await current.prune(connection, catalogue.versions)
        self._is_pruned = True

    async def _store(self, catalogue: Catalogue, places: Sequence[Place]) -> None:
        async with transaction(self.engine) as connection:
            await self._take_turn(connection, catalogue)
            await self._refreshed(connection, catalogue, places)

    async def _take_turn(self, connection: AsyncConnection, catalogue: Catalogue) -> None:
        await current.wait_for_turn(connection)
        if await catalogue_revision(connection) != catalogue.revision:
            raise _SupersededError

    async def _due(self, catalogue: Catalogue) -> None:
        """One process at a time sees to what came due; the others have it done for them."""
        async with transaction(self.engine) as connection:
            if await current.take_turn(connection):
                await self._take_turn(connection, catalogue)
                places = await current.due(connection, now=self.now(), most=CHUNK)
                known = [place for place in places if _is_known(catalogue, place)]
                await self._refreshed(connection, catalogue, known)

    async def _refreshed(
        self, connection: AsyncConnection, catalogue: Catalogue, places: Sequence[Place]
    ) -> None:
        if places:
            now = self.now()
            asks = [Ask(slug, window, dimensions, now) for slug, window, dimensions in places]
            await current.store(connection, await evaluate(connection, catalogue, asks, now=now))


def _chunks(places: Sequence[Place]) -> Iterator[Sequence[Place]]:
    return (places[start : start + CHUNK] for start in range(0, len(places), CHUNK))


def _is_known(catalogue: Catalogue, place: Place) -> bool:
    slug, window, dimensions = place
    kpi = catalogue.kpis.get(slug)
    names = {name for name, _ in dimensions}
    return kpi is not None and window in kpi.windows and any(set(b) == names for b in kpi.all_breakdowns)


def _places(catalogue: Catalogue, touched: Mapping[int, set[str]]) -> Iterator[Place]:
    """The rows that the *touched* series of measures appear in."""
    for slug, kpi in catalogue.kpis.items():
        for names in kpi.all_breakdowns:
            for dimensions in _touched_of(catalogue, slug, names, touched):
                for window in kpi.windows:
                    yield slug, window, dimensions


def _touched_of(
    catalogue: Catalogue, slug: str, names: tuple[str, ...], touched: Mapping[int, set[str]]
) -> set[tuple[tuple[str, str | None], ...]]:
    found = set()
    for operand in catalogue.leaf_operands(slug):
        if operand.is_total and names:
            continue
        for measure in catalogue.kpis[operand.slug].measures():
            if set(measure.breakdown) == set(names):
                texts = touched.get(catalogue.measure_ids[measure.fingerprint], set())
                found |= {_dimensions(measure.breakdown, text) for text in texts}
    return found


def _dimensions(names: Iterable[str], text: str) -> tuple[tuple[str, str | None], ...]:
    return tuple(sorted(zip(names, series_values(text), strict=True)))


def _reads_total(catalogue: Catalogue, slug: str, touched: Mapping[int, set[str]]) -> bool:
    totals = [catalogue.kpis[o.slug].measures()[0] for o in catalogue.leaf_operands(slug) if o.is_total]
    return any(catalogue.measure_ids[measure.fingerprint] in touched for measure in totals)


async def _all_places(connection: AsyncConnection, catalogue: Catalogue, slugs: Iterable[str]) -> list[Place]:
    return [
        (slug, window, dimensions)
        for slug in slugs
        for names in catalogue.kpis[slug].all_breakdowns
        for dimensions in await known_combinations(connection, catalogue, slug, names)
        for window in catalogue.kpis[slug].windows
    ]
