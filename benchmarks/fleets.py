"""Services as processes: started, found ready, scraped, weighed, stopped; it knows no event."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx2

from benchmarks.failures import ServiceEndedError, StandstillError
from benchmarks.scrapes import Scrape
from services.local.ports import LOOPBACK, free_port

READY_WITHIN_S = 90.0
STOP_WITHIN_S = 25.0
_POLL_S = 0.05
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Member:
    """One process of a service."""

    service: str
    port: int
    log: Path
    process: Process

    @property
    def url(self) -> str:
        """The address of its HTTP side."""
        return f"http://{LOOPBACK}:{self.port}"


class Fleet:
    """Processes that run; watched while work is done with them.

    Attributes:
        environment: what every one of them is told.
        logs: where their logs go.
    """

    def __init__(self, environment: Mapping[str, str], logs: Path, client: httpx2.AsyncClient) -> None:
        self._environment = environment
        self._logs = logs
        self._client = client
        self._members: list[Member] = []

    async def start(self, service: str, *, processes: int = 1) -> None:
        """Start so many *processes* of *service* and wait until each says that it is ready.

        Raises:
            ServiceEndedError, StandstillError: one is not; the message has its reasons.
        """
        for _ in range(processes):
            port = await free_port(besides=frozenset(member.port for member in self._members))
            log = self._logs / f"{service}-{len(self._members)}.log"
            self._members.append(await _started(service, self._environment, port=port, log=log))
        await self.unless_one_ends(self._all_ready())

    async def kill(self, service: str) -> None:
        """Kill the last started process of *service*, as a power cut would; it is no member any more."""
        victim = next(member for member in reversed(self._members) if member.service == service)
        self._members.remove(victim)
        victim.process.kill()
        await victim.process.wait()

    async def stop(self) -> None:
        """Stop them all, as an operator would."""
        await asyncio.gather(*(_stopped(member.process) for member in self._members))

    def url(self, service: str) -> str:
        """The address of the first process of *service*."""
        return next(member.url for member in self._members if member.service == service)

    def pids(self) -> Mapping[str, list[int]]:
        """The processes of each service."""
        found: dict[str, list[int]] = defaultdict(list)
        for member in self._members:
            found[member.service].append(member.process.pid)
        return found

    async def scrape(self, service: str) -> Scrape:
        """The metrics of all processes of *service* together."""
        urls = [f"{member.url}/metrics" for member in self._members if member.service == service]
        return Scrape.of([(await self._client.get(url)).text for url in urls])

    async def _all_ready(self) -> None:
        await asyncio.gather(*map(self._ready, self._members))

    async def _ready(self, member: Member) -> None:
        said = "nothing"
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while True:
                    with contextlib.suppress(httpx2.TransportError):
                        answer = await self._client.get(f"{member.url}/readyz")
                        if answer.is_success:
                            return
                        said = answer.text
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise StandstillError(
                f"{member.service} is not ready and says {said}. Its log is {member.log}"
            ) from None

    async def unless_one_ends(self, work: Coroutine[None, None, _T]) -> _T:
        """What *work* returns; it is cancelled when a process ends before it is done.

        Raises:
            ServiceEndedError: which, and the end of its log.
        """
        task = asyncio.create_task(work, name="work")
        ends = {asyncio.create_task(member.process.wait()): member for member in self._members}
        try:
            await asyncio.wait([task, *ends], return_when=asyncio.FIRST_COMPLETED)
            for end, member in ends.items():
                if end.done() and not task.done():
                    reason = f"ended with code {end.result()}"
                    raise ServiceEndedError(member.service, reason=reason, log=member.log)
            return task.result()
        finally:
            for waiting in (task, *ends):
                waiting.cancel()
            await asyncio.gather(task, *ends, return_exceptions=True)


@contextlib.asynccontextmanager
async def fleet(environment: Mapping[str, str], *, logs: Path) -> AsyncIterator[Fleet]:
    """Nothing running yet; what is started runs until the block ends."""
    async with httpx2.AsyncClient(timeout=10.0, trust_env=False) as client:
        found = Fleet(environment, logs, client)
        try:
            yield found
        finally:
            await found.stop()


async def _started(service: str, environment: Mapping[str, str], *, port: int, log: Path) -> Member:
    own = {f"TIDEMARK_{service.upper()}_PORT": str(port), "TIDEMARK_HTTP_HOST": LOOPBACK}
    # A session of its own: Ctrl-C is for the benchmark, which then stops its services in order.
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"services.{service}"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **environment, **own},
            start_new_session=True,
        )
    return Member(service, port, log, process)


async def _stopped(process: Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
