"""KPIs, readings and a store in memory to build an API on, each with defaults that a test can change."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
from prometheus_client import CollectorRegistry

from services.api.annotating import StoredAnnotations
from services.api.app import create_app
from services.api.backfills import Backfills
from services.api.catalogue_cache import CatalogueCache
from services.api.dead_letters import DeadLetters
from services.api.definition_store import Writing
from services.api.dependencies import ApiState
from services.api.dry_runs import DryRun
from services.api.event_types import Arrivals
from services.api.kpi_gauges import KpiGauges
from services.api.metrics import ApiMetrics
from services.api.readers import Combination, Picked, Top
from services.api.security.key_book import KeyBook
from services.api.security.security import Security
from services.api.single_flights import SingleFlights
from services.api.streaming.event_stream import Pace
from services.api.streaming.streams import Hub
from shared.access.doors import OpenDoor
from shared.domain.alert_changes import Alert
from shared.domain.alerts import StateName
from shared.domain.contributions import Compared, Contribution, Explanation, Part
from shared.domain.definitions import Catalogue, Key, Kpi
from shared.domain.errors import BrokerUnavailableError, StoreUnavailableError
from shared.domain.freshness import LastEvent
from shared.domain.ranking import OTHER
from shared.domain.readings import Dimensions, Reading
from shared.observability.health import Check
from shared.replay.explaining import Inquiry, Page, Told
from shared.replay.listing import Listed, Pinned
from shared.replay.previews import Preview
from shared.replay.revisions import Revision
from shared.storage.completeness import Completeness
from shared.storage.contributions import Change
from shared.storage.current import CurrentReading
from shared.storage.current_pages import Position, Wanted
from shared.storage.definition_histories import Retired, Versions
from shared.storage.engine import open_engine
from shared.storage.gone import Gone
from shared.storage.newest_panes import Counted
from shared.storage.readings import Ask

NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
"""The time in every test that does not say otherwise."""

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
"""A database that is never asked: what needs one is tested on a real one."""
NOWHERE = "postgresql://127.0.0.1:1/none"
"""A database that is never connected to."""


def a_kpi(slug: str = "departures", **changes: Any) -> Kpi:
    """A KPI that counts departures, by carrier too."""
    fields = {
        "slug": slug,
        "title": slug.replace("_", " ").title(),
        "category": "operational",
        "owner": "ops@example.com",
        "unit": "flights",
        "event_type": "flight.departed",
        "aggregate": "count",
        "breakdowns": [["carrier"]],
        "windows": ["1h", "24h"],
    }
    return Kpi.model_validate({**fields, **changes})


def a_reading(slug: str = "departures", **changes: Any) -> Reading:
    """A reading of the total over the last hour."""
    reading = Reading(
        slug=slug,
        version=3,
        window="1h",
        dimensions={},
        value=Decimal(42),
        n=42,
        window_start=NOW - timedelta(hours=1),
        window_end=NOW,
        as_of=NOW - timedelta(seconds=1),
        complete=False,
        valid_until=None,
    )
    return dataclasses.replace(reading, **changes)


def a_row(slug: str = "departures", *, revision: int = 1, **changes: Any) -> CurrentReading:
    """A row of kpi_current."""
    return CurrentReading(a_reading(slug, **changes), revision, NOW)


class Memory:
    """What the API reads, in memory: the catalogue is whatever the caller says, and time stands still.

    Attributes:
        rows: kpi_current.
        changes: what `changed_since` gives, one answer after the other; then nothing.
        forgotten: up to where what has gone is no longer known.
        value: what every ask is answered with.
        gone: the KPIs that were retired.
        known: the combinations that have been met.
        standing: the alerts.
        is_away: whether the database does not answer.
        asks: everything that was evaluated.
        changes_asked: every change that was to be explained.
        excess: by how much more than an hour the earlier window of a change is long.
        last: when the last event of each KPI was.
        looks: how often kpi_current was read.
        rounds: how often questions were answered together.
    """

    def __init__(self) -> None:
        self.rows: list[CurrentReading] = []
        self.changes: list[tuple[list[CurrentReading | Gone], int]] = []
        self.forgotten = 0
        self.value: Decimal | None = Decimal(42)
        self.gone: list[Retired] = []
        self.known: list[Combination] = []
        self.standing: list[Alert] = []
        self.is_away = False
        self.position = 100
        self.asks: list[Ask] = []
        self.changes_asked: list[Change] = []
        self.excess = timedelta(0)
        self.since: list[int] = []
        self.last: LastEvent | None = None
        self.looks = 0
        self.rounds = 0

    async def evaluate(self, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime) -> list[Reading]:
        """A reading of `value` for each ask, whatever the time."""
        del now
        self._answer()
        self.asks += asks
        return [self._reading(catalogue, ask) for ask in asks]

    def _reading(self, catalogue: Catalogue, ask: Ask) -> Reading:
        return a_reading(
            ask.slug,
            version=catalogue.versions[ask.slug],
            window=ask.window,
            dimensions=dict(ask.dimensions),
            value=self.value,
            window_end=ask.at,
        )

    async def retired(self) -> list[Retired]:
        """Those that are set."""
        self._answer()
        return self.gone

    async def combinations(
        self, catalogue: Catalogue, slug: str, breakdown: tuple[str, ...]
    ) -> list[Combination]:
        """Those that are known."""
        del catalogue, slug, breakdown
        self._answer()
        return self.known

    async def top(self, catalogue: Catalogue, picked: Picked, *, most: int, now: datetime) -> list[Reading]:
        """The first of those that are known, and one for the others."""
        first = [Ask(picked.slug, picked.window, one, picked.at) for one in self.known[:most]]
        others = Ask(picked.slug, picked.window, tuple((name, OTHER) for name in picked.breakdown), picked.at)
        return await self.evaluate(catalogue, [*first, others], now=now)

    async def together(
        self, catalogue: Catalogue, asks: Sequence[Ask], tops: Sequence[Top], *, now: datetime
    ) -> tuple[list[Reading], list[list[Reading]]]:
        """Both, one after the other."""
        self.rounds += 1
        readings = await self.evaluate(catalogue, asks, now=now)
        return readings, [await self.top(catalogue, top.picked, most=top.most, now=now) for top in tops]

    async def counted(self, catalogue: Catalogue, slugs: Collection[str]) -> Counted:
        """Everything up to a second ago, with `last` as the last event of each."""
        del catalogue
        self._answer()
        as_of = NOW - timedelta(seconds=1)
        return Counted(Completeness(as_of, as_of, {}), dict.fromkeys(slugs, self.last))

    async def explained(
        self, catalogue: Catalogue, change: Change, *, most: int, now: datetime
    ) -> Explanation:
        """No change at all, to which each of the first that are known did nothing."""
        self.changes_asked.append(change)
        series = [(), *self.known[:most]]
        asks = [
            Ask(change.slug, change.window, one, at) for one in series for at in (change.then, change.now)
        ]
        found = await self.evaluate(catalogue, asks, now=now)
        then = [self._an_hour(each, excess=self.excess) for each in found[::2]]
        later = [self._an_hour(each) for each in found[1::2]]
        pairs = list(map(Compared, then, later))
        nothing = None if self.value is None else Contribution(Decimal(0), None, None)
        return Explanation(pairs[0], tuple(Part(pair, nothing) for pair in pairs[1:]))

    def _an_hour(self, reading: Reading, excess: timedelta = timedelta(0)) -> Reading:
        begin = reading.window_end - timedelta(hours=1) - excess
        return dataclasses.replace(reading, window_start=begin)

    async def current(
        self, *, slugs: Sequence[str] | None, windows: Sequence[str] | None
    ) -> list[CurrentReading]:
        """The rows of those KPIs and windows."""
        self._answer()
        self.looks += 1
        return [
            row
            for row in self.rows
            if (slugs is None or row.reading.slug in slugs)
            and (windows is None or row.reading.window in windows)
        ]

    async def page(self, wanted: Wanted, *, after: Position, limit: int) -> list[CurrentReading]:
        """Rows of those KPIs and windows, totals before series."""
        self._answer()
        rows = [
            row
            for row in self.rows
            if row.reading.slug in wanted.slugs
            and (wanted.windows is None or row.reading.window in wanted.windows)
            and _standing(row) > _key(*after)
        ]
        return sorted(rows, key=_standing)[:limit]

    async def remembers(self, cursor: int) -> bool:
        """Whether what is asked for went after `forgotten`."""
        return cursor > self.forgotten

    async def changed_since(self, cursor: int) -> tuple[list[CurrentReading | Gone], int]:
        """The next prepared answer."""
        self._answer()
        self.since.append(cursor)
        if cursor == 2**63 - 1 or not self.changes:
            return [], self.position
        rows, self.position = self.changes.pop(0)
        return rows, self.position

    async def alerts(
        self,
        *,
        slugs: Sequence[str] | None,
        state: StateName | None,
        after: tuple[str, str, str] | None,
        limit: int,
    ) -> list[Alert]:
        """The alerts that fit."""
        self._answer()
        fitting = [
            alert
            for alert in self.standing
            if (slugs is None or alert.rule.slug in slugs) and state in (None, alert.name)
        ]
        following = [a for a in fitting if after is None or (a.rule.slug, a.rule.name, a.alert_id) > after]
        return following[:limit]

    def _answer(self) -> None:
        if self.is_away:
            raise StoreUnavailableError("password=hunter2 was refused")


def _standing(row: CurrentReading) -> tuple[str, str, int, str]:
    return _key(row.reading.slug, row.reading.window, row.reading.dimensions)


def _key(slug: str, window: str, dimensions: Dimensions | None) -> tuple[str, str, int, str]:
    """Where a row stands in the database's order, in which fewer dimensions come before more."""
    return slug, window, -1 if dimensions is None else len(dimensions), str(dimensions)


