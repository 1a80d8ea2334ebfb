"""A process is recognised by what it was started with, never by its number alone."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.local import processes
from services.local.failures import CommandFailedError

#: Waits for a signal; the argument after it is what a server's own path would be.
SLEEPER = ["/bin/sh", "-c", "while :; do sleep 0.1; done", "sleeper"]
STUBBORN = ["/bin/sh", "-c", "trap '' TERM; echo 1; while :; do sleep 0.1; done", "sleeper"]


@pytest_asyncio.fixture
async def sleeper(tmp_path: Path) -> AsyncIterator[int]:
    pid = processes.leave_running([*SLEEPER, str(tmp_path)], output=tmp_path / "out")
    yield pid
    await processes.stop(pid, argument=tmp_path, grace_s=5)


@pytest.mark.asyncio
async def test_own_process_recognised(sleeper: int, tmp_path: Path) -> None:
    """A process started with the path belongs to it, from the first moment on."""
    assert processes.belongs(sleeper, argument=tmp_path)


@pytest.mark.asyncio
async def test_stranger_not_taken(sleeper: int, tmp_path: Path) -> None:
    """A living process without the path on its command line is nobody we know."""
    assert not processes.belongs(sleeper, argument=tmp_path / "another")


@pytest.mark.asyncio
async def test_stranger_not_signalled(sleeper: int, tmp_path: Path) -> None:
    """Stopping what a stale pid file names leaves the stranger with that number alone."""
    await processes.stop(sleeper, argument=tmp_path / "another", grace_s=1)

    assert processes.belongs(sleeper, argument=tmp_path)


@pytest.mark.asyncio
async def test_session_of_its_own(sleeper: int) -> None:
    """What is left running is not in our session, so a closed terminal does not end it."""
    assert os.getsid(0) != os.getsid(sleeper)


@pytest.mark.asyncio
async def test_stop_asks_first(sleeper: int, tmp_path: Path) -> None:
    """A process that ends when asked is not killed, and is gone when stop returns."""
    assert await processes.stop(sleeper, argument=tmp_path, grace_s=5)
    assert not processes.belongs(sleeper, argument=tmp_path)


@pytest.mark.asyncio
async def test_stop_insists(tmp_path: Path) -> None:
    """A process that does not end when asked is killed after its grace."""
    output = tmp_path / "out"
    pid = processes.leave_running([*STUBBORN, str(tmp_path)], output=output)

    async def is_ready() -> bool:
        return bool(processes.read_pid(output))

    await processes.within(5, is_ready)

    assert not await processes.stop(pid, argument=tmp_path, grace_s=0.2)
    assert not processes.belongs(pid, argument=tmp_path)


@pytest.mark.asyncio
async def test_killed_is_gone(sleeper: int, tmp_path: Path) -> None:
    """A killed child that nobody has waited for counts as gone."""
    os.kill(sleeper, signal.SIGKILL)

    async def is_gone() -> bool:
        return not processes.belongs(sleeper, argument=tmp_path)

    assert await processes.within(5, is_gone)


@pytest.mark.parametrize("text", ["", "soon\n", "12 monkeys"])
def test_unreadable_pid_files(tmp_path: Path, text: str) -> None:
    """A pid file that holds no number, or none at all, names nobody."""
    path = tmp_path / "pid"
    path.write_text(text)

    assert processes.read_pid(path) is None
    assert processes.read_pid(tmp_path / "none") is None


@pytest.mark.parametrize("pid", [None, 0, 1, -1])
def test_numbers_that_are_never_ours(pid: int | None) -> None:
    """No number that a signal would read as init or as a group is ever taken for ours."""
    assert not processes.belongs(pid, argument=Path("/"))


@pytest.mark.asyncio
async def test_run_reports_output() -> None:
    """A command that fails says in the error what it printed."""
    with pytest.raises(CommandFailedError, match=r"sh failed:\nbroken pipe dream"):
        await processes.run(["/bin/sh", "-c", "echo broken pipe dream; exit 3"], timeout_s=5)


@pytest.mark.asyncio
async def test_run_ends_in_time() -> None:
    """A command that hangs is ended at its deadline."""
    with pytest.raises(CommandFailedError, match="timed out"):
        await processes.run(["/bin/sleep", "30"], timeout_s=0.1)


@pytest.mark.asyncio
async def test_run_does_not_wait_for_grandchildren() -> None:
    """A command that leaves a server behind is over when the command is."""
    async with asyncio.timeout(5):
        pid = await processes.run(["/bin/sh", "-c", "sleep 30 & echo $!"], timeout_s=10)

    os.kill(int(pid), signal.SIGKILL)
