"""The real application over events that are counted on a real Postgres, beside a log of them in memory."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import msgspec
import pytest
from prometheus_client import CollectorRegistry

from services.api import replays
from services.api.app import create_app
from services.api.composition import state_on
from services.api.settings import ApiSettings
from shared.contracts.rfc3339 import time_text
from tests.integration.corrections_rig import MemoryLog
from tests.integration.counting_rig import Counting
from tests.unit.compute.builders import NOW

_DECODER = msgspec.json.Decoder(float_hook=Decimal)

LATER = NOW + timedelta(minutes=4)
"""When everything is asked: all that came is known by then."""


@dataclass(frozen=True, slots=True)
class Explaining:
    """A client that asks why."""

    client: httpx2.AsyncClient

    async def told(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The body that *path* of a KPI is answered with, every number exact."""
        answer = await self.client.get(f"/v1/kpis/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return _DECODER.decode(answer.content)

    async def problem(self, path: str, query: Mapping[str, Any] | None = None) -> Any:
        """The problem that *path* of a KPI is answered with."""
        answer = await self.client.get(f"/v1/kpis/{path}", params=query)
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        return answer.json()

    async def every_event(self, slug: str, query: Mapping[str, Any], *, limit: int = 7) -> list[Any]:
        """The events behind a value, of all pages."""
        found, more = list[Any](), dict[str, Any]()
        while True:
            page = await self.told(f"{slug}/explain/events", {**query, **more, "limit": limit})
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            more = {"cursor": page["next_cursor"]}


def question(
    window: str, at: datetime, dimensions: Mapping[str, str | None] | None = None, **more: Any
) -> dict[str, Any]:
    """The parameters that ask for a value."""
    dims = {name: value or "" for name, value in (dimensions or {}).items()}
    return {"window": window, "at": time_text(at), **dims, **more}


@asynccontextmanager
async def explaining(
    counting: Counting,
    log: MemoryLog,
    patch: pytest.MonkeyPatch,
    *,
    now: datetime = LATER,
    most: int = 500_000,
) -> AsyncIterator[Explaining]:
    """A client of the API at *now*, which reads *log* where it would read Kafka, *most* records at most."""

    @asynccontextmanager
    async def opened(*_: object) -> AsyncIterator[MemoryLog]:
        yield log

    patch.setattr(replays, "open_ranges", opened)
    settings = ApiSettings.model_validate({"database_url": counting.url, "insecure_local": True})
    state = state_on(counting.engine, settings, registry=CollectorRegistry())
    assert isinstance(state.past, replays.Replays)
    state = replace(state, past=replace(state.past, most_records=most), clock=lambda: now)
    transport = httpx2.ASGITransport(app=create_app(state))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        yield Explaining(client)


def told_of(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, datetime, object]]:
    """*events* of an answer, as the oracle takes them."""
    return [(e["source"], e["id"], datetime.fromisoformat(e["time"]), e["value"]) for e in events]
