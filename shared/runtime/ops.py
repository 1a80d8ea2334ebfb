"""The HTTP side of every process: a server that owns no signals, and /healthz /readyz /metrics."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import msgspec
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shared.observability.health import Probe, readiness


class HttpServer(uvicorn.Server):
    """uvicorn without signal handlers: the process decides when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield

    @property
    def port(self) -> int:
        """The port in use; only after the server has started."""
        port: int = self.servers[0].sockets[0].getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def serving(
    app: ASGIApp, *, host: str, port: int, grace_s: float = 5.0, on_stop: Callable[[], None] | None = None
) -> AsyncIterator[HttpServer]:
    """Serve *app* until the block ends; *on_stop* runs first, so that open streams can say goodbye."""
    server = HttpServer(_config(app, host=host, port=port, grace_s=grace_s))
    task = asyncio.create_task(server.serve(), name="http")
    try:
        while not server.started:
            if task.done():
                raise OSError(f"the HTTP server could not listen on {host}:{port}")
            await asyncio.sleep(0.01)
        yield server
    finally:
        if on_stop is not None:
            on_stop()
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError, SystemExit):
            await task


def _config(app: ASGIApp, *, host: str, port: int, grace_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        lifespan="off",
        access_log=False,
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=max(1, round(grace_s)),
        limit_concurrency=1000,
        backlog=512,
        h11_max_incomplete_event_size=16384,
    )


def ops_routes(*, probes: Mapping[str, Probe], registry: CollectorRegistry) -> list[Route]:
    """The three routes of a process that tells no numbers of the business: alive, ready, metrics.

    Args:
        probes: the checks of readiness by name.
        registry: what /metrics shows.
    """

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [*health_routes(probes), Route("/metrics", metrics, include_in_schema=False)]


def health_routes(probes: Mapping[str, Probe]) -> list[Route]:
    """What every process tells everybody: whether it is alive, and ready, with a reason for each probe."""

    async def healthz(_: Request) -> Response:
        return _json({"status": "ok"}, status=200)

    async def readyz(_: Request) -> Response:
        checks = await readiness(probes)
        ready = all(check.ok for check in checks.values())
        body = {"status": "ready" if ready else "not_ready", "checks": checks}
        return _json(body, status=200 if ready else 503)

    return [
        Route("/healthz", healthz, include_in_schema=False),
        Route("/readyz", readyz, include_in_schema=False),
    ]


def _json(body: Any, *, status: int) -> Response:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")
