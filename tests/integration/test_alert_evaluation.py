"""Evaluation of alerts on a real database: each transition once, whoever judges and whoever dies."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.alerting import evaluator as evaluator_module
from shared.domain.alert_changes import Alert, advanced, unseen
from shared.domain.alerts import Firing, Pending, StateName
from shared.storage.alerts import StaleAlertError, list_alerts, save_changes
from shared.storage.engine import open_engine, reading, transaction
from tests.integration.alert_rig import World, an_evaluator, metrics, queued, rows, transitions
from tests.unit.domain.alert_builders import NOON, a_reading, a_rule, after

RULES = [a_rule(name=f"rule_{number}") for number in range(16)]
AT_ONCE = a_rule(held_for=timedelta(0))
HIGH, LOW = 11, 9


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An empty database."""
    opened = open_engine(database_url, application_name="tests", pool_size=10)
    yield opened
    await opened.dispose()


def expected_transitions(
    history: list[tuple[datetime, dict[str, int | None]]],
) -> dict[str, list[tuple[int, str, str, datetime]]]:
    """What one evaluator without faults makes of *history*, by the pure step alone."""
    alerts: dict[str, Alert] = {rule.name: unseen(rule, {}, NOON) for rule in RULES}
    found: dict[str, list[tuple[int, str, str, datetime]]] = {}
    for now, values in history:
        for rule in RULES:
            before = alerts[rule.name]
            alerts[rule.name] = advanced(before, rule, a_reading(values[rule.name]).value, now)
            number = alerts[rule.name].transition
            if number != before.transition:
                transition = (number, before.name.value, alerts[rule.name].name.value, now)
                found.setdefault(rule.name, []).append(transition)
    return found


def a_history(instants: int, *, seed: int) -> list[tuple[datetime, dict[str, int | None]]]:
    """Values that come and go at random, 20 s apart, so that some waits are broken and some fire."""
    chance = Random(seed)  # noqa: S311 - a script, not a secret
    values: dict[str, int | None] = {rule.name: LOW for rule in RULES}
    history = []
    for number in range(instants):
        changing = [rule.name for rule in RULES if chance.random() < 0.2]
        values = values | {name: chance.choice([HIGH, LOW, None, HIGH]) for name in changing}
        history.append((after(20 * number), values))
    return history


@pytest.mark.asyncio
@pytest.mark.parametrize("lasting_s", [60, 0], ids=["leases kept", "leases taken away all the time"])
async def test_three_evaluators(engine: AsyncEngine, lasting_s: int) -> None:
    """Three evaluators side by side write what one would, each transition and notice exactly once."""
    world = World(RULES)
    evaluators = [an_evaluator(engine, world, name, lasting_s=lasting_s) for name in ("a", "b", "c")]
    for _ in range(3):
        for each in evaluators:
            await each._shards.held()
    history = a_history(30, seed=7)
    for world.now, values in history:
        world.values = dict(values)
        await asyncio.gather(*(each.evaluate_once() for each in evaluators))

    expected = expected_transitions(history)
    told = sorted(
        (rule, number, "firing" if to == "firing" else "resolved")
        for rule, changes in expected.items()
        for number, before, to, _ in changes
        if "firing" in (before, to)
    )

    assert await transitions(engine) == expected
    assert await queued(engine, "webhook") == told
    assert await queued(engine, "topic") == told
    assert len(told) > 10


@pytest.mark.asyncio
async def test_killed_before_commit(engine: AsyncEngine) -> None:
    """An evaluator that dies between judging and writing loses nothing: the next one finds the same."""
    world = World([AT_ONCE], values={AT_ONCE.name: HIGH})
    doomed = an_evaluator(engine, world, "doomed", lasting_s=0)
    shards = [lease.shard for lease in await doomed._shards.held()]
    judged = [change.after.state for change in await doomed._judge(shards)]
    await an_evaluator(engine, world, "heir").evaluate_once()

    assert judged == [Firing(NOON, breached_at=NOON)]
    assert await queued(engine) == [(AT_ONCE.name, 1, "firing")]


@pytest.mark.asyncio
async def test_zombie_is_fenced(engine: AsyncEngine) -> None:
    """An evaluator that sleeps until its shards have moved on writes nothing, even where nobody else has."""
    world = World([AT_ONCE], values={AT_ONCE.name: HIGH})
    zombie = an_evaluator(engine, world, "zombie", lasting_s=0)
    leases = await zombie._shards.held()
    changes = await zombie._judge([lease.shard for lease in leases])
    await an_evaluator(engine, world, "heir")._shards.held()
    for lease in leases:
        await zombie._write(lease, changes)

    assert await rows(engine, "SELECT alert_id FROM alerts") == []
    assert await queued(engine) == []


