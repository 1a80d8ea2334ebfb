"""How alerting's jobs go round: again and again, patient when a door is closed, quick to stop."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.domain.errors import TryAgainError
from shared.runtime.lifecycle import pause

log = structlog.get_logger(__name__)

LONGEST_PAUSE_S = 30.0
"""A closed door is knocked at this often at least, so that a recovery is seen within half a minute."""

FINISH_S = 3.0
"""What is in hand when the process is told to stop gets this long; what it leaves is safe to repeat."""


async def go_round(name: str, work: Callable[[], Awaitable[float]], *, stopping: asyncio.Event) -> None:
    """Do *work* until *stopping* is set, resting as many seconds as it returns.

    A TryAgainError is logged and followed by a pause that doubles from half a second. When *stopping* is
    set, work in hand has a few seconds to finish and is cancelled then.
    """
    rounds = asyncio.create_task(_rounds(name, work, stopping), name=name)
    stop = asyncio.create_task(stopping.wait(), name=f"{name}_stop")
    try:
        await asyncio.wait({rounds, stop}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({rounds}, timeout=FINISH_S)
    finally:
        rounds.cancel()
        stop.cancel()
        outcome, _ = await asyncio.gather(rounds, stop, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome


async def _rounds(name: str, work: Callable[[], Awaitable[float]], stopping: asyncio.Event) -> None:
    failures = 0
    while not stopping.is_set():
        try:
            rest_s = await work()
            failures = 0
        except TryAgainError as error:
            rest_s = min(0.5 * 2**failures, LONGEST_PAUSE_S)
            failures = min(failures + 1, 10)
            log.warning("alerting_postponed", job=name, error=str(error), retry_in_s=rest_s)
        await pause(stopping, rest_s)
