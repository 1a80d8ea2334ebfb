"""The three services as processes: started, found ready, watched, stopped; it knows no event and no KPI."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx2

from services.local.demo.failures import ServiceDiedError, TooSlowError, last_lines
from services.local.ports import LOOPBACK

READY_WITHIN_S = 60.0
"""Starting takes two seconds on an idle machine; a busy one gets half a minute and as much again."""

STOP_WITHIN_S = 20.0
"""What every service promises on SIGTERM; after that it is killed."""

_POLL_S = 0.2
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Service:
    """One service as it is to be started."""

    name: str
    port: int
    log: Path

    @property
    def url(self) -> str:
        """The address of its HTTP side."""
        return f"http://{LOOPBACK}:{self.port}"


class Fleet:
    """Services that run; watched while work is done with them."""

    def __init__(self, processes: Mapping[str, tuple[Service, Process]]) -> None:
        self._processes = processes

    async def unless_one_dies(self, work: Coroutine[None, None, _T]) -> _T:
        """What *work* returns; it is cancelled when a service ends before it is done.

        Raises:
            ServiceDiedError: which service, and the end of its log.
        """
        task = asyncio.create_task(work, name="work")
        deaths = [asyncio.create_task(self._death(name), name=f"watch-{name}") for name in self._processes]
        try:
            await asyncio.wait([task, *deaths], return_when=asyncio.FIRST_COMPLETED)
            for death in deaths:
                if death.done():
                    raise death.result()
            return task.result()
        finally:
            for running_task in (task, *deaths):
                running_task.cancel()
            await asyncio.gather(task, *deaths, return_exceptions=True)

    async def _death(self, name: str) -> ServiceDiedError:
        service, process = self._processes[name]
        code = await process.wait()
        return ServiceDiedError(name, code=code, log=service.log)

    async def ready(self) -> None:
        """Wait until every service says so.

        Raises:
            TooSlowError: one did not within a minute; the message has its reasons.
        """
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            await asyncio.gather(*(_ready(client, service) for service, _ in self._processes.values()))


async def _ready(client: httpx2.AsyncClient, service: Service) -> None:
    said = "nothing"
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while True:
                with contextlib.suppress(httpx2.TransportError):
                    answer = await client.get(f"{service.url}/readyz")
                    if answer.is_success:
                        return
                    said = answer.text
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        lines = "\n".join(last_lines(service.log))
        raise TooSlowError(
            f"The {service.name} service is not ready after {READY_WITHIN_S:g} s and says {said}."
            f" Its log is {service.log}\n{lines}"
        ) from None


@contextlib.asynccontextmanager
async def running(services: Sequence[Service], environment: Mapping[str, str]) -> AsyncIterator[Fleet]:
    """The *services* as processes of their own until the block ends, then stopped one and all."""
    processes: dict[str, tuple[Service, Process]] = {}
    try:
        for service in services:
            processes[service.name] = (service, await _started(service, environment))
        yield Fleet(processes)
    finally:
        await asyncio.gather(*(_stopped(process) for _, process in processes.values()))


async def _started(service: Service, environment: Mapping[str, str]) -> Process:
    # A session of its own: Ctrl-C is for the demo, which then stops its services in order.
    with service.log.open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"services.{service.name}",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
            start_new_session=True,
        )


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
