"""The self-check, on a real Postgres: it finds what is wrong, and finds nothing wrong where nothing is."""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.compute.metrics import CheckMetrics
from services.compute.selfcheck import SelfCheck, SelfCheckPolicy
from shared.contracts.events import CleanEvent
from shared.domain.definitions.kpi_files import kpis_of
from tests.integration.corrections_rig import MemoryLog
from tests.integration.counting_rig import Counting, counting, law
from tests.integration.replay_rig import Remembering, of_one
from tests.integration.test_counting_laws import batches
from tests.integration.test_known_readings import both_files
from tests.unit.compute.builders import NOW, an_event, clean_log


def a_check(mine: Counting, log: MemoryLog, *, seed: int = 1, most: int = 100_000) -> SelfCheck:
    """A self-check of what *mine* has counted of *log*, seen at `NOW`."""

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[MemoryLog]:
        yield log

    metrics = CheckMetrics.on(CollectorRegistry())
    policy = SelfCheckPolicy(interval_s=30, most_records=most)
    return SelfCheck(mine.engine, opened, metrics, policy, now=lambda: NOW, random=Random(seed))  # noqa: S311


async def outcomes(check: SelfCheck, times: int) -> Counter[bool | None]:
    """What came of *times* checks."""
    return Counter([await check.check() for _ in range(times)])


def told(check: SelfCheck, outcome: str) -> float:
    """The counter of *outcome*."""
    return float(check.metrics.values.labels(outcome)._value.get())


@both_files
def test_nothing_is_wrong(
    database_url: str, kpi_file: Path, came: st.SearchStrategy[list[CleanEvent]]
) -> None:
    """Whatever came, in whichever way: every value that is picked is what the log says."""
    with law(database_url, kpis_of(kpi_file.read_text(encoding="utf-8"))) as place:

        @settings(max_examples=8)
        @given(
            log=came,
            partitions=st.integers(1, 3),
            sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3),
            seed=st.integers(0, 1000),
        )
        def holds(log: list[CleanEvent], partitions: int, sizes: list[int], seed: int) -> None:
            async def example() -> Counter[bool | None]:
                mine = Remembering(place.counting)
                await place.counting.take_over(range(partitions))
                for part in batches(clean_log(log, partitions=partitions), sizes):
                    await mine.flush(part)
                return await outcomes(a_check(place.counting, mine.log, seed=seed), 10)

            assert False not in place.holds(example())

        holds()


@contextlib.asynccontextmanager
async def some_counted(database_url: str) -> AsyncIterator[Remembering]:
    """Twenty orders of the last minute."""
    async with counting(database_url) as one:
        mine = Remembering(one)
        await one.take_over([0])
        await mine.flush(of_one(*(an_event(number) for number in range(20))))
        yield mine


@pytest.mark.asyncio
@pytest.mark.parametrize("damage", ["n = n + 1", "sum = sum - 1", "max = max + 1"])
async def test_a_pane_tampered_with(database_url: str, damage: str) -> None:
    """A pane that says anything else than the log is found, counted and told, without what the events say."""
    async with some_counted(database_url) as mine:
        check = a_check(mine.counting, mine.log)
        await mine.counting.connection.execute(f"UPDATE panes SET {damage}")
        with capture_logs() as lines:
            found = await outcomes(check, 20)
        (line, *_) = [line for line in lines if line["event"] == "value_drifted"]

    assert found[False] > 0
    assert check.metrics.drift._value.get() == told(check, "drifted") == found[False]
    assert set(line) == {
        "event", "log_level", "measure_id", "series_id", "start_us", "end_us", "counted", "recounted",
    }  # fmt: skip


@pytest.mark.asyncio
async def test_most_of_them_count(database_url: str) -> None:
    """Checks look where something was counted: nearly all of them compare a number with another."""
    async with some_counted(database_url) as mine:
        check = a_check(mine.counting, mine.log)
        found = await outcomes(check, 30)

    assert found[True] == told(check, "right") == 30 - found[None]
    assert found[True] > 10
    assert len(mine.log.reads) > 3


@pytest.mark.asyncio
async def test_bounded(database_url: str) -> None:
    """A value whose check would read more than allowed is left alone."""
    async with some_counted(database_url) as mine:
        check = a_check(mine.counting, mine.log, most=5)
        await outcomes(check, 20)

        assert told(check, "skipped") > 0
        assert mine.log.reads == []


@pytest.mark.asyncio
async def test_lost(database_url: str) -> None:
    """A log that no longer holds the events proves nothing."""
    async with some_counted(database_url) as mine:
        mine.log.begins[0] = 10
        check = a_check(mine.counting, mine.log)
        found = await outcomes(check, 20)

    assert found[False] == 0
    assert found[None] == told(check, "skipped") > 0


@pytest.mark.asyncio
async def test_about_to_be_repaired(database_url: str) -> None:
    """A series with panes that are known to be wrong, and about to be made anew, is not looked at."""
    async with some_counted(database_url) as mine:
        await mine.counting.connection.execute("UPDATE panes SET max = max + 1")
        await mine.counting.connection.execute(
            "INSERT INTO pane_repairs (series_id, rung, start_us, since)"
            " SELECT series_id, 5, 0, now() FROM series"
        )

        assert set(await outcomes(a_check(mine.counting, mine.log), 20)) == {None}


@pytest.mark.asyncio
async def test_nothing_defined(database_url: str) -> None:
    """Without anything counted there is nothing to check."""
    async with counting(database_url) as one:
        assert await outcomes(a_check(one, MemoryLog({})), 3) == {None: 3}
