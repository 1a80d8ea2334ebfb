"""Delivery out of the outbox on a real database: at least once, in order, and once only without a fault."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from services.api.alerting.deliverer import AT_ONCE, Deliverer
from services.api.alerting.metrics import AlertMetrics
from services.api.channels.outcomes import Delivered, Failed, Message, Outcome, Refused, RetryPolicy
from services.api.channels.webhook import RETRIES
from shared.domain.alert_changes import Change, Reason, advanced, unseen
from shared.domain.alerts import AlertRule
from shared.storage.engine import open_engine, transaction
from shared.storage.outbox import claim_due, mark_delivered, outbox_age_s, queue_notices
from tests.integration.alert_rig import metrics, rows
from tests.unit.domain.alert_builders import NOON, a_reading, a_rule, after

RULE = a_rule(held_for=timedelta(0))
HIGH, LOW = a_reading(11), a_reading(9)


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An empty database."""
    opened = open_engine(database_url, application_name="tests", pool_size=10)
    yield opened
    await opened.dispose()


@dataclass(slots=True)
class Receiver:
    """A channel that writes down what it is given and answers as it is told."""

    answer: Callable[[int], Outcome] = lambda _: Delivered()
    name: str = "webhook"
    retries: RetryPolicy = RETRIES
    got: list[Message] = field(default_factory=list)

    async def send(self, message: Message) -> Outcome:
        """Take *message*; the answer may depend on how many there have been."""
        self.got.append(message)
        return self.answer(len(self.got))


async def queue(engine: AsyncEngine, rules: Sequence[AlertRule], *, notices: int = 1) -> None:
    """Queue the first *notices* notices of an alert of each of *rules*: firing, resolved, firing, ..."""
    async with transaction(engine) as conn:
        for rule in rules:
            alert = unseen(rule, {}, NOON)
            for number in range(notices):
                reading = LOW if number % 2 else HIGH
                moved = advanced(alert, rule, reading.value, after(number))
                change = Change(alert, moved, reading, Reason.VALUE)
                await queue_notices(conn, [change], channels=["webhook"])
                alert = moved


def a_deliverer(engine: AsyncEngine, receiver: Receiver, *, shown: AlertMetrics | None = None) -> Deliverer:
    """A deliverer to *receiver* whose waits are neither stretched nor shortened."""
    return Deliverer(engine, receiver, metrics=shown or metrics(), lot=lambda: 0.5)


async def make_due(engine: AsyncEngine) -> None:
    """Let every wait and every claim be over."""
    await rows(engine, "UPDATE outbox SET due_at = now()")


async def drained(deliverer: Deliverer) -> None:
    """Deliver until nothing is due."""
    while await deliverer.deliver_due():
        pass


@pytest.mark.asyncio
async def test_side_by_side(engine: AsyncEngine) -> None:
    """Three deliverers side by side send every notice exactly once, those of an alert in order."""
    rules = [replace(RULE, name=f"rule_{number}") for number in range(30)]
    await queue(engine, rules, notices=4)
    receiver = Receiver()
    await asyncio.gather(*(drained(a_deliverer(engine, receiver)) for _ in range(3)))
    while await a_deliverer(engine, receiver).deliver_due():
        pass

    order = await rows(engine, "SELECT notice_id FROM outbox ORDER BY alert_id, transition")
    sent = {message.notice_id: place for place, message in enumerate(receiver.got)}
    places = [sent[notice_id] for (notice_id,) in order]

    assert len(receiver.got) == len(sent) == 120
    assert all(places[at : at + 4] == sorted(places[at : at + 4]) for at in range(0, 120, 4))


@pytest.mark.asyncio
async def test_killed_after_sending(engine: AsyncEngine) -> None:
    """A deliverer that dies between sending and ticking off has the same notice sent once more, no more."""
    await queue(engine, [RULE])
    receiver, sent = Receiver(), asyncio.Event()

    class Doomed(Receiver):
        async def send(self, message: Message) -> Outcome:
            receiver.got.append(message)
            sent.set()
            await asyncio.Event().wait()
            return Delivered()

    doomed = asyncio.create_task(a_deliverer(engine, Doomed()).deliver_due())
    await sent.wait()
    doomed.cancel()
    await asyncio.gather(doomed, return_exceptions=True)
    heir = a_deliverer(engine, receiver)
    while_claimed = await heir.deliver_due()
    await make_due(engine)
    await drained(heir)
    await make_due(engine)
    await drained(heir)

    assert while_claimed == 0
    assert [message.notice_id for message in receiver.got] == [receiver.got[0].notice_id] * 2
    assert receiver.got[0].body == receiver.got[1].body


