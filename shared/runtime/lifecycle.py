"""How a process lives: jobs run side by side until told to stop; it knows nothing of what they do."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol, TypeVar

import structlog

from shared.domain.errors import TryAgainError

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Job(Protocol):
    """Work that runs until the event is set, then finishes what it holds and returns."""

    def __call__(self, stopping: asyncio.Event, /) -> Awaitable[None]:
        """Run until *stopping* is set; return soon after; raise to bring the process down."""


class EndedEarlyError(Exception):
    """A job returned although nobody had asked it to stop."""


@contextlib.asynccontextmanager
async def stop_on_signals() -> AsyncIterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set; the process owns the signals, no library does."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    try:
        yield stopping
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def run_jobs(jobs: Mapping[str, Job], *, stopping: asyncio.Event, grace_s: float) -> None:
    """Run *jobs* until *stopping* is set or one of them ends; then ask all to stop, wait, cancel.

    A bare task group would cut the batch in flight; jobs get *grace_s* seconds to finish it.

    Raises:
        ExceptionGroup: what the jobs raised, an early end or a missed grace period included.
    """
    tasks = {asyncio.create_task(_watched(job, stopping), name=name) for name, job in jobs.items()}
    stop = asyncio.create_task(stopping.wait(), name="stop")
    await asyncio.wait({*tasks, stop}, return_when=asyncio.FIRST_COMPLETED)
    stopping.set()
    _, late = await asyncio.wait(tasks, timeout=grace_s)
    for task in late:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await stop
    log.info("jobs_ended", unfinished=sorted(task.get_name() for task in late))
    failures = [_failure(outcome) for outcome in outcomes if isinstance(outcome, BaseException)]
    if failures:
        raise ExceptionGroup("jobs failed", failures)


async def _watched(job: Job, stopping: asyncio.Event) -> None:
    await job(stopping)
    if not stopping.is_set():
        raise EndedEarlyError


def _failure(outcome: BaseException) -> Exception:
    if isinstance(outcome, Exception):
        return outcome
    return TimeoutError("a job did not stop within its grace period")


async def unless_stopped(work: Coroutine[Any, Any, T], *, stopping: asyncio.Event) -> T:
    """What *work* returns; it is cancelled when *stopping* is set first.

    Raises:
        StoppedBeforeStartError: *stopping* was set first.
    """
    task = asyncio.ensure_future(work)
    stop = asyncio.create_task(stopping.wait(), name="stop")
    try:
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise StoppedBeforeStartError
        return await task
    finally:
        stop.cancel()


async def pause(stopping: asyncio.Event, seconds: float) -> bool:
    """Wait *seconds* or until *stopping* is set; true when it was set."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
    return stopping.is_set()


class StoppedBeforeStartError(Exception):
    """The process was told to stop while it waited for a door to open; nothing is left undone."""


async def patiently(work: Callable[[], Awaitable[T]], *, stopping: asyncio.Event, wait_s: float = 2.0) -> T:
    """What *work* returns, tried again every *wait_s* seconds for as long as a door is closed to it.

    Raises:
        StoppedBeforeStartError: *stopping* was set meanwhile.
        Exception: whatever *work* raises that is no TryAgainError.
    """
    while not stopping.is_set():
        try:
            return await work()
        except TryAgainError as error:
            log.warning("not_open_yet", reason=str(error))
            await pause(stopping, wait_s)
    raise StoppedBeforeStartError


async def every(seconds: float, work: Callable[[], Awaitable[None]], *, stopping: asyncio.Event) -> None:
    """Do *work* again and again, *seconds* apart, until *stopping* is set."""
    while not stopping.is_set():
        await work()
        await pause(stopping, seconds)
