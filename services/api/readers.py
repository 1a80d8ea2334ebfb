"""What the API asks of storage, in its own words; the real thing and the tests' own both fit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.alert_changes import Alert
from shared.domain.alerts import StateName
from shared.domain.contributions import Explanation
from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.replay.explaining import Inquiry, Page, Told
from shared.replay.listing import Listed, Pinned
from shared.replay.revisions import Revision
from shared.storage.contributions import Change
from shared.storage.current import CurrentReading
from shared.storage.current_pages import Position, Wanted
from shared.storage.definition_histories import Retired
from shared.storage.gone import Gone
from shared.storage.newest_panes import Counted
from shared.storage.readings import Ask

Combination = tuple[tuple[str, str | None], ...]
"""Names and values of dimensions, sorted by name."""


@dataclass(frozen=True, slots=True)
class Picked:
    """The series of one breakdown, over a window at an instant."""

    slug: str
    window: str
    breakdown: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Top:
    """The *most* series of a breakdown with the largest values."""

    picked: Picked
    most: int


class Readings(Protocol):
    """Values, from panes and from the table of current ones.

    Every method may raise StoreUnavailableError; none holds a connection after it has returned.
    """

    async def evaluate(self, catalogue: Catalogue, asks: Sequence[Ask], *, now: datetime) -> list[Reading]:
        """The readings of *asks*, in their order and from one snapshot."""

    async def combinations(
        self, catalogue: Catalogue, slug: str, breakdown: tuple[str, ...]
    ) -> list[Combination]:
        """Every combination of values of *breakdown* that the KPI has met, in a stable order."""

    async def top(self, catalogue: Catalogue, picked: Picked, *, most: int, now: datetime) -> list[Reading]:
        """The *most* series with the largest values, then one for all others, if there are any."""

    async def together(
        self, catalogue: Catalogue, asks: Sequence[Ask], tops: Sequence[Top], *, now: datetime
    ) -> tuple[list[Reading], list[list[Reading]]]:
        """The readings of *asks* and the series of each of *tops*, all from one snapshot."""

    async def explained(
        self, catalogue: Catalogue, change: Change, *, most: int, now: datetime
    ) -> Explanation:
        """The parts of *change*, the *most* series that did most first, from one snapshot.

        Raises:
            IndivisibleChangeError: the change is not made up of what series did.
        """

    async def counted(self, catalogue: Catalogue, slugs: Collection[str]) -> Counted:
        """How far the KPIs of events *slugs* are counted, and when their last events were."""

    async def current(
        self, *, slugs: Sequence[str] | None, windows: Sequence[str] | None
    ) -> list[CurrentReading]:
        """The rows of kpi_current, all or those of some KPIs and windows, in any order."""

    async def page(self, wanted: Wanted, *, after: Position, limit: int) -> list[CurrentReading]:
        """At most *limit* rows of kpi_current that are *wanted* and follow *after*, in its order."""

    async def changed_since(self, cursor: int) -> tuple[list[CurrentReading | Gone], int]:
        """What transactions from *cursor* on have written or removed, and the cursor to go on from."""

    async def remembers(self, cursor: int) -> bool:
        """Whether everything that was removed from *cursor* on is still known."""


class RetiredReader(Protocol):
    """What was in force once."""

    async def retired(self) -> list[Retired]:
        """The KPIs that were retired and have not come back, by slug.

        Raises:
            StoreUnavailableError: the database does not answer.
        """


class PastReader(Protocol):
    """What was known when, from the log.

    Every method may raise ReplayTooLargeError, LogLostError and, of doors, TryAgainError.
    """

    async def readings(self, catalogue: Catalogue, asks: Sequence[Ask], *, at: datetime) -> list[Reading]:
        """The readings of *asks*, in their order, as they were known *at*."""

    async def revisions(self, catalogue: Catalogue, ask: Ask) -> list[Revision]:
        """The changes of a value after it had been complete, oldest first."""

    async def explained(self, catalogue: Catalogue, inquiry: Inquiry, page: Page | None) -> Told:
        """A value with its reasons, and the events of *page*; without one, no events are looked for."""

    async def events(
        self, catalogue: Catalogue, inquiry: Inquiry, page: Page, pinned: Pinned | None
    ) -> Listed:
        """The events that a value of a KPI of events is made of, as the first page saw them.

        Raises:
            EventsMovedError: these are no longer the events that *pinned* tells of.
        """


class AlertReader(Protocol):
    """Where alerts stand."""

    async def alerts(
        self,
        *,
        slugs: Sequence[str] | None,
        state: StateName | None,
        after: tuple[str, str, str] | None,
        limit: int,
    ) -> list[Alert]:
        """At most *limit* alerts in force, by KPI, rule and identity, those of *slugs* that follow *after*.

        Raises:
            StoreUnavailableError: the database does not answer.
        """