@pytest.mark.asyncio
async def test_outlived_claim(engine: AsyncEngine) -> None:
    """A deliverer whose claim has run out may not say any more what became of the notice."""
    await queue(engine, [RULE])
    async with transaction(engine) as conn:
        [slow] = await claim_due(conn, "webhook", at_most=1, lasting=timedelta(0))
        [quick] = await claim_due(conn, "webhook", at_most=1, lasting=timedelta(minutes=1))
        outcomes = [await mark_delivered(conn, slow), await mark_delivered(conn, quick)]

    assert outcomes == [False, True]
    assert (slow.claim, quick.claim) == (1, 2)


@pytest.mark.asyncio
async def test_order_waits_for_failure(engine: AsyncEngine) -> None:
    """A later notice of an alert waits for an earlier one that has failed; other alerts do not."""
    other = replace(RULE, name="other")
    await queue(engine, [RULE], notices=2)
    await queue(engine, [other])
    receiver = Receiver(lambda count: Failed("down") if count <= 2 else Delivered())
    deliverer = a_deliverer(engine, receiver)
    first = await deliverer.deliver_due()
    blocked = await deliverer.deliver_due()
    await make_due(engine)
    await drained(deliverer)

    words = [message.body.count(b'"alert.resolved"') for message in receiver.got]

    assert (first, blocked) == (2, 0)
    assert words == [0, 0, 0, 0, 1]


@pytest.mark.asyncio
async def test_order_goes_on_after_giving_up(engine: AsyncEngine) -> None:
    """A notice that is given up lets the next one of its alert go."""
    await queue(engine, [RULE], notices=2)
    receiver = Receiver(lambda count: Refused("gone") if count == 1 else Delivered())
    shown = metrics()
    await drained(a_deliverer(engine, receiver, shown=shown))

    states = await rows(
        engine,
        "SELECT delivered_at IS NULL, abandoned_at IS NULL, last_error FROM outbox ORDER BY transition",
    )

    assert states == [(True, False, "gone"), (False, True, None)]
    assert shown.deliveries.labels("webhook", "abandoned")._value.get() == 1
    assert shown.deliveries.labels("webhook", "delivered")._value.get() == 1


@pytest.mark.asyncio
async def test_gives_up(engine: AsyncEngine) -> None:
    """A receiver that always fails is tried seven times, at the agreed distances, and then given up."""
    await queue(engine, [RULE])
    receiver = Receiver(lambda _: Failed("HTTP 500"))
    waits: list[tuple[int | None]] = []
    deliverer = a_deliverer(engine, receiver)
    while await deliverer.deliver_due():
        waits += await rows(
            engine,
            "SELECT CASE WHEN abandoned_at IS NULL THEN round(extract(epoch FROM due_at - now()))::int END"
            " FROM outbox",
        )
        await make_due(engine)

    assert waits == [(5,), (300,), (1800,), (7200,), (18_000,), (36_000,), (None,)]
    assert len(receiver.got) == 7


@pytest.mark.asyncio
async def test_patience_asked_for(engine: AsyncEngine) -> None:
    """A receiver that asks for a longer wait than ours gets it."""
    await queue(engine, [RULE])
    await drained(a_deliverer(engine, Receiver(lambda _: Failed("HTTP 429", timedelta(hours=1)))))

    [(wait_s,)] = await rows(engine, "SELECT round(extract(epoch FROM due_at - now()))::int FROM outbox")

    assert wait_s == 3600


@pytest.mark.asyncio
async def test_age(engine: AsyncEngine) -> None:
    """The outbox is as old as the oldest notice that is neither delivered nor given up."""
    await queue(engine, [RULE, replace(RULE, name="other")])
    await rows(engine, "UPDATE outbox SET created_at = now() - interval '1 hour'")
    async with transaction(engine) as conn:
        waiting = await outbox_age_s(conn)
    await drained(a_deliverer(engine, Receiver()))
    async with transaction(engine) as conn:
        done = await outbox_age_s(conn)

    assert waiting == pytest.approx(3600, abs=5)
    assert done == 0


@pytest.mark.asyncio
async def test_in_flight_is_bounded(engine: AsyncEngine) -> None:
    """A receiver is met by a bounded number of notices at a time."""
    await queue(engine, [replace(RULE, name=f"rule_{number}") for number in range(AT_ONCE + 1)])

    assert await a_deliverer(engine, Receiver()).deliver_due() == AT_ONCE


@pytest.mark.asyncio
async def test_stops_with_a_hanging_receiver(engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job told to stop does not wait for a receiver that hangs; the notice stays in the outbox."""
    monkeypatch.setattr("services.api.alerting.rounds.FINISH_S", 0.05)
    await queue(engine, [RULE])
    stopping, sent = asyncio.Event(), asyncio.Event()

    class Hanging(Receiver):
        async def send(self, _: Message) -> Outcome:
            sent.set()
            await asyncio.Event().wait()
            return Delivered()

    job = asyncio.create_task(a_deliverer(engine, Hanging()).run(stopping))
    await sent.wait()
    stopping.set()
    async with asyncio.timeout(5):
        await job

    assert await rows(engine, "SELECT delivered_at, abandoned_at, attempts FROM outbox") == [(None, None, 1)]