@pytest.mark.asyncio
@pytest.mark.parametrize("value", [HIGH, LOW], ids=["same state", "other state"])
async def test_stale_judgement(engine: AsyncEngine, value: int) -> None:
    """A judgement made from an alert that has moved on since is refused as a whole."""
    world = World([AT_ONCE], values={AT_ONCE.name: HIGH})
    slow = an_evaluator(engine, world, "one")
    await slow.evaluate_once()
    world.values[AT_ONCE.name] = value
    stale = await slow._judge([lease.shard for lease in await slow._shards.held()])
    for world.values[AT_ONCE.name], world.now in ((LOW, after(1)), (HIGH, after(2))):
        await slow.evaluate_once()
    before = await rows(engine, "SELECT state, since, transition, evaluated_at FROM alerts")

    with pytest.raises(StaleAlertError):
        async with transaction(engine) as conn:
            await save_changes(conn, stale)

    assert await rows(engine, "SELECT state, since, transition, evaluated_at FROM alerts") == before
    assert before == [("firing", after(2), 3, after(2))]


@pytest.mark.asyncio
async def test_all_or_nothing(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state whose notice cannot be queued is not written either."""

    async def fail(*_: object, **__: object) -> None:
        raise LookupError("no room")

    world = World([AT_ONCE], values={AT_ONCE.name: HIGH})
    monkeypatch.setattr(evaluator_module, "queue_notices", fail)
    with pytest.raises(LookupError):
        await an_evaluator(engine, world, "one").evaluate_once()

    assert await rows(engine, "SELECT alert_id FROM alerts") == []


@pytest.mark.asyncio
async def test_wait_survives_restart(engine: AsyncEngine) -> None:
    """A wait that one evaluator began ends on time under another, however long nobody was there."""
    world = World([RULES[0]], values={RULES[0].name: HIGH})
    for name, seconds in (("first", 0), ("second", 59), ("third", 3600)):
        world.now = after(seconds)
        each = an_evaluator(engine, world, name)
        await each.evaluate_once()
        await each._shards.leave()
    async with reading(engine) as conn:
        [alert] = await list_alerts(conn)

    assert alert.state == Firing(after(3600), breached_at=NOON)


@pytest.mark.asyncio
async def test_rule_removed_and_back(engine: AsyncEngine) -> None:
    """A removed rule resolves its alert with a notice; back again, it goes on counting."""
    world = World([AT_ONCE], values={AT_ONCE.name: HIGH})
    one = an_evaluator(engine, world, "one")
    await one.evaluate_once()
    world.rules = []
    await one.evaluate_once()
    async with reading(engine) as conn:
        listed = await list_alerts(conn)
    world.rules = [AT_ONCE]
    await one.evaluate_once()

    assert listed == []
    assert await queued(engine) == [
        (AT_ONCE.name, 1, "firing"),
        (AT_ONCE.name, 2, "resolved"),
        (AT_ONCE.name, 3, "firing"),
    ]
    [reason] = await rows(engine, "SELECT reason FROM alert_transitions WHERE transition = 2")
    assert reason == ("rule_removed",)


@pytest.mark.asyncio
async def test_combinations(engine: AsyncEngine) -> None:
    """A rule with a breakdown has an alert for each combination that has breached, and none for others."""
    rule = a_rule(held_for=timedelta(0), breakdown=("carrier",))
    shown = metrics()
    world = World([rule], values={"AA": HIGH, "UA": LOW})
    await an_evaluator(engine, world, "one", shown=shown).evaluate_once()
    async with reading(engine) as conn:
        [alert] = await list_alerts(conn)

    assert alert.dimensions == {"carrier": "AA"}
    assert shown.states.labels("firing")._value.get() == 1
    assert shown.states.labels("inactive")._value.get() == 1


@pytest.mark.asyncio
async def test_list(engine: AsyncEngine) -> None:
    """Alerts are listed in one order, page by page, by KPI and by state, with exact thresholds."""
    other = replace(AT_ONCE, slug="arrivals", threshold=Decimal("10.50"))
    world = World([AT_ONCE, other, RULES[0]], values={AT_ONCE.name: HIGH, RULES[0].name: HIGH})
    await an_evaluator(engine, world, "one").evaluate_once()
    async with reading(engine) as conn:
        everything = await list_alerts(conn)
        first = everything[0]
        rest = await list_alerts(conn, after=(first.rule.slug, first.rule.name, first.alert_id))
        pending = await list_alerts(conn, state=StateName.PENDING, slugs=["departures"])

    assert [alert.rule for alert in everything] == [other, RULES[0], AT_ONCE]
    assert rest == everything[1:]
    assert [alert.state for alert in pending] == [Pending(NOON)]


@pytest.mark.asyncio
async def test_job(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job evaluates, stops when told, and leaves its shards free for others."""
    world = World([AT_ONCE], values={AT_ONCE.name: HIGH})
    one, stopping, rounds = an_evaluator(engine, world, "one"), asyncio.Event(), asyncio.Queue[None]()
    once = one.evaluate_once

    async def counted() -> None:
        await once()
        rounds.put_nowait(None)

    monkeypatch.setattr(one, "evaluate_once", counted)
    job = asyncio.create_task(one.run(stopping))
    async with asyncio.timeout(10):
        for _ in range(3):
            await rounds.get()
        stopping.set()
        await job

    assert await rows(engine, "SELECT count(*) FROM alert_leases WHERE expires_at > now()") == [(0,)]
    assert await rows(engine, "SELECT count(*) FROM alert_evaluators") == [(0,)]
