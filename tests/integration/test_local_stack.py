"""The local stack: real servers that come up, keep what they were given, and go when told to."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from typer.testing import CliRunner

from services.local import stack
from services.local.commands import app
from services.local.failures import LocalStackError
from services.local.processes import within
from services.local.state import load_state
from services.local.status import ServerState, status
from shared.messaging.admin import cluster_id
from shared.runtime.local_addresses import LocalAddresses, local_addresses

#: One stack for the module, even where tests run in parallel.
pytestmark = pytest.mark.xdist_group("local-stack")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for one stack, gone with its data afterwards; no variable of the developer's applies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TIDEMARK_KAFKA_BOOTSTRAP_SERVERS", raising=False)
        patch.delenv("TIDEMARK_DATABASE_URL", raising=False)
        directory = tmp_path_factory.mktemp("stack")
        patch.setenv("TIDEMARK_HOME", str(directory))
        yield directory
        asyncio.run(stack.erase(directory))


@pytest_asyncio.fixture
async def addresses(home: Path) -> LocalAddresses:
    return await stack.up(home)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with the stack."""
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        yield process
        process.kill()


def leave_pid(home: Path, pid: int) -> None:
    """What a crash leaves behind once *pid* has been given to somebody else."""
    (home / "kafka" / "pid").write_text(f"{pid}\n")
    data = Path(load_state(home).postgres_directory or "") / "data"
    (data / "postmaster.pid").write_text(f"{pid}\n{data}\n1\n")


@contextlib.asynccontextmanager
async def a_connection(addresses: LocalAddresses) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(addresses.database_url, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def leave_a_mark(addresses: LocalAddresses, name: str) -> None:
    """A table with one row and a topic with one record, both called *name*."""
    async with a_connection(addresses) as connection:
        await connection.execute(f"CREATE TABLE {name} AS SELECT 42 AS answer")
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses.kafka_bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=addresses.kafka_bootstrap_servers) as producer:
        await producer.send_and_wait(name, b"42")


async def marks(addresses: LocalAddresses, name: str) -> tuple[int, bytes]:
    async with a_connection(addresses) as connection:
        answer = await connection.fetchval(f"SELECT answer FROM {name}")
    consumer = AIOKafkaConsumer(
        bootstrap_servers=addresses.kafka_bootstrap_servers, auto_offset_reset="earliest"
    )
    async with consumer:
        consumer.assign([TopicPartition(name, 0)])
        record = await asyncio.wait_for(consumer.getone(), 20)
    return answer, record.value


async def pids(home: Path) -> tuple[int, int]:
    found = await status(home)
    assert found.kafka.pid is not None
    assert found.postgres.pid is not None
    return found.kafka.pid, found.postgres.pid


async def states(home: Path) -> tuple[ServerState, ServerState]:
    found = await status(home)
    return found.kafka.state, found.postgres.state


@pytest.mark.asyncio
async def test_up(home: Path, addresses: LocalAddresses) -> None:
    """After up both servers answer, and services find their addresses."""
    assert await states(home) == (ServerState.RUNNING, ServerState.RUNNING)
    assert local_addresses(home) == addresses


@pytest.mark.asyncio
async def test_loopback_only(home: Path, addresses: LocalAddresses) -> None:
    """No server listens on more than 127.0.0.1: the same port of 127.0.0.2 is free."""
    state = load_state(home)

    for port in (state.kafka_port, state.kafka_controller_port, state.postgres_port):
        with socket.socket() as probe:
            probe.bind(("127.0.0.2", port))


@pytest.mark.asyncio
async def test_up_again(home: Path, addresses: LocalAddresses) -> None:
    """A second up changes nothing: the same processes at the same addresses."""
    before = await pids(home)

    assert await stack.up(home) == addresses
    assert await pids(home) == before


@pytest.mark.asyncio
async def test_password_needed(home: Path, addresses: LocalAddresses) -> None:
    """Another user of the machine cannot enter the database without the password."""
    port = load_state(home).postgres_port

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://tidemark:guess@127.0.0.1:{port}/tidemark", timeout=10)


