"""Live values for many clients from one look at the database; it knows no HTTP beyond the frames it fills.

The poller asks what changed and offers it to every subscription, which keeps the latest of each series
until its client takes it. Ids are positions in the log of transactions: a client that names one is complete
up to there, whatever the order in which transactions committed.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from prometheus_client import Gauge

from services.api.catalogue_cache import CatalogueCache
from services.api.freshness import defined, fresh
from services.api.http.answers import ENCODER
from services.api.http.parameters import series_key
from services.api.http.selections import Selection
from services.api.judging import judgements
from services.api.readers import Readings
from services.api.schemas.values import GoneBody, change_body
from services.api.security.redactions import UNSEEN
from services.api.streaming.subscriptions import Batch, Change, SeriesKey, Subscription
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.errors import StoreUnavailableError, TryAgainError
from shared.domain.readings import Dimensions, Reading
from shared.domain.targets import Judgement, Kind
from shared.storage.current import CurrentReading
from shared.storage.gone import Gone
from shared.storage.readings import Ask

log = structlog.get_logger(__name__)

BEYOND = 2**63 - 1
"""A cursor after every transaction: asking from there says only where the log of transactions ends."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A change, and whose it is.

    Attributes:
        kpi: only its slug where the series is gone, and the KPI perhaps with it.
        discreet: where its target follows another KPI: that one, and the change without what tells of it.
    """

    kpi: Kpi | str
    window: str
    dimensions: Dimensions
    change: Change
    discreet: tuple[Kpi, Change] | None = None

    def change_for(self, selection: Selection) -> Change:
        """The change as whoever made *selection* may see it."""
        if self.discreet is None or selection.limits.shows(self.discreet[0]):
            return self.change
        return self.discreet[1]

    def is_for(self, selection: Selection) -> bool:
        """Whether it is told to whoever made *selection*."""
        if isinstance(self.kpi, str):
            return selection.takes_gone(self.kpi, self.window, self.dimensions)
        return selection.takes(self.kpi, self.window, self.dimensions)


class TooManyStreamsError(TryAgainError):
    """Every stream of this process is taken; try again, or ask another instance."""


class Hub:
    """One poller and its subscriptions."""

    def __init__(
        self,
        *,
        readings: Readings,
        catalogue: CatalogueCache,
        clock: Callable[[], datetime],
        open_streams: Gauge,
        limit: int,
    ) -> None:
        self._readings = readings
        self._catalogue = catalogue
        self._clock = clock
        self._open_streams = open_streams
        self._limit = limit
        self._subscriptions: set[Subscription] = set()
        self._position: int | None = None
        self._last_seen: dict[SeriesKey, int] = {}
        self._polls = 0
        self._snapshots: dict[tuple[Selection, int | None], Batch] = {}
        self._taking = asyncio.Lock()
        self._is_open = True

    async def poll(self) -> None:
        """Offer what has changed since the last time; a database that is away is asked again later."""
        try:
            await self._poll()
        except TryAgainError as error:
            log.warning("stream_poll_failed", reason=str(error))
        finally:
            self._polls += 1
            self._snapshots.clear()

    async def _poll(self) -> None:
        if self._position is None or not self._subscriptions:
            # What changes while nobody listens need not be read, only passed.
            _, self._position = await self._readings.changed_since(BEYOND)
            self._last_seen = {}
            return
        rows, position = await self._readings.changed_since(self._position)
        # A transaction that is still open holds the cursor back, and the rows after it come again.
        news = [row for row in rows if self._last_seen.get(_key(row)) != row.revision]
        self._offer(await self._told(news), position)
        self._last_seen = {_key(row): row.revision for row in rows}
        self._position = position

    async def _told(self, rows: Sequence[CurrentReading | Gone]) -> list[_Told]:
        """*rows* as clients are told of them; what the catalogue no longer has is left out."""
        if not rows:
            return []
        values = [row for row in rows if isinstance(row, CurrentReading)]
        catalogue = await self._knowing(values)
        told = await self._changes(catalogue, defined(catalogue, values))
        gone = [row for row in rows if isinstance(row, Gone)]
        return told + [_Told(row.slug, row.window, row.dimensions, _farewell(row)) for row in gone]

    async def _knowing(self, rows: Sequence[CurrentReading]) -> Catalogue:
        catalogue = await self._catalogue.current()
        if all(row.reading.slug in catalogue.kpis for row in rows):
            return catalogue
        return await self._catalogue.renewed()

    async def _changes(self, catalogue: Catalogue, rows: Sequence[CurrentReading]) -> list[_Told]:
        """Each of *rows* as clients see it."""
        now = self._clock()

        async def evaluate(asks: Sequence[Ask]) -> list[Reading]:
            return await self._readings.evaluate(catalogue, asks, now=now)

        readings = [row.reading for row in rows]
        meant = await judgements(catalogue, readings, evaluate=evaluate, now=now, are_current=True)
        return [_row_told(catalogue, row, each) for row, each in zip(rows, meant, strict=True)]

    def _offer(self, told: Sequence[_Told], position: int) -> None:
        for subscription in self._subscriptions:
            selection = subscription.selection
            wanted = [each.change_for(selection) for each in told if each.is_for(selection)]
            subscription.offer(wanted, position=position)

    @contextlib.contextmanager
    def subscribed(self, selection: Selection) -> Iterator[Subscription]:
        """A subscription that gets every change from now on, until the block ends.

        Raises:
            TooManyStreamsError: the process has as many as it may have, or is about to stop.
        """
        if not self._is_open or len(self._subscriptions) >= self._limit:
            raise TooManyStreamsError(f"this process serves at most {self._limit} streams at a time")
        subscription = Subscription(selection)
        self._subscriptions.add(subscription)
        self._open_streams.set(len(self._subscriptions))
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            self._open_streams.set(len(self._subscriptions))

    async def snapshot(self, selection: Selection, *, since: int | None) -> Batch:
        """What a client has to be told first: everything selected, or what has changed since a position.

        Clients that ask between two polls share one look at the database: what changes after it, the
        next poll offers to all of them. So a crowd that comes back at once costs one.

        Raises:
            StoreUnavailableError: the database does not answer, or no position is known yet.
        """
        asked = (selection, since)
        async with self._taking:
            batch = self._snapshots.get(asked)
            if batch is None:
                polls = self._polls
                batch = await self._taken(selection, since)
                if polls == self._polls:
                    self._snapshots[asked] = batch
            return batch

    async def _taken(self, selection: Selection, since: int | None) -> Batch:
        position = self._position
        if position is None:
            raise StoreUnavailableError("the stream has not found its place in the database yet")
        if since is not None and since <= position:
            rows, _ = await self._readings.changed_since(since)
            if await self._readings.remembers(since):
                return await self._batch(selection, rows, position, is_whole=False)
        return await self._batch(selection, await self._all_of(selection), position, is_whole=True)

    async def _batch(
        self,
        selection: Selection,
        rows: Sequence[CurrentReading | Gone],
        position: int,
        *,
        is_whole: bool,
    ) -> Batch:
        values = [row for row in rows if isinstance(row, CurrentReading)]
        catalogue = await self._knowing(values)
        wanted = [row for row in defined(catalogue, values) if _is_wanted(row, catalogue, selection)]
        renewed = await fresh(self._readings, catalogue, wanted, now=self._clock())
        gone = await self._told([row for row in rows if isinstance(row, Gone)])
        farewells = [each.change for each in gone if each.is_for(selection)]
        changes = [each.change_for(selection) for each in await self._changes(catalogue, renewed)]
        return Batch((*changes, *farewells), position, is_whole=is_whole)

    async def _all_of(self, selection: Selection) -> list[CurrentReading]:
        slugs = selection.slugs_in((await self._catalogue.current()).kpis)
        windows = sorted(selection.windows) or None
        return await self._readings.current(slugs=slugs, windows=windows)

    def say_goodbye(self) -> None:
        """End every stream at once and take no new ones; the process is about to stop."""
        self._is_open = False
        for subscription in self._subscriptions:
            subscription.end("shutdown")


def _key(row: CurrentReading | Gone) -> SeriesKey:
    named = row if isinstance(row, Gone) else row.reading
    return named.slug, named.window, series_key(named.dimensions)


def _is_wanted(row: CurrentReading, catalogue: Catalogue, selection: Selection) -> bool:
    reading = row.reading
    return selection.takes(catalogue.kpis[reading.slug], reading.window, reading.dimensions)


def _change(catalogue: Catalogue, row: CurrentReading, judgement: Judgement) -> Change:
    body = change_body(catalogue.kpis[row.reading.slug], row, judgement)
    return Change(_key(row), row.revision, ENCODER.encode(body))


def _row_told(catalogue: Catalogue, row: CurrentReading, judgement: Judgement) -> _Told:
    kpi, reading = catalogue.kpis[row.reading.slug], row.reading
    change = _change(catalogue, row, judgement)
    followed = catalogue.kpis.get(judgement.source or "") if judgement.kind is Kind.KPI else None
    discreet = None
    if followed is not None:
        discreet = (followed, _change(catalogue, row, UNSEEN))
    return _Told(kpi, reading.window, reading.dimensions, change, discreet)


def _farewell(gone: Gone) -> Change:
    body = GoneBody(gone.slug, gone.window, gone.dimensions, gone.revision)
    return Change(_key(gone), gone.revision, ENCODER.encode(body), event=b"gone")
