"""The PostgreSQL server of the local stack: make its cluster, start, ready, stop; it knows no table."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from services.local import processes
from services.local.failures import CommandFailedError, ServerFailedError
from services.local.kafka_jars import Progress
from services.local.ports import LOOPBACK
from services.local.postgres_config import postgresql_conf
from services.local.postgres_install import PostgresInstall

#: Role and database carry the same name.
_NAME = "tidemark"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """The server whose files are in *directory*, run by the programs of *install*."""

    directory: Path
    install: PostgresInstall

    @property
    def log(self) -> Path:
        """Where the server writes what it does."""
        return self.directory / "server.log"

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _password(self) -> Path:
        return self.directory / "password"

    @property
    def _pid_file(self) -> Path:
        return self._data / "postmaster.pid"

    def pid(self) -> int | None:
        """The server's first process, or None; a stranger's process is never taken for it."""
        pid = processes.read_pid(self._pid_file)
        return pid if processes.belongs(pid, argument=self._data) else None

    def url(self, port: int) -> str:
        """The address of the database, password included; only after the first start."""
        password = self._password.read_text(encoding="utf-8").strip()
        return f"postgresql://{_NAME}:{password}@{LOOPBACK}:{port}/{_NAME}"

    async def answers(self, port: int) -> bool:
        """Whether the server accepts connections on *port* now."""
        try:
            await self._run("pg_isready", "-q", "-t", "2", "-h", LOOPBACK, "-p", str(port), timeout_s=10)
        except CommandFailedError:
            return False
        return True

    async def start(self, port: int, *, progress: Progress, deadline_s: float = 120) -> None:
        """Start the server on *port* and wait until it accepts; does nothing when it already does.

        Raises:
            ServerFailedError: it could not be made or started, or did not accept in *deadline_s* seconds.
        """
        if self.pid() is None:
            if not self._data.exists():
                progress("making a PostgreSQL cluster")
                await self._make()
            progress("starting PostgreSQL")
            await self._launch(port, deadline_s)
        elif not await processes.within(deadline_s, lambda: self.answers(port)):
            raise ServerFailedError(f"PostgreSQL did not answer within {deadline_s:g} s.", log=self.log)
        await self._make_database(port)

    async def _make(self) -> None:
        """A new cluster under a name of its own first, so that half a cluster is never started."""
        self._write_private(self._password, secrets.token_hex(24))
        partial = self.directory / f"data.{secrets.token_hex(4)}"
        try:
            await self._run(
                *("initdb", "-D", str(partial), "-U", _NAME, f"--pwfile={self._password}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                timeout_s=120,
            )
        except CommandFailedError as error:
            raise ServerFailedError(
                f"PostgreSQL's cluster could not be made: {error}", log=self.log
            ) from error
        partial.rename(self._data)

    async def _launch(self, port: int, deadline_s: float) -> None:
        self._forget_a_strangers_pid()
        self._write_private(self._data / "postgresql.conf", postgresql_conf(port))
        seconds = str(round(deadline_s))
        arguments = ("start", "-w", "-t", seconds, "-D", str(self._data), "-l", str(self.log))
        try:
            await self._run("pg_ctl", *arguments, timeout_s=deadline_s + 10)
        except CommandFailedError as error:
            raise ServerFailedError(f"PostgreSQL did not start: {error}", log=self.log) from error

    def _forget_a_strangers_pid(self) -> None:
        """Remove a pid file whose number now belongs to somebody else: PostgreSQL would not start over it.

        A pid file of a dead server is left alone; PostgreSQL checks more than the number then.
        """
        pid = processes.read_pid(self._pid_file)
        if pid is not None and self.pid() is None and processes.exists(pid):
            self._pid_file.unlink()

    async def _make_database(self, port: int) -> None:
        made = self.directory / "database"
        if made.exists():
            return
        connection = ("-h", LOOPBACK, "-p", str(port), "-U", _NAME, "--maintenance-db=postgres")
        password = self._password.read_text(encoding="utf-8").strip()
        try:
            await self._run("createdb", *connection, _NAME, timeout_s=30, password=password)
        except CommandFailedError as error:
            if "already exists" not in str(error):
                raise
        made.touch(mode=0o600)

    async def stop(self, *, grace_s: float = 30) -> None:
        """End the server, open connections included, and wait until it has ended."""
        if self.pid() is None:
            return
        for mode in ("fast", "immediate"):
            arguments = ("stop", "-w", "-m", mode, "-t", str(round(grace_s)), "-D", str(self._data))
            with contextlib.suppress(CommandFailedError):
                await self._run("pg_ctl", *arguments, timeout_s=grace_s + 10)
            if self.pid() is None:
                return
        raise ServerFailedError("PostgreSQL did not stop.", log=self.log)

    async def _run(self, program: str, *arguments: str, timeout_s: float, password: str = "") -> None:
        # Without PG* variables, which may point these programs at another server.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        await processes.run(
            [self.install.program(program), *arguments],
            timeout_s=timeout_s,
            user=self.install.user,
            environment={**environment, "PGPASSWORD": password},
        )

    def _write_private(self, path: Path, text: str) -> None:
        """Write a file that only the server's account (and root) can read."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        if self.install.user is not None:
            os.chown(path, self.install.user.uid, self.install.user.gid)