@pytest.mark.asyncio
async def test_no_topics_by_accident(addresses: LocalAddresses) -> None:
    """Asking for a topic that nobody made does not make it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses.kafka_bootstrap_servers)
    await admin.start()
    await admin.describe_topics(["never_made"])
    topics = await admin.list_topics()
    await admin.close()

    assert "never_made" not in topics


@pytest.mark.asyncio
async def test_restart_keeps_data(home: Path, addresses: LocalAddresses) -> None:
    """Down and up keeps rows, records, ports and the password."""
    await leave_a_mark(addresses, "restarted")
    await stack.down(home)
    assert await states(home) == (ServerState.STOPPED, ServerState.STOPPED)
    assert local_addresses(home) is None

    again = await stack.up(home)

    assert again == addresses
    assert await marks(again, "restarted") == (42, b"42")


@pytest.mark.asyncio
async def test_kill_keeps_data(home: Path, addresses: LocalAddresses) -> None:
    """Servers killed outright come back at the same addresses with what they had acknowledged."""
    await leave_a_mark(addresses, "killed")
    for pid in await pids(home):
        os.kill(pid, signal.SIGKILL)

    async def are_gone() -> bool:
        return await states(home) == (ServerState.STOPPED, ServerState.STOPPED)

    assert await within(10, are_gone)
    again = await stack.up(home)

    assert again == addresses
    assert await marks(again, "killed") == (42, b"42")


@pytest.mark.asyncio
async def test_frozen_is_seen(home: Path, addresses: LocalAddresses) -> None:
    """A server that hangs is said not to answer, and answers again when it wakes."""
    kafka, _ = await pids(home)
    os.kill(kafka, signal.SIGSTOP)
    frozen = await states(home)
    os.kill(kafka, signal.SIGCONT)

    assert frozen == (ServerState.NOT_ANSWERING, ServerState.RUNNING)
    assert await states(home) == (ServerState.RUNNING, ServerState.RUNNING)


@pytest.mark.asyncio
async def test_stale_pid_files(
    home: Path, addresses: LocalAddresses, stranger: subprocess.Popen[bytes]
) -> None:
    """Pid files whose number is now a stranger's neither hinder the start nor harm the stranger."""
    await stack.down(home)
    leave_pid(home, stranger.pid)
    assert await states(home) == (ServerState.STOPPED, ServerState.STOPPED)

    await stack.up(home)

    assert await states(home) == (ServerState.RUNNING, ServerState.RUNNING)
    assert stranger.poll() is None


@pytest.mark.asyncio
async def test_port_taken_meanwhile(home: Path, addresses: LocalAddresses) -> None:
    """When a remembered port has been taken by somebody else, another is used and remembered."""
    await stack.down(home)
    with socket.create_server(("127.0.0.1", load_state(home).postgres_port or 0)):
        moved = await stack.up(home)

    assert moved.database_url != addresses.database_url
    assert moved.kafka_bootstrap_servers == addresses.kafka_bootstrap_servers
    assert local_addresses(home) == moved


@pytest.mark.asyncio
async def test_down_twice(home: Path, addresses: LocalAddresses) -> None:
    """Down on a stack that is down does nothing and complains about nothing."""
    await stack.down(home)
    await stack.down(home)

    assert await states(home) == (ServerState.STOPPED, ServerState.STOPPED)


def test_down_of_nothing(tmp_path: Path) -> None:
    """Down where no stack ever was leaves no trace."""
    asyncio.run(stack.down(tmp_path / "never"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.asyncio
async def test_servers_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that variables name are used and not started."""
    monkeypatch.setenv("TIDEMARK_KAFKA_BOOTSTRAP_SERVERS", "kafka.example:9092")
    monkeypatch.setenv("TIDEMARK_DATABASE_URL", "postgresql://me:secret@db.example/kpis")

    found = await stack.up(tmp_path)

    assert found == LocalAddresses("kafka.example:9092", "postgresql://me:secret@db.example/kpis")
    assert await states(tmp_path) == (ServerState.ELSEWHERE, ServerState.ELSEWHERE)
    assert (await status(tmp_path)).postgres.address == "postgresql://db.example/kpis"


@pytest.mark.asyncio
async def test_an_identity_like_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One random identity in 64 begins with a dash: the storage is given it all the same."""
    monkeypatch.delenv("TIDEMARK_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=b"\xf8" * 16))

    found = await stack.up(tmp_path, postgres=False)
    identity = await cluster_id(found.kafka_bootstrap_servers)
    await stack.erase(tmp_path)

    assert identity == "-Pj4-Pj4-Pj4-Pj4-Pj4-A"


@pytest.mark.asyncio
async def test_failure_ends_with_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not start says where its log is and what stands there."""
    monkeypatch.delenv("TIDEMARK_KAFKA_BOOTSTRAP_SERVERS", raising=False)
    data = tmp_path / "kafka" / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\nnode.id=77\ncluster.id=x\n")

    with pytest.raises(
        LocalStackError, match=r"(?s)Kafka ended while it was starting.*server\.log.*Stored node id 77"
    ):
        await stack.up(tmp_path, postgres=False)


def test_outlives_the_command(home: Path) -> None:
    """`up` prints lines to export, returns, and the servers it started stay."""
    command = [sys.executable, "-c", "from services.local.commands import app; app()", "up"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    assert f"export TIDEMARK_DATABASE_URL={load_state(home).database_url}\n" in printed
    assert (home / "env").read_text() in printed
    assert CliRunner().invoke(app, ["status"]).exit_code == 0
