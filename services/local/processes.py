"""Programs of the operating system: run, leave running, recognise, stop; it knows no server."""

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.local.failures import CommandFailedError

_POLL_S = 0.05

#: While a process changes its program its arguments read as empty, although it lives; one millisecond apart.
_EXEC_LOOKS = 100


@dataclass(frozen=True, slots=True)
class OsUser:
    """An account a program can be run as."""

    name: str
    uid: int
    gid: int


async def run(
    command: Sequence[str],
    *,
    timeout_s: float,
    user: OsUser | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """The output of *command*, standard output and standard error together, when it has ended well.

    It runs in `/` because another user may not enter the present directory, and with this process's
    environment unless given one of its own.

    Raises:
        CommandFailedError: it ended with an error, did not end in time, or could not be started.
    """
    return await asyncio.to_thread(_run, command, timeout_s, user, environment)


def _run(
    command: Sequence[str], timeout_s: float, user: OsUser | None, environment: Mapping[str, str] | None
) -> str:
    # A file, not a pipe: a server started by the command keeps the output open and a pipe would never end.
    with tempfile.TemporaryFile() as output:
        try:
            subprocess.run(
                command,
                check=True,
                timeout=timeout_s,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=environment,
                user=user.uid if user else None,
                group=user.gid if user else None,
                extra_groups=[] if user else None,
            )
        except subprocess.CalledProcessError as error:
            raise CommandFailedError(command, _text(output.seek, output.read)) from error
        except (subprocess.TimeoutExpired, OSError) as error:
            raise CommandFailedError(command, str(error)) from error
        return _text(output.seek, output.read)


def _text(seek: Callable[[int], int], read: Callable[[], bytes]) -> str:
    seek(0)
    return read().decode(errors="replace")


def leave_running(command: list[str], *, output: Path) -> int:
    """The pid of *command*, started in a session of its own so that it outlives this process."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(output), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigdef=[signal.SIGINT, signal.SIGPIPE],
    )


def read_pid(path: Path) -> int | None:
    """The pid on the first line of *path*, or None when there is none."""
    try:
        return int(path.read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def exists(pid: int) -> bool:
    """Whether some process has this number now, whoever it belongs to."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def belongs(pid: int | None, *, argument: Path) -> bool:
    """Whether the process *pid* lives and was started with *argument* on its command line.

    A pid alone proves nothing: after a crash or a reboot the number may be a stranger's.
    """
    if pid is None or pid <= 1:
        return False
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return str(argument) in _command_line(pid)


def _command_line(pid: int) -> list[str]:
    """The arguments of a living process; none for a dead one or one that only waits to be reaped."""
    if not Path("/proc/self").exists():
        return _listed_command_line(pid)
    with contextlib.suppress(OSError):
        for _ in range(_EXEC_LOOKS):
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
            if arguments or _is_dead(pid):
                return arguments.decode(errors="replace").split("\0")
            time.sleep(0.001)
    return []


def _is_dead(pid: int) -> bool:
    """Whether the process has ended and nobody has asked how; its state follows the name in brackets."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] in "ZX"


def _listed_command_line(pid: int) -> list[str]:
    listing = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.split()


async def stop(pid: int, *, argument: Path, grace_s: float) -> bool:
    """Ask the process to end, insist after *grace_s* seconds; true when asking was enough.

    Does nothing to a process that does not carry *argument* on its command line.
    """
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10.0)):
        if not belongs(pid, argument=argument):
            return True
        os.kill(pid, number)
        if await within(wait_s, lambda: _gone(pid, argument)):
            return number == signal.SIGTERM
    return False


async def _gone(pid: int, argument: Path) -> bool:
    return not belongs(pid, argument=argument)


async def within(seconds: float, holds: Callable[[], Awaitable[bool]]) -> bool:
    """Whether *holds* came true within *seconds*; asked again and again."""
    try:
        async with asyncio.timeout(seconds):
            while True:
                if await holds():
                    return True
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return False
