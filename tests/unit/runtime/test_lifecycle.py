"""How a process lives: jobs side by side, stopped by event, then grace, then cancel."""

import asyncio
import os
import signal

import pytest

from shared.runtime.lifecycle import EndedEarlyError, every, pause, run_jobs, stop_on_signals

pytestmark = pytest.mark.asyncio


async def steady(stopping: asyncio.Event) -> None:
    """A job that runs until it is told to stop."""
    await stopping.wait()


class Diary:
    """A job that writes down how it ended, after it has finished what it held."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    async def __call__(self, stopping: asyncio.Event) -> None:
        """Run until told to stop."""
        await stopping.wait()
        await asyncio.sleep(0)
        self.lines.append("finished")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals(number: signal.Signals) -> None:
    """SIGTERM and SIGINT ask all jobs to stop, and the process ends well."""
    diary = Diary()
    async with asyncio.timeout(5), stop_on_signals() as stopping:
        running = asyncio.create_task(run_jobs({"diary": diary}, stopping=stopping, grace_s=1))
        os.kill(os.getpid(), number)
        await running

    assert diary.lines == ["finished"]


async def test_a_failing_job() -> None:
    """A job that fails brings the others to an orderly stop, and its failure comes out."""

    async def failing(_: asyncio.Event) -> None:
        raise ValueError("broken")

    diary, stopping = Diary(), asyncio.Event()
    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup) as failed:
            await run_jobs({"diary": diary, "failing": failing}, stopping=stopping, grace_s=1)

    assert [repr(failure) for failure in failed.value.exceptions] == ["ValueError('broken')"]
    assert diary.lines == ["finished"]
    assert stopping.is_set()


async def test_a_job_that_ends_early() -> None:
    """A job that returns although nobody asked it to is a failure: a process without it is half a process."""

    async def brief(_: asyncio.Event) -> None:
        return None

    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup) as failed:
            await run_jobs({"brief": brief, "steady": steady}, stopping=asyncio.Event(), grace_s=1)

    assert failed.group_contains(EndedEarlyError)


async def test_a_job_that_does_not_stop() -> None:
    """A job that outlasts its grace is cancelled, and the process says that it did not end well."""
    cancelled = asyncio.Event()

    async def stubborn(_: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    diary, stopping = Diary(), asyncio.Event()
    stopping.set()
    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup) as failed:
            await run_jobs({"diary": diary, "stubborn": stubborn}, stopping=stopping, grace_s=0.05)

    assert failed.group_contains(TimeoutError, match="did not stop within its grace period")
    assert cancelled.is_set()
    assert diary.lines == ["finished"]


async def test_several_failures() -> None:
    """No failure hides another."""

    async def failing(stopping: asyncio.Event) -> None:
        await stopping.wait()
        raise OSError("door closed")

    async def first(_: asyncio.Event) -> None:
        raise ValueError("broken")

    async with asyncio.timeout(5):
        with pytest.raises(ExceptionGroup) as failed:
            await run_jobs({"one": first, "other": failing}, stopping=asyncio.Event(), grace_s=1)

    assert {type(failure) for failure in failed.value.exceptions} == {ValueError, OSError}


async def test_pause() -> None:
    """A pause ends with the process, or with its time."""
    stopping = asyncio.Event()

    assert await pause(stopping, 0.001) is False
    stopping.set()
    async with asyncio.timeout(5):
        assert await pause(stopping, 3600) is True


async def test_every() -> None:
    """Work is done again and again until the process stops, and not once more."""
    stopping, done = asyncio.Event(), list[int]()

    async def work() -> None:
        done.append(len(done))
        if len(done) == 3:
            stopping.set()

    async with asyncio.timeout(5):
        await every(0.001, work, stopping=stopping)

    assert done == [0, 1, 2]
