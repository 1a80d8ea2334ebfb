"""How a partition moves: offsets, ledger, and up to when its numbers are whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import pytest

from services.compute.batches import CountedBatch
from services.compute.flushing import Standing, Work, move_of, write
from services.compute.parts import Tally
from services.compute.stores import CountingSession
from shared.counting.programmes import Programme
from shared.domain.calendars import as_datetime, instant_us
from shared.storage.pane_rows import PaneRows
from tests.unit.compute.builders import NOW
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

STANDING = Standing(partition=3, epoch=7, next_offset=100)
NOW_US = instant_us(NOW)
DISORDER = timedelta(seconds=10)
MINUTE_US = 60_000_000


def a_tally(*, last_us: int | None = NOW_US - 5 * MINUTE_US) -> Tally:
    """Ten records appended a minute ago, the newest event older than that."""
    return Tally(3, 110, 10, 6, 3, 1, b"", last_us, last_us, (NOW_US - MINUTE_US) // 1000)


def test_nothing_to_say() -> None:
    """A partition without records that is not known to be at its end does not move."""
    assert move_of(STANDING, None, caught_up_at_us=None, disorder=DISORDER, revision=1) is None


def test_a_batch() -> None:
    """A batch takes the position to its end, and the watermark to its newest event less the disorder."""
    move = move_of(STANDING, a_tally(), caught_up_at_us=None, disorder=DISORDER, revision=1)

    assert move is not None
    assert (move.partition, move.epoch, move.from_offset, move.to_offset) == (3, 7, 100, 110)
    assert (move.consumed, move.applied, move.duplicate, move.dead_lettered) == (10, 6, 3, 1)
    assert move.current_to == NOW - timedelta(minutes=1)
    assert move.watermark == NOW - timedelta(minutes=5) - DISORDER


def test_caught_up() -> None:
    """A partition at its end is current to the instant it was found so, whatever came or did not come."""
    quiet = move_of(STANDING, None, caught_up_at_us=NOW_US, disorder=DISORDER, revision=1)
    busy = move_of(STANDING, a_tally(), caught_up_at_us=NOW_US, disorder=DISORDER, revision=1)

    assert quiet is not None
    assert busy is not None
    assert (quiet.to_offset, quiet.consumed) == (100, 0)
    assert quiet.current_to == busy.current_to == NOW
    assert quiet.watermark == busy.watermark == NOW - DISORDER


def test_the_future_moves_no_watermark() -> None:
    """An event of the future takes the watermark no further than the record that brought it."""
    move = move_of(
        STANDING, a_tally(last_us=NOW_US + 4 * MINUTE_US), caught_up_at_us=None, disorder=DISORDER, revision=1
    )

    assert move is not None
    assert move.watermark == NOW - timedelta(minutes=1) - DISORDER


def test_copies_move_no_watermark() -> None:
    """A batch of which nothing was applied leaves the watermark where it is."""
    move = move_of(STANDING, a_tally(last_us=None), caught_up_at_us=None, disorder=DISORDER, revision=1)

    assert move is not None
    assert move.watermark is None
    assert as_datetime(0) < move.current_to


class Notebook:
    """A session and its transaction, of which only the order of the verbs is kept."""

    def __init__(self) -> None:
        self.verbs: list[str] = []

    async def rows(self, _: object) -> PaneRows:
        """No rows."""
        return PaneRows(())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Notebook"]:
        """Itself."""
        yield self
        self.verbs.append("commit")

    def __getattr__(self, name: str) -> Any:
        async def noted(*_: object, **__: object) -> None:
            self.verbs.append(name)

        return noted


@pytest.mark.asyncio
async def test_the_order_of_a_flush() -> None:
    """Rows are on the server before anything is locked, and nothing is written before the compare-and-set."""
    move = move_of(STANDING, a_tally(), caught_up_at_us=None, disorder=DISORDER, revision=1)
    assert move is not None
    batch = CountedBatch([a_tally()], (), (), 0)
    notebook = Notebook()

    await write(
        cast("CountingSession", notebook), Work(batch, [move], Programme.of(a_catalogue(a_kpi())), {3: 100})
    )

    assert notebook.verbs == ["stage", "move", "record", "activate", "add", "commit"]
