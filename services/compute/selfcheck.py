"""The self-check: a value at random is counted again from the log, now and then, and must be the same."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.compute.metrics import CheckMetrics
from shared.domain.calendars import instant_us
from shared.domain.definitions import Kpi
from shared.domain.errors import LogLostError, ReplayTooLargeError, TryAgainError
from shared.domain.readings import Question
from shared.domain.windows import DAY_US, Window, parse_window
from shared.replay.checks import Claim, agree, claim, recounted
from shared.replay.recounts import RecordReader
from shared.runtime.clock import utc_now
from shared.runtime.lifecycle import pause
from shared.storage.definitions import load_catalogue
from shared.storage.engine import reading
from shared.storage.pane_answers import SeriesQuestion
from shared.storage.picks import PickedSeries, pick_day, pick_series

log = structlog.get_logger(__name__)

REMEMBERED = 100
"""The drift is told of so many checks: about an hour by default."""

SHORTER = tuple(map(parse_window, ("1h", "5m", "1m", "10s")))
"""Windows tried instead of one whose events are too many to be read."""

RECENT = timedelta(hours=3)
"""Half of the checks are of an instant as young: only there the finest panes are read."""

CHECKED_BACK = timedelta(days=390)
"""Older events may have been counted by flushes that are forgotten."""


@dataclass(frozen=True, slots=True)
class SelfCheckPolicy:
    """How often and how much is checked.

    Attributes:
        interval_s: from one check to the next.
        most_records: of the log for one check.
    """

    interval_s: float
    most_records: int


@dataclass(slots=True)
class SelfCheck:
    """Checks one value after the other.

    Attributes:
        open_log: a connection to the clean topic, until the block ends.
        is_behind: whether a backlog waits to be counted: then nothing is checked.
    """

    engine: AsyncEngine
    open_log: Callable[[], AbstractAsyncContextManager[RecordReader]]
    metrics: CheckMetrics
    policy: SelfCheckPolicy
    is_behind: Callable[[], bool] = lambda: False
    now: Callable[[], datetime] = utc_now
    random: Random = field(default_factory=Random)
    _last: deque[bool] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    async def run(self, stopping: asyncio.Event) -> None:
        """Check until *stopping* is set."""
        while not await pause(stopping, self.policy.interval_s):
            if not self.is_behind():
                try:
                    await self.check()
                except TryAgainError as error:
                    log.info("check_put_off", reason=str(error))

    async def check(self) -> bool | None:
        """Whether a value at random is what the log says; None if there was none that could be checked.

        Raises:
            StoreUnavailableError, BrokerUnavailableError: nothing was checked.
        """
        async with reading(self.engine) as connection:
            picked = await self._picked(connection)
        if picked is None:
            self.metrics.values.labels("skipped").inc()
            return None
        series, claimed = picked
        try:
            async with self.open_log() as reader:
                found = await recounted(reader, claimed)
        except LogLostError:
            self.metrics.values.labels("skipped").inc()
            return None
        is_right = agree(claimed.counted, found)
        self._tell(is_right=is_right)
        if not is_right:
            whole = claimed.planned.whole
            log.error(
                "value_drifted",
                measure_id=claimed.key.measure_id, series_id=series.series_id, start_us=whole.start_us,
                end_us=whole.end_us, counted=claimed.counted.n, recounted=found.n,
            )  # fmt: skip
        return is_right

    def _tell(self, *, is_right: bool) -> None:
        self._last.append(is_right)
        self.metrics.values.labels("right" if is_right else "drifted").inc()
        self.metrics.drift.set(self._last.count(False))

    async def _picked(self, connection: AsyncConnection) -> tuple[PickedSeries, Claim] | None:
        """A series with what its panes say of a window at an instant, all at random."""
        catalogue, now = await load_catalogue(connection), self.now()
        leaves = [kpi for kpi in catalogue.kpis.values() if kpi.measures()]
        if not leaves:
            return None
        kpi = self.random.choice(leaves)
        measure = self.random.choice(kpi.measures())
        measure_id = catalogue.measure_ids[measure.fingerprint]
        series = await pick_series(connection, measure_id, at=self.random.random())
        if series is None:
            return None
        at_us = await self._instant_us(connection, series.series_id, now)
        for window in self._windows(kpi):
            question = Question(window, at_us, measure.finest, measure.zone)
            key = SeriesQuestion(question, measure_id, series.dimensions)
            try:
                most = self.policy.most_records
                return series, await claim(connection, catalogue, key, now=now, most=most)
            except ReplayTooLargeError:
                continue
        return None

    def _windows(self, kpi: Kpi) -> Iterator[Window]:
        yield self.random.choice(kpi.windows_parsed)
        yield from SHORTER

    async def _instant_us(self, connection: AsyncConnection, series_id: int, now: datetime) -> int:
        """A recent instant, the recent the likelier, or one on any day of the series."""
        now_us = instant_us(now)
        day_us = None
        if self.random.random() < 1 / 2:
            since_us = instant_us(now - CHECKED_BACK)
            day_us = await pick_day(connection, series_id, since_us=since_us, at=self.random.random())
        if day_us is not None:
            return min(day_us + self.random.randrange(DAY_US), now_us)
        longest_s = math.log(RECENT.total_seconds())
        return now_us - round(1_000_000 * math.exp(self.random.random() * longest_s))
