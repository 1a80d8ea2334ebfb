"""The API as a process: `python -m services.api` from start to SIGTERM."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator

import httpx2
import pytest

from shared.runtime.clock import monotonic_s

pytestmark = pytest.mark.asyncio

MOST_S = 20.0
"""How long a service may take from SIGTERM to its end, whatever is open."""


@contextlib.asynccontextmanager
async def process(database_url: str, kafka: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """The process and its port, once it listens; killed with the block if it is still there."""
    environment = {
        **os.environ,
        "TIDEMARK_DATABASE_URL": database_url,
        "TIDEMARK_KAFKA_BOOTSTRAP_SERVERS": kafka,
        "TIDEMARK_API_PORT": "0",
        "TIDEMARK_INSECURE_LOCAL": "true",
        "TIDEMARK_LOG_FORMAT": "json",
    }
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.api", env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield started, await _port(started)
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.communicate()


async def _port(started: asyncio.subprocess.Process) -> int:
    assert started.stderr is not None
    async with asyncio.timeout(30):
        async for line in started.stderr:
            with contextlib.suppress(json.JSONDecodeError):
                entry = json.loads(line)
                if entry["event"] == "api_started":
                    return int(entry["port"])
    raise EOFError("the process ended before it listened")


async def test_sigterm_with_open_streams(database_url: str, kafka: str) -> None:
    """SIGTERM ends the process in time and in order; clients of streams are told goodbye at once."""
    async with (
        process(database_url, kafka) as (started, port),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client,
        client.stream("GET", "/v1/stream") as first,
        client.stream("GET", "/v1/stream") as second,
    ):
        began_s = monotonic_s()
        started.send_signal(signal.SIGTERM)
        told = [(await answer.aread()).decode() for answer in (first, second)]
        told_s = monotonic_s() - began_s
        async with asyncio.timeout(MOST_S):
            _, left = await started.communicate()

    assert all('event: bye\ndata: {"reason":"shutdown"}' in each for each in told)
    assert told_s < 2
    assert started.returncode == 0, left.decode()


async def test_ready(database_url: str, kafka: str) -> None:
    """A process that has started is ready, and shows what it does."""
    async with (
        process(database_url, kafka) as (_, port),
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, trust_env=False) as client,
    ):
        ready = await client.get("/readyz")
        metrics = await client.get("/metrics")

    assert ready.status_code == 200, ready.text
    assert "tidemark_http_streams" in metrics.text
    assert "tidemark_alert_states" in metrics.text
