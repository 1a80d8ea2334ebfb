"""Sending and counting: the clock stops when the last event is counted."""

from collections.abc import Sequence
from itertools import count

import pytest

from services.local.demo import streaming
from services.local.demo.failures import TooSlowError
from services.local.demo.streaming import stream
from shared.messaging.producer import Outgoing, Producer
from shared.storage.ledger import Ledger


class Sink(Producer):
    """A producer that keeps what it is to send."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Keep *records*, which are all for one topic."""
        assert topic == "flights"
        self.sent += records


def an_event(number: int) -> tuple[bytes, bytes]:
    return b"key", str(number).encode()


@pytest.mark.asyncio
async def test_all_is_sent_in_order_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event is sent once and in order, and the flow ends when the ledger has them all."""
    monkeypatch.setattr(streaming, "_POLL_S", 0.0)
    sink, steps = Sink(), count(4, 2)
    told: list[int] = []

    async def ledger() -> Ledger:
        consumed = next(steps)
        return Ledger(consumed, consumed, 0, 0)

    flow = await stream(
        sink,
        "flights",
        map(an_event, range(10)),
        ledger=ledger,
        on_sent=told.append,
        on_counted=lambda _: None,
    )

    assert [record.value for record in sink.sent] == [str(number).encode() for number in range(10)]
    assert (flow.events, flow.ledger.consumed, told) == (10, 10, [10])


@pytest.mark.asyncio
async def test_standing_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counting that does not move is given up, with both numbers in the message."""
    monkeypatch.setattr(streaming, "STANDSTILL_S", 0.0)

    async def ledger() -> Ledger:
        return Ledger(7, 7, 0, 0)

    with pytest.raises(TooSlowError, match="Of 10 events 7 are counted"):
        await stream(
            Sink(),
            "flights",
            map(an_event, range(10)),
            ledger=ledger,
            on_sent=lambda _: None,
            on_counted=lambda _: None,
        )
