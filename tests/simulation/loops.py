"""An event loop whose time jumps to the next timer and whose ready callbacks run in a seeded order."""

import asyncio
import random
from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import Any

PROCESS: ContextVar[int] = ContextVar("PROCESS", default=-1)
"""Which simulated process a callback belongs to; -1 is the world around them."""

EPOCH_S = 1_772_600_767.0
"""2026-03-04T05:06:07Z: what the wall clock shows when the loop begins."""


class DeadlockError(Exception):
    """Everybody waits and no timer runs."""


class VirtualTime:
    """What the product's clock reads instead of the machine's."""

    def __init__(self, loop: "SimulatedLoop") -> None:
        self._loop = loop

    def monotonic(self) -> float:
        """Seconds since the loop began."""
        return self._loop.now_s

    def time_ns(self) -> int:
        """The wall clock."""
        return round((EPOCH_S + self._loop.now_s) * 1e9)


class _Selector:
    """Waits for nothing: time passes at once, and nobody's sockets are ready."""

    def __init__(self, loop: "SimulatedLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        self._loop.step(timeout)
        return []

    def close(self) -> None:
        pass


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs callbacks by the whims of *whims*; processes can be frozen and thawed.

    Attributes:
        now_s: the time, which only waiting moves.
        tasks: every task that a process has begun, by process.
    """

    _ready: Any
    _scheduled: Any
    _stopping: bool

    def __init__(self, whims: random.Random) -> None:
        super().__init__()
        self.now_s = 1000.0
        self.tasks: dict[int, list[asyncio.Task[Any]]] = {}
        self._whims = whims
        self._selector = _Selector(self)
        self._clock_resolution = 1e-9
        self._held: dict[int, list[asyncio.Handle]] = {}
        self.set_task_factory(self._task)

    def time(self) -> float:
        """The virtual time."""
        return self.now_s

    def freeze(self, process: int) -> None:
        """Run nothing of *process* until it is thawed."""
        self._held.setdefault(process, [])

    def thaw(self, process: int) -> None:
        """Let *process* go on where it was."""
        self._ready.extend(self._held.pop(process, []))

    def step(self, timeout: float | None) -> None:
        """Hold back what is frozen, shuffle what is ready, and move the time when nothing is."""
        ready = [handle for handle in self._ready if not self._is_held(handle)]
        self._whims.shuffle(ready)
        self._ready.clear()
        self._ready.extend(ready)
        if ready or self._stopping:
            return
        if not self._scheduled:
            raise DeadlockError(f"at {self.now_s:.3f} s, with a timeout of {timeout}")
        self.now_s = max(self.now_s, self._scheduled[0].when())

    def _is_held(self, handle: Any) -> bool:
        held = self._held.get(handle._context.get(PROCESS, -1)) if self._held else None
        if held is None:
            return False
        held.append(handle)
        return True

    def _task(self, _: Any, work: Any, context: Context | None = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=self, context=context)
        # A context in which nothing is set is false.
        process = PROCESS.get() if context is None else context.get(PROCESS, -1)
        if process >= 0:
            self.tasks.setdefault(process, []).append(task)
        return task

    def run_in_executor(self, _: Any, work: Callable[..., Any], *arguments: Any) -> Any:  # type: ignore[override]
        """Do *work* at once: threads would not be seeded."""
        future = self.create_future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:  # noqa: BLE001 - it comes out where the future is awaited
            future.set_exception(error)
        return future

    def _process_events(self, _: Any) -> None:
        pass

    def _write_to_self(self) -> None:
        pass
