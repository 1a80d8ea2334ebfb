"""Keeping `kpi_current` true: what events changed, and what came due although no event did."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.compute.catalogues import CatalogueWatch
from services.compute.metrics import Metrics
from services.compute.touched import Touched
from services.compute.waiting import Part, Waiting, places
from shared.contracts.series import series_text
from shared.domain.definitions import Catalogue, Measure
from shared.domain.errors import StoreUnavailableError
from shared.runtime.clock import monotonic_s, utc_now
from shared.runtime.lifecycle import pause
from shared.storage import current, gone
from shared.storage.current import Place
from shared.storage.definitions import catalogue_revision
from shared.storage.engine import transaction
from shared.storage.readings import Ask, evaluate, known_series

log = structlog.get_logger(__name__)

CHUNK = 250
"""Readings a transaction refreshes at most: another process waits for its turn meanwhile, and counting in
this one for them to be worked out (measured: 10 to 20 ms). A refresh does as many of series, and as many of
what came due: with a hundred thousand series to do, it keeps neither counting waiting nor the totals that
everybody looks at. With 5,000 at once, counting stood still for up to 0.4 s every four seconds (measured).
"""

REST_BEHIND = 20.0
"""While a backlog waits, a refresh is followed by a rest this many times as long: however much there is to
refresh, counting keeps nineteen twentieths of the process and of Postgres, and more windows do not slow it.
"""

REST = 4.0
"""The same while counting keeps up: a fifth of the time for the table of current values. At 40,000 events/s
an event is then visible there after 371 ms in the middle and by the API after 162; a tenth of the time makes
that 458 and 143 ms, half of it kept the API waiting two and a half times as long (measured).
"""


LONGEST_REST_S = 3.0
"""However long a refresh took, people do not wait longer than this for the next to begin."""

LONGEST_REST_BEHIND_S = 15.0
"""The same while a backlog waits."""


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
    _waiting: Waiting = field(default_factory=Waiting)
    _leaning: set[str] = field(default_factory=set)

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
            self.metrics.refresh.took_s.observe(took_s)

    def _left_s(self, took_s: float, ended_s: float) -> float:
        """What is left of the rest after a refresh that took *took_s* and ended at *ended_s*."""
        return max(0.0, ended_s + self._rest_s(took_s) - monotonic_s())

    def _rest_s(self, took_s: float) -> float:
        if self.is_behind():
            return max(self.interval_s, min(took_s * REST_BEHIND, LONGEST_REST_BEHIND_S))
        return max(0.0 if self.is_waiting else self.interval_s, min(took_s * REST, LONGEST_REST_S))

    @property
    def is_waiting(self) -> bool:
        """Whether the last refresh has left something for the next."""
        return bool(self._waiting)

    async def refresh(self) -> None:
        """Refresh what was touched since the last time, and what came due.

        All totals come first; of series and of what came due no more than `CHUNK` readings, so that a refresh
        holds counting up for a moment only: the rest waits for its turn. Everything is due when the catalogue
        has changed and when partitions have come from another owner, who may not have lived to refresh what
        it counted last.

        Raises:
            StoreUnavailableError: Postgres did not answer; what was left undone is done by the next call.
        """
        catalogue = self.watch.catalogue
        if self.touched.take_unseen() or self._whole_at != catalogue.revision:
            await self._plan_whole(catalogue)
        touched = self.touched.take()
        self._waiting.add(_parts(catalogue, catalogue.kpis, touched))
        self._leaning |= {slug for slug in catalogue.kpis if _reads_total(catalogue, slug, touched)}
        try:
            await self._plan_leaning(catalogue)
            while await self._store_next(catalogue, totals=True):
                pass
            await self._store_next(catalogue, totals=False)
            await self._due(catalogue)
            await self._prune(catalogue)
        except _SupersededError:
            log.info("refresh_superseded", revision=catalogue.revision)
        finally:
            self.metrics.refresh.waiting.set(len(self._waiting))

    async def _store_next(self, catalogue: Catalogue, *, totals: bool) -> bool:
        """Refresh the next rows that wait, totals or the others; whether there were any."""
        windows = _windows(catalogue)
        turn = self._waiting.take(windows, most=CHUNK, totals=totals)
        if not turn:
            return False
        try:
            async with transaction(self.engine) as connection:
                await self._take_turn(connection, catalogue)
                await self._refreshed(connection, catalogue, list(places(turn, windows)))
        except BaseException:
            self._waiting.add(turn)
            raise
        return True

    async def _plan_whole(self, catalogue: Catalogue) -> None:
        if self._whole_at != catalogue.revision:
            self._waiting.clear()
        self._whole_at, self._is_pruned = None, False
        async with transaction(self.engine) as connection:
            known = await known_series(connection, catalogue.measure_ids.values())
        self._waiting.add({(slug, ()): [series_text(())] for slug in catalogue.kpis})
        self._waiting.add(_parts(catalogue, catalogue.kpis, known))
        self._whole_at = catalogue.revision

    async def _plan_leaning(self, catalogue: Catalogue) -> None:
        """Let all rows wait of formulas that read a total which was touched: it is in the value of each."""
        slugs = self._leaning & catalogue.kpis.keys()
        if slugs:
            async with transaction(self.engine) as connection:
                known = await known_series(connection, catalogue.measure_ids.values())
            self._waiting.add(_parts(catalogue, slugs, known))
            self._leaning -= slugs

    async def _prune(self, catalogue: Catalogue) -> None:
        """Once everything was refreshed, rows that are not of this catalogue go."""
        if self._is_pruned or self._waiting:
            return
        async with transaction(self.engine) as connection:
            await self._take_turn(connection, catalogue)
            await current.prune(connection, catalogue.versions)
            await gone.forget(connection)
        self._is_pruned = True

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


def _windows(catalogue: Catalogue) -> Mapping[str, Sequence[str]]:
    return {slug: kpi.windows for slug, kpi in catalogue.kpis.items()}


def _is_known(catalogue: Catalogue, place: Place) -> bool:
    slug, window, dimensions = place
    kpi = catalogue.kpis.get(slug)
    names = {name for name, _ in dimensions}
    return kpi is not None and window in kpi.windows and any(set(b) == names for b in kpi.all_breakdowns)


def _parts(
    catalogue: Catalogue, slugs: Iterable[str], touched: Mapping[int, Collection[str]]
) -> dict[Part, list[str]]:
    """The rows of the KPIs *slugs* that the *touched* series of measures appear in."""
    found: dict[Part, list[str]] = {}
    for slug in slugs:
        for names in catalogue.kpis[slug].all_breakdowns:
            for measure in _measures_by(catalogue, slug, names):
                texts = touched.get(catalogue.measure_ids[measure.fingerprint], ())
                found.setdefault((slug, measure.breakdown), []).extend(texts)
    return found


def _measures_by(catalogue: Catalogue, slug: str, names: tuple[str, ...]) -> Iterator[Measure]:
    """What the rows by *names* of a KPI are made of; totals that these read are not among it."""
    for operand in catalogue.leaf_operands(slug):
        if not (operand.is_total and names):
            measures = catalogue.kpis[operand.slug].measures()
            yield from (measure for measure in measures if set(measure.breakdown) == set(names))


def _reads_total(catalogue: Catalogue, slug: str, touched: Mapping[int, set[str]]) -> bool:
    totals = [catalogue.kpis[o.slug].measures()[0] for o in catalogue.leaf_operands(slug) if o.is_total]
    return any(catalogue.measure_ids[measure.fingerprint] in touched for measure in totals)
