"""One Apache Kafka node of the local stack: format, start, ready, stop; it knows no topic."""

import asyncio
import base64
import contextlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from services.local import ports, processes
from services.local.failures import CommandFailedError, ServerFailedError
from services.local.java import find_java
from services.local.kafka_config import JAVA_FLAGS, KafkaPorts, logging_properties, server_properties
from services.local.kafka_jars import Progress, kafka_jars

#: An ApiVersions request, version 0: length, key 18, version, correlation id, no client id.
_API_VERSIONS = bytes.fromhex("0000000a0012000000000001ffff")


@dataclass(frozen=True, slots=True)
class KafkaServer:
    """The node whose files are in *directory*."""

    directory: Path

    @property
    def log(self) -> Path:
        """Where the server writes what it does."""
        return self.directory / "server.log"

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    @property
    def _pid_file(self) -> Path:
        return self.directory / "pid"

    @property
    def _console(self) -> Path:
        return self.directory / "console.log"

    def pid(self) -> int | None:
        """The process, or None when it does not run; a stranger's process is never taken for it."""
        pid = processes.read_pid(self._pid_file)
        return pid if processes.belongs(pid, argument=self._properties) else None

    async def answers(self, port: int) -> bool:
        """Whether a Kafka broker answers on *port* now."""
        return len(await ports.answer(port, question=_API_VERSIONS, size=8)) == 8

    async def start(self, at: KafkaPorts, *, progress: Progress, deadline_s: float = 60) -> None:
        """Start the node on loopback ports and wait until it answers; does nothing when it already does.

        Raises:
            KafkaMissingError: there is no Java or no way to get the jars.
            ServerFailedError: the process ended, or did not answer within *deadline_s* seconds.
        """
        if self.pid() is None:
            java, jars = await asyncio.gather(find_java(), kafka_jars(progress))
            command = [str(java), *JAVA_FLAGS, f"-Dlog4j2.configurationFile={self._log4j}"]
            command += ["-cp", os.pathsep.join(str(jar) for jar in jars)]
            self._configure(at)
            await self._format(command)
            progress("starting Apache Kafka")
            self._launch([*command, "kafka.Kafka", str(self._properties)])
        await self._ready(at.broker, deadline_s)

    @property
    def _log4j(self) -> Path:
        return self.directory / "log4j2.properties"

    def _configure(self, at: KafkaPorts) -> None:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._properties.write_text(
            server_properties(ports=at, data=self.directory / "data"), encoding="utf-8"
        )
        self._log4j.write_text(logging_properties(self.log), encoding="utf-8")

    async def _format(self, command: list[str]) -> None:
        """Give empty storage its identity; Kafka writes meta.properties last, so half a format is redone."""
        if (self.directory / "data" / "meta.properties").exists():
            return
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # As one word: an identity may begin with a dash, and would be taken for an option.
        identity = f"--cluster-id={cluster}"
        arguments = ["kafka.tools.StorageTool", "format", "--ignore-formatted", identity, "-c"]
        try:
            await processes.run([*command, *arguments, str(self._properties)], timeout_s=60)
        except CommandFailedError as error:
            raise ServerFailedError(f"Kafka could not format its storage: {error}", log=self.log) from error

    def _launch(self, command: list[str]) -> None:
        pid = processes.leave_running(command, output=self._console)
        self._pid_file.write_text(f"{pid}\n", encoding="utf-8")

    async def _ready(self, port: int, deadline_s: float) -> None:
        async def answers_or_is_gone() -> bool:
            return self.pid() is None or await self.answers(port)

        answered = await processes.within(deadline_s, answers_or_is_gone)
        if self.pid() is None:
            log = self.log if self.log.exists() else self._console
            raise ServerFailedError("Kafka ended while it was starting.", log=log)
        if not answered:
            raise ServerFailedError(f"Kafka did not answer within {deadline_s:g} s.", log=self.log)

    async def stop(self, *, grace_s: float = 30) -> None:
        """Ask the node to shut down and wait until it has; it is killed after *grace_s* seconds."""
        pid = self.pid()
        if pid is not None:
            await processes.stop(pid, argument=self._properties, grace_s=grace_s)
        with contextlib.suppress(FileNotFoundError):
            self._pid_file.unlink()
