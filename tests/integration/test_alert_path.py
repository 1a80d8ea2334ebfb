"""The whole way of an alert: from a rule in the catalogue to a webhook and the topic, and its end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.api.alerting.jobs import open_alerting
from services.api.alerting.settings import AlertSettings
from shared.contracts.alerts import Notice, decode_notice
from shared.domain.definitions import Kpi
from shared.messaging.producer import Outgoing
from shared.runtime.lifecycle import run_jobs
from shared.runtime.ops import serving
from shared.storage.definitions import apply_changes
from shared.storage.engine import open_engine, transaction
from tests.unit.domain.kpi_builders import a_kpi

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
QUIET = {"name": "too_quiet", "window": "5m", "condition": "below", "threshold": 1, "severity": "critical"}


class Ears:
    """Everything that is told, over HTTP and over Kafka."""

    def __init__(self) -> None:
        self.posted: asyncio.Queue[Notice] = asyncio.Queue()
        self.written: asyncio.Queue[tuple[str, Outgoing]] = asyncio.Queue()

    async def post(self, request: Request) -> Response:
        """Take a webhook whose signature is right."""
        body = await request.body()
        Webhook(SECRET).verify(body, dict(request.headers))
        self.posted.put_nowait(decode_notice(body))
        return Response(status_code=204)

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Take records as a producer does."""
        for record in records:
            self.written.put_nowait((topic, record))


@contextlib.asynccontextmanager
async def alerting(engine: AsyncEngine, ears: Ears) -> AsyncIterator[None]:
    """Alerting at work, telling *ears*."""
    app = Starlette(routes=[Route("/", ears.post, methods=["POST"])])
    async with serving(app, host="127.0.0.1", port=0) as server:
        settings = AlertSettings(
            alert_evaluation_interval_s=0.1,
            alert_webhook_url=f"http://127.0.0.1:{server.port}/",
            alert_webhook_secret=SECRET,
            alert_webhook_allow_networks="127.0.0.0/8",
        )
        async with open_alerting(
            settings, engine=engine, producer=ears, registry=CollectorRegistry()
        ) as jobs:
            stopping = asyncio.Event()
            running = asyncio.create_task(run_jobs(jobs, stopping=stopping, grace_s=10))
            try:
                yield
            finally:
                stopping.set()
                await running


async def apply(engine: AsyncEngine, kpi: Kpi) -> None:
    """Put *kpi* in force."""
    async with transaction(engine) as conn:
        await apply_changes(conn, [kpi], NOW)


@pytest.mark.asyncio
async def test_whole_way(database_url: str) -> None:
    """A rule that is breached is told of once by webhook and once by topic, and so is its removal."""
    engine, ears = open_engine(database_url, application_name="tests"), Ears()
    await apply(engine, a_kpi(windows=["5m"], alerts=[QUIET]))
    async with asyncio.timeout(30), alerting(engine, ears):
        firing, (topic, record) = await ears.posted.get(), await ears.written.get()
        await apply(engine, a_kpi(windows=["5m"]))
        resolved, (_, last) = await ears.posted.get(), await ears.written.get()
    await engine.dispose()

    assert (firing.type, firing.data.kpi, str(firing.data.value), firing.data.severity) == (
        "alert.firing",
        "orders",
        "0",
        "critical",
    )
    assert (resolved.type, resolved.data.reason) == ("alert.resolved", "rule_removed")
    assert (topic, record.key) == ("tidemark.alerts", firing.data.alert_id.encode())
    assert record.headers == [("tidemark-notice-id", firing.data.notice_id.encode())]
    assert [decode_notice(each.value or b"") for each in (record, last)] == [firing, resolved]
    assert ears.posted.empty()
    assert ears.written.empty()
