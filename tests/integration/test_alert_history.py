"""The history of alerts on a real database: as long as it is kept, and never what is still needed."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.alerting import forgetting as module
from services.api.alerting.forgetting import Forgetting
from shared.storage.engine import open_engine
from tests.integration.alert_rig import World, an_evaluator, metrics, rows, transitions
from tests.unit.domain.alert_builders import a_rule, after

pytestmark = pytest.mark.asyncio

KEPT = timedelta(days=7)


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """A database with an alert that has fired and been resolved five times, eight days ago."""
    opened = open_engine(database_url, application_name="tests")
    world = World([a_rule(held_for=timedelta(0))])
    evaluator = an_evaluator(opened, world, "one")
    for step, value in enumerate([11, 9] * 5):
        world.now, world.values = after(step), {"too_many": value}
        await evaluator.evaluate_once()
    await rows(opened, "UPDATE outbox SET delivered_at = now() - interval '8 days' WHERE channel = 'topic'")
    await rows(opened, "UPDATE alert_transitions SET at = now() - interval '8 days'")
    yield opened
    await opened.dispose()


async def test_past_its_time(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old transitions but the last and old delivered notices go, however many; what is open stays."""
    monkeypatch.setattr(module, "AT_MOST", 3)
    shown = metrics()
    await Forgetting(engine, KEPT, shown).sweep()

    assert [number for number, *_ in (await transitions(engine))["too_many"]] == [10]
    assert await rows(engine, "SELECT channel, count(*) FROM outbox GROUP BY channel") == [("webhook", 10)]
    assert shown.forgotten.labels("transitions")._value.get() == 9
    assert shown.forgotten.labels("notices")._value.get() == 10


async def test_within_its_time(engine: AsyncEngine) -> None:
    """Nothing that is younger goes."""
    await Forgetting(engine, timedelta(days=9), metrics()).sweep()

    assert len((await transitions(engine))["too_many"]) == 10
    assert await rows(engine, "SELECT count(*) FROM outbox") == [(20,)]


async def test_numbers_go_on(engine: AsyncEngine) -> None:
    """An alert whose history was forgotten goes on where it was, under numbers that were never used."""
    await Forgetting(engine, KEPT, metrics()).sweep()
    world = World([a_rule(held_for=timedelta(0))], now=after(60), values={"too_many": 11})
    await an_evaluator(engine, world, "one").evaluate_once()

    assert [number for number, *_ in (await transitions(engine))["too_many"]] == [10, 11]
