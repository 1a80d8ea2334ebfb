"""Counting the log again, piece by piece: which records count or need a look, and when the next may be."""

import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compute.backfill.filling import concerning, counting, fill
from services.compute.backfill.pacing import Pace
from services.compute.backfill.reading import batches
from shared.counting.programmes import Programme
from shared.domain.calendars import instant_us
from shared.messaging.records import Record
from shared.storage.backfill_cursors import Span
from tests.unit.compute.builders import NOW, AClock, ARecord, a_record, an_event
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

TYPES = st.sampled_from(["order.paid", "order.lost", 'quo"ted', "bäck\\slash", "tick"])


@given(
    sent=st.lists(st.tuples(TYPES, st.text(max_size=3)), max_size=30),
    wanted=st.sets(TYPES, min_size=1, max_size=3),
    ascii_only=st.booleans(),
)
def test_concerning(sent: list[tuple[str, str]], wanted: set[str], *, ascii_only: bool) -> None:
    """No event of a wanted type is passed over, however its type is spelled and whatever stands around it."""
    values = [
        json.dumps({"type": kind, "data": {"type": text}}, ensure_ascii=ascii_only).encode("utf-8", "replace")
        for kind, text in sent
    ]

    kept = [msgspec.json.decode(value)["type"] for value in concerning(values, wanted)]

    assert [kind for kind in kept if kind in wanted] == [kind for kind, _ in sent if kind in wanted]


def test_counting() -> None:
    """What counts lies in a span, is not skipped in it and was not undone."""
    #  offsets     2  3  5  7  8  9 12
    #  spans      [2 ----- 7)[7 - 9)   [12 ...)      skipped 3, undone 8
    offsets = np.array([2, 3, 5, 7, 8, 9, 12])
    spans = [Span(2, 7, (3,)), Span(7, 9, ()), Span(12, 40, (30,))]

    assert counting(offsets, spans, [8]).tolist() == [True, False, True, True, False, False, True]


def test_fill_counts_what_it_does_not_decode() -> None:
    """Events of other types count as passed though nothing is taken from them."""
    programme = Programme.of(a_catalogue(a_kpi()))
    events = [an_event(n, type="order.paid" if n == 5 else "order.lost") for n in range(9)]
    records = [a_record(event, offset=n) for n, event in enumerate(events)]

    filled = fill(records, [Span(0, 9, ())], [], programme, now_us=instant_us(NOW))

    assert (filled.counted, filled.unfit, len(filled.additions)) == (9, 0, 1)


class ALog:
    """Hands out lists of records as they are."""

    def __init__(self, *lists: list[ARecord]) -> None:
        self._lists = lists

    async def read(self, *_: int) -> AsyncIterator[list[Record]]:
        """All of them, whatever is asked for."""
        for records in self._lists:
            yield [*records]


@pytest.mark.asyncio
async def test_batches() -> None:
    """Batches hold so many records at most and reach from one to the next; the last one reaches the end."""
    records = [a_record(offset=n) for n in (3, 4, 6, 7, 9)]
    log = ALog(records[:2], records[2:])

    found = [([r.offset for r in part], to) async for part, to in batches(log, 0, 3, 20, most=2)]

    assert found == [([3, 4], 5), ([6, 7], 8), ([9], 20)]


@pytest.mark.asyncio
async def test_nothing_there() -> None:
    """A stretch without records is passed all the same."""
    assert [part async for part in batches(ALog(), 0, 3, 20)] == [([], 20)]


def test_pace() -> None:
    """A rate keeps the next batch waiting for as long as the former ones take by it, and no longer."""
    clock = AClock()
    pace = Pace(lambda: False, now_s=clock)
    pace.passed(500, 100.0)
    at_once = pace.left_s()
    clock.s += 4
    later = pace.left_s()
    pace.passed(100, None)

    assert (at_once, later, pace.left_s()) == (5.0, 1.0, 1.0)


@pytest.mark.asyncio
async def test_rests_while_counting_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """While more waits than a flush takes, nothing is filled; then it goes on at once."""
    behind = [True, True, False]
    paused: list[float] = []

    async def waited(_: asyncio.Event, seconds: float) -> bool:
        paused.append(seconds)
        return False

    monkeypatch.setattr("services.compute.backfill.pacing.pause", waited)
    await Pace(lambda: behind.pop(0), now_s=AClock()).wait(asyncio.Event())

    assert (paused, behind) == ([0.25, 0.25], [])