class Past:
    """What was known, in memory: what *memory* says now, with the time that was asked about.

    Attributes:
        failure: what every question fails with.
        times: the times that were asked about.
        changes: the revisions of everything.
        revised: whose revisions were asked for.
        explaining: what was to be explained, with how many events.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.failure: Exception | None = None
        self.times: list[datetime] = []
        self.changes: list[Revision] = []
        self.revised: list[Ask] = []
        self.explaining: list[tuple[Inquiry, Page | None]] = []

    async def readings(self, catalogue: Catalogue, asks: Sequence[Ask], *, at: datetime) -> list[Reading]:
        """The readings of now, as of then."""
        self.times.append(at)
        if self.failure is not None:
            raise self.failure
        found = await self._memory.evaluate(catalogue, asks, now=at)
        return [dataclasses.replace(reading, as_of=at) for reading in found]

    async def revisions(self, catalogue: Catalogue, ask: Ask) -> list[Revision]:
        """Those that are set."""
        del catalogue
        self.revised.append(ask)
        if self.failure is not None:
            raise self.failure
        return self.changes

    async def explained(self, catalogue: Catalogue, inquiry: Inquiry, page: Page | None) -> Told:
        """Nothing but the failure: values are explained from panes and a log, of which there are none."""
        del catalogue
        self.explaining.append((inquiry, page))
        raise self.failure or LookupError("there is no log in memory")

    async def events(
        self, catalogue: Catalogue, inquiry: Inquiry, page: Page, pinned: Pinned | None
    ) -> Listed:
        """The same."""
        del catalogue, pinned
        self.explaining.append((inquiry, page))
        raise self.failure or LookupError("there is no log in memory")


class NoLog:
    """A log that cannot be read."""

    most_records = 1000

    async def preview(self, *_: object, **__: object) -> Preview:
        """Nothing: Kafka is away."""
        raise BrokerUnavailableError("no answer from Kafka")

    async def dry_run(self, *_: object, **__: object) -> DryRun:
        """Nothing: Kafka is away."""
        raise BrokerUnavailableError("no answer from Kafka")


class Definitions:
    """A catalogue that can be changed, and counts how often it is loaded and looked at."""

    def __init__(self, *kpis: Kpi) -> None:
        self.kpis: Mapping[str, Kpi] = {kpi.slug: kpi for kpi in kpis}
        self.number = 1
        self.loads = 0
        self.checks = 0

    def replace(self, *kpis: Kpi) -> None:
        """Put other definitions in force."""
        self.kpis = {kpi.slug: kpi for kpi in kpis}
        self.number += 1

    async def load(self) -> Catalogue:
        """The catalogue."""
        self.loads += 1
        return Catalogue(self.number, self.kpis, dict.fromkeys(self.kpis, 3), {})

    async def revision(self) -> int:
        """Its revision."""
        self.checks += 1
        return self.number


class NoEvents:
    """An ingest that has seen nothing."""

    async def all_types(self, *, now: datetime) -> Arrivals:
        """None."""
        del now
        return Arrivals({}, {}, 0)

    async def one_type(self, event_type: str, *, now: datetime) -> Arrivals:
        """None."""
        del event_type
        return await self.all_types(now=now)


class NoDefinitions:
    """Where definitions are kept, while the database does not answer."""

    def writing(self, actor: str) -> AbstractAsyncContextManager[Writing]:
        """Nothing is written."""
        raise StoreUnavailableError(actor)

    async def versions(self, key: Key) -> Versions | None:
        """Nothing is read."""
        raise StoreUnavailableError(str(key))


async def _ready() -> Check:
    return Check(ok=True, reason="answers")


def a_state(
    memory: Memory, *kpis: Kpi, streams: int = 2, pace: Pace | None = None, **changes: Any
) -> ApiState:
    """Everything an application needs, on *memory*."""
    registry = CollectorRegistry()
    metrics = ApiMetrics.on(registry)
    definitions = Definitions(*(kpis or [a_kpi()]))
    catalogue = CatalogueCache(load=definitions.load, revision=definitions.revision)
    gauges = KpiGauges(readings=memory, catalogue=catalogue, clock=_now)
    state = ApiState(
        readings=memory,
        past=Past(memory),
        previews=NoLog(),
        dry_runs=NoLog(),
        alerts=memory,
        event_types=NoEvents(),
        dead_letters=DeadLetters("127.0.0.1:1", open_engine(NOWHERE, application_name="tests")),
        retired=memory,
        annotations=StoredAnnotations(open_engine(NOWHERE, application_name="tests")),
        scores=SingleFlights(),
        definitions=NoDefinitions(),
        backfills=Backfills(open_engine(NOWHERE, application_name="tests"), _now),
        catalogue=catalogue,
        hub=Hub(
            readings=memory, catalogue=catalogue, clock=_now, open_streams=metrics.streams, limit=streams
        ),
        pace=pace or Pace(),
        kpi_gauges=gauges,
        metrics=metrics,
        registry=registry,
        probes={"database": _ready},
        clock=_now,
        security=Security(OpenDoor(), KeyBook(open_engine(NOWHERE, application_name="tests"), _now)),
    )
    return dataclasses.replace(state, **changes)


def _now() -> datetime:
    return NOW


def a_client(memory: Memory, *kpis: Kpi, **changes: Any) -> httpx2.AsyncClient:
    """A client of an application on *memory*, without a network."""
    app = create_app(a_state(memory, *kpis, **changes))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api")
