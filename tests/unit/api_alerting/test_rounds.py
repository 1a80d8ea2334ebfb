"""Jobs that go round: patient while a door is closed, quick to stop."""

import asyncio

import pytest

from services.api.alerting import rounds
from services.api.alerting.leases import fair_share
from services.api.alerting.rounds import go_round
from shared.domain.errors import StoreUnavailableError


@pytest.mark.asyncio
async def test_goes_on_after_a_closed_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """A door that is closed twice delays the work and does not end it."""
    waits: list[float] = []
    stopping, tries = asyncio.Event(), iter([True, True, False])

    async def work() -> float:
        if next(tries):
            raise StoreUnavailableError("closed")
        stopping.set()
        return 0.0

    async def pause(_: asyncio.Event, seconds: float) -> bool:
        waits.append(seconds)
        return False

    monkeypatch.setattr(rounds, "pause", pause)
    await go_round("work", work, stopping=stopping)

    assert waits == [0.5, 1.0, 0.0]


@pytest.mark.asyncio
async def test_bug_ends_the_job() -> None:
    """An error nobody has a name for brings the job down instead of going round for ever."""

    async def work() -> float:
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await go_round("work", work, stopping=asyncio.Event())


@pytest.mark.asyncio
async def test_stops_while_resting() -> None:
    """A job that rests for an hour stops at once."""
    stopping, resting = asyncio.Event(), asyncio.Event()

    async def work() -> float:
        resting.set()
        return 3600.0

    job = asyncio.create_task(go_round("work", work, stopping=stopping))
    await resting.wait()
    stopping.set()
    async with asyncio.timeout(1):
        await job


@pytest.mark.asyncio
async def test_stops_while_hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that hangs when the process is told to stop is cancelled after a few seconds."""
    monkeypatch.setattr(rounds, "FINISH_S", 0.02)
    stopping, hanging = asyncio.Event(), asyncio.Event()

    async def work() -> float:
        hanging.set()
        await asyncio.Event().wait()
        return 0.0

    job = asyncio.create_task(go_round("work", work, stopping=stopping))
    await hanging.wait()
    stopping.set()
    async with asyncio.timeout(1):
        await job


@pytest.mark.parametrize(("evaluators", "share"), [(0, 8), (1, 8), (2, 4), (3, 3), (5, 2), (8, 1), (20, 1)])
def test_fair_share(evaluators: int, share: int) -> None:
    """Evaluators share the eight shards so that none is left over."""
    assert fair_share(evaluators) == share
