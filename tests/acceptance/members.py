"""Services as processes of a test: started, found ready, killed, frozen, stopped, and their logs read."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from shared.runtime.clock import monotonic_s

READY_WITHIN_S = 60.0
STOPS_WITHIN_S = 20.0
"""What every service promises on SIGTERM."""

_SHOWN_LINES = 25
_T = TypeVar("_T")


async def until(
    look: Callable[[], Awaitable[_T]], *, what: str, within_s: float = 60.0, every_s: float = 0.05
) -> _T:
    """What *look* says as soon as it is true.

    Raises:
        AssertionError: it was not in time; the message says *what* was waited for, and what was last seen.
    """
    ends_s = monotonic_s() + within_s
    while not (found := await look()):
        assert monotonic_s() < ends_s, f"{what}: not within {within_s:g} s, last seen {found!r}"
        await asyncio.sleep(every_s)
    return found


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a service."""

    service: str
    process: Process
    log: Path

    def entries(self, event: str | None = None) -> list[dict[str, Any]]:
        """The lines of its log, those about *event* only if one is named."""
        found = []
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                found.append(json.loads(line))
        return [entry for entry in found if event is None or entry.get("event") == event]

    @property
    def url(self) -> str:
        """The address of its HTTP side; once it is ready."""
        return f"http://127.0.0.1:{self.entries(f'{self.service}_started')[0]['port']}"

    async def ready(self) -> None:
        """Wait until it says that it is."""
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:

            async def look() -> bool:
                assert self.process.returncode is None, f"{self.service} has ended"
                with contextlib.suppress(httpx2.TransportError, IndexError):
                    return (await client.get(f"{self.url}/readyz")).is_success
                return False

            await until(look, what=f"{self.service} ready", within_s=READY_WITHIN_S)

    async def logs(self, event: str, *, times: int = 1, within_s: float = 60.0) -> None:
        """Wait until its log has told of *event* so many *times*."""

        async def look() -> bool:
            return len(self.entries(event)) >= times

        await until(look, what=f"{self.service} tells of {event}", within_s=within_s)

    async def kill(self) -> None:
        """End it at once, without a word to it."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    def freeze(self) -> None:
        """Let it do nothing, and notice nothing, until it is thawed."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if no time had passed."""
        self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> int:
        """Ask it to stop; its exit code, which must come in time."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOPS_WITHIN_S):
            return await self.process.wait()

    async def gone(self) -> None:
        """Make sure that it is."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                await self.kill()

    def story(self) -> str:
        """How it fares and the end of its log, for people."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        lines = [line for line in lines if "batch_forwarded" not in line][-_SHOWN_LINES:]
        head = f"{self.service} {self.process.pid}, exit code {self.process.returncode}"
        return "\n  ".join([head, *(line[:600] for line in lines)]) + "\n"


async def started(service: str, *, environment: Mapping[str, str], log: Path) -> Member:
    """A process of *service*, its output in *log*; it may not be ready yet."""
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"services.{service}"),
            stdin=DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    return Member(service, process, log)
