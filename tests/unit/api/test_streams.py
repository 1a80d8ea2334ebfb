"""Live values: the poller, its subscriptions, and one client's stream."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal

import pytest
from starlette.types import ASGIApp

from services.api.app import create_app
from services.api.http.selections import Selection
from services.api.streaming.event_stream import Pace
from services.api.streaming.streams import Hub
from services.api.streaming.subscriptions import Change, Subscription
from shared.domain.errors import StoreUnavailableError
from shared.storage.gone import Gone
from tests.unit.api.asgi import Listener
from tests.unit.api.builders import NOW, Memory, a_kpi, a_row, a_state

pytestmark = pytest.mark.asyncio


async def _api(memory: Memory, *, streams: int = 2, pace: Pace | None = None) -> tuple[ASGIApp, Hub]:
    """An application whose poller has found its place."""
    state = a_state(memory, a_kpi(), a_kpi("delays"), streams=streams, pace=pace)
    await state.hub.poll()
    return create_app(state), state.hub


def _values(events: list[dict[str, str]]) -> list[object]:
    return [json.loads(event["data"])["value"] for event in events]


async def test_snapshot_then_changes() -> None:
    """A client is first told how things stand and then what changes, newer revisions over older ones."""
    memory = Memory()
    memory.rows = [a_row(revision=1, value=Decimal(1))]
    app, hub = await _api(memory)
    async with Listener(app) as client:
        await client.events(1)
        memory.changes = [([a_row(revision=2, value=Decimal("2.50"))], 105)]
        await hub.poll()
        events = await client.events(2)

    assert [event["event"] for event in events] == ["value", "value"]
    assert '"value":2.50,' in events[1]["data"]
    assert [json.loads(event["data"])["revision"] for event in events] == [1, 2]


async def test_filters() -> None:
    """A client hears of the KPIs and windows it has asked for, in the snapshot and afterwards."""
    memory = Memory()
    rows = [a_row("departures"), a_row("delays"), a_row("delays", window="24h")]
    memory.rows = rows
    app, hub = await _api(memory)
    async with Listener(app, query="kpi=delays&window=1h") as client:
        await client.events(1)
        memory.changes = [([a_row(r.reading.slug, window=r.reading.window, revision=2) for r in rows], 105)]
        await hub.poll()
        events = await client.events(2)

    told = [json.loads(event["data"]) for event in events]
    assert {(each["kpi"], each["window"]) for each in told} == {("delays", "1h")}


async def test_ids() -> None:
    """Only with the last event of a batch does the id move on: before it, the client is not complete."""
    memory = Memory()
    memory.rows = [a_row("departures"), a_row("delays")]
    app, hub = await _api(memory)
    async with Listener(app) as client:
        await client.events(2)
        memory.changes = [([a_row("departures", revision=2), a_row("delays", revision=3)], 105)]
        await hub.poll()
        events = await client.events(4)

    assert [event["id"] for event in events] == ["0", "100", "100", "105"]


async def test_resume() -> None:
    """A client that comes back with an id is told what has changed since, and nothing else."""
    memory = Memory()
    memory.rows = [a_row("departures"), a_row("delays")]
    app, _ = await _api(memory)
    memory.changes = [([a_row("delays", revision=7, value=Decimal(7))], 100)]
    async with Listener(app, last_event_id="90") as client:
        events = await client.events(1)

    assert (_values(events), memory.since[-1]) == ([7], 90)


@pytest.mark.parametrize("last_id", ["101", "0", "-5", "abc", "9" * 30, "²", "40"])
async def test_unusable_ids(last_id: str) -> None:
    """Who comes from the future, from elsewhere or too late forgets all and gets the whole snapshot."""
    memory = Memory()
    memory.rows, memory.forgotten = [a_row(value=Decimal(1))], 40
    app, _ = await _api(memory)
    async with Listener(app, last_event_id=last_id) as client:
        events = await client.events(2)

    assert [(event["event"], event["id"]) for event in events] == [("reset", "0"), ("value", "100")]
    assert _values(events[1:]) == [1]


async def test_first_visit() -> None:
    """Who comes without an id has nothing to forget."""
    memory = Memory()
    memory.rows = [a_row(value=Decimal(1))]
    app, _ = await _api(memory)
    async with Listener(app, last_event_id="") as client:
        events = await client.events(1)

    assert _values(events) == [1]


async def test_gone() -> None:
    """A series that is no more is told to who follows it, and to who comes back after it went."""
    memory = Memory()
    memory.rows = [a_row("departures"), a_row("delays")]
    app, hub = await _api(memory)
    news = [Gone("delays", "1h", {}, 9)]
    async with Listener(app, query="kpi=delays") as client, Listener(app, query="kpi=departures") as other:
        await client.events(1)
        memory.changes = [(list(news), 105), ([a_row("departures", revision=10)], 106)]
        await hub.poll()
        await hub.poll()
        events, others = await client.events(2), await other.events(2)
    memory.changes = [(list(news), 106)]
    async with Listener(app, last_event_id="101") as late:
        missed = await late.events(1)

    assert [(event["event"], event["data"]) for event in (events[1], missed[0])] == [("gone", _GONE)] * 2
    assert [event["event"] for event in others] == ["value", "value"]


_GONE = '{"kpi":"delays","window":"1h","dimensions":{},"revision":9}'


async def test_progress() -> None:
    """A stream whose series rest says how far it is complete, so that a client comes back to there."""
    memory = Memory()
    memory.rows = [a_row("departures"), a_row("delays")]
    app, hub = await _api(memory, pace=Pace(keep_alive_s=0.05))
    async with Listener(app, query="kpi=delays") as client:
        await client.events(1)
        memory.changes = [([a_row("departures", revision=2)], 123)]
        await hub.poll()
        await client.said(": still here\nid: 123\n\n")

    assert client.status == 200


async def test_repeated_rows() -> None:
    """Rows that come again because a transaction is still open are told once."""
    memory = Memory()
    app, hub = await _api(memory)
    row = a_row(revision=2)
    async with Listener(app) as client:
        await client.begun()
        memory.changes = [([row], 101), ([row], 101)]
        memory.changes += [([row, a_row(revision=3, window="24h")], 102)]
        for _ in range(3):
            await hub.poll()
        events = await client.events(2)

    assert [json.loads(event["data"])["revision"] for event in events] == [2, 3]


async def test_conflation() -> None:
    """A client that is busy finds only the latest value of each series when it comes back."""
    subscription = Subscription(Selection())
    for revision in (1, 2, 3):
        change = Change(("departures", "1h", "{}"), revision, b"%d" % revision)
        subscription.offer([change], position=revision)

    assert [change.data for change in subscription.taken().changes] == [b"3"]


async def test_never_back() -> None:
    """What waited while the snapshot was read and is older than it is not told after it."""
    key = ("departures", "1h", "{}")
    subscription = Subscription(Selection())
    subscription.offer([Change(key, 4, b"old")], position=1)
    subscription.forget([Change(key, 5, b"new")])

    assert subscription.taken().changes == ()


async def test_overdue_snapshot() -> None:
    """A snapshot holds no value whose time has passed."""
    memory = Memory()
    memory.rows = [a_row(value=Decimal(7), valid_until=NOW - timedelta(seconds=1))]
    app, _ = await _api(memory)
    async with Listener(app) as client:
        events = await client.events(1)

    assert _values(events) == [42]


async def test_new_kpi() -> None:
    """A KPI defined a moment ago is told of with its first value."""
    memory = Memory()
    state = a_state(memory, a_kpi())
    definitions = state.catalogue._load.__self__  # type: ignore[attr-defined]
    await state.hub.poll()
    await state.catalogue.current()
    definitions.replace(a_kpi(), a_kpi("delays"))
    async with Listener(create_app(state)) as client:
        await client.begun()
        memory.changes = [([a_row("delays", revision=2)], 101)]
        await state.hub.poll()
        events = await client.events(1)

    assert json.loads(events[0]["data"])["kpi"] == "delays"


async def test_crowd() -> None:
    """A crowd that comes back at once costs one look at the database, not one each."""
    memory = Memory()
    app, _ = await _api(memory, streams=100)
    listeners = [Listener(app) for _ in range(100)]
    for listener in listeners:
        await listener.__aenter__()
    for listener in listeners:
        await listener.begun()
    for listener in listeners:
        await listener.__aexit__()

    assert memory.looks == 1


async def test_shared_snapshot() -> None:
    """Who shares a snapshot is told by the next poll what has changed after it; later ones get a new one."""
    memory = Memory()
    memory.rows = [a_row(revision=1, value=Decimal(1))]
    app, hub = await _api(memory, streams=3)
    async with Listener(app) as first:
        await first.events(1)
        memory.rows = [a_row(revision=2, value=Decimal(2))]
        async with Listener(app) as second:
            await second.events(1)
            memory.changes = [([*memory.rows], 101)]
            await hub.poll()
            shared = await second.events(2)
        async with Listener(app) as third:
            fresh = await third.events(1)

    assert (_values(shared), _values(fresh)) == ([1, 2], [2])


async def test_too_many() -> None:
    """The process serves so many streams and no more; a place is free again when a client has gone."""
    app, _ = await _api(Memory(), streams=1)
    async with Listener(app) as first:
        await first.begun()
        async with Listener(app) as second:
            await second.begun()
    async with Listener(app) as third:
        await third.begun()

    assert (first.status, second.status, third.status) == (200, 503, 200)


async def test_goodbye() -> None:
    """When the process stops, every client is told at once and nobody new is let in."""
    app, hub = await _api(Memory())
    async with Listener(app) as client, Listener(app) as other:
        await client.begun()
        await other.begun()
        hub.say_goodbye()
        await client.ended()
        await other.ended()
        events = await client.events(1)
    async with Listener(app) as late:
        await late.ended()

    assert events == [{"event": "bye", "data": '{"reason":"shutdown"}'}]
    assert late.status == 503


async def test_lifetime() -> None:
    """A stream ends with a goodbye when its time is over."""
    app, _ = await _api(Memory(), pace=Pace(lifetime_s=0.01))
    async with Listener(app) as client:
        await client.ended()
        events = await client.events(1)

    assert events[0]["data"] == '{"reason":"lifetime"}'


async def test_keep_alive() -> None:
    """A stream without news says now and then that it is there."""
    app, _ = await _api(Memory(), pace=Pace(keep_alive_s=0.01))
    async with Listener(app) as client:
        await client.said(": still here\n")

    assert client.status == 200


async def test_retry_hint() -> None:
    """A stream begins by saying how long to wait before coming again."""
    app, _ = await _api(Memory())
    async with Listener(app) as client:
        await client.said("retry: ")

    assert client.status == 200


async def test_slow_client() -> None:
    """A client that takes nothing for too long is cut off, and its place is free."""
    memory = Memory()
    app, hub = await _api(memory, streams=1, pace=Pace(send_timeout_s=0.05))
    async with Listener(app) as slow:
        await slow.begun()
        slow.reading.clear()
        memory.changes = [([a_row(revision=2)], 101)]
        await hub.poll()
        await slow.ended()
        async with Listener(app) as next_one:
            await next_one.begun()

    assert next_one.status == 200


async def test_too_many_changes() -> None:
    """A client that more changes wait for than it may have is told to ask for less."""
    subscription = Subscription(Selection())
    many = (Change(("departures", "1h", str(number)), 1, b"") for number in range(10_001))
    subscription.offer(many, position=1)

    assert (subscription.farewell, subscription.taken().changes) == ("too_many_changes", ())


async def test_database_away_for_a_while() -> None:
    """Polling survives the database; what changed meanwhile is told when it is back."""
    memory = Memory()
    app, hub = await _api(memory)
    async with Listener(app) as client:
        await client.begun()
        memory.is_away = True
        await hub.poll()
        memory.is_away = False
        memory.changes = [([a_row(revision=9)], 103)]
        await hub.poll()
        events = await client.events(1)

    assert events[0]["id"] == "103"


async def test_before_the_first_poll() -> None:
    """Before the poller has found its place there is no snapshot to go on from."""
    hub = a_state(Memory(), a_kpi()).hub

    with pytest.raises(StoreUnavailableError):
        await hub.snapshot(Selection(), since=None)


async def test_waiting() -> None:
    """Waiting ends with the first offer, long before its limit."""
    subscription = Subscription(Selection())
    waiting = asyncio.create_task(subscription.wait(60), name="waiting")
    subscription.offer([Change(("departures", "1h", "{}"), 1, b"1")], position=1)

    assert await waiting
