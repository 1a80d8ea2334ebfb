"""Alerts as records of a topic, without Kafka."""

from collections.abc import Sequence

import pytest

from services.api.channels.outcomes import Delivered, Failed, Message
from services.api.channels.topic import TopicChannel
from shared.domain.errors import BrokerUnavailableError
from shared.messaging.producer import Outgoing

MESSAGE = Message(notice_id="notice_1", alert_id="a1", body=b"{}")


class Recorder:
    """A producer that keeps what it is given, or refuses it."""

    def __init__(self, error: BrokerUnavailableError | None = None) -> None:
        self.sent: list[tuple[str, Outgoing]] = []
        self._error = error

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Keep *records*."""
        if self._error is not None:
            raise self._error
        self.sent += [(topic, record) for record in records]


@pytest.mark.asyncio
async def test_record() -> None:
    """A notice is one record, keyed by its alert and marked with its id."""
    producer = Recorder()
    outcome = await TopicChannel(producer, topic="tidemark.alerts").send(MESSAGE)

    record = Outgoing(value=b"{}", key=b"a1", headers=[("tidemark-notice-id", b"notice_1")])

    assert outcome == Delivered()
    assert [("tidemark.alerts", record)] == producer.sent


@pytest.mark.asyncio
async def test_broker_away() -> None:
    """A broker that does not answer is a failure to be tried again."""
    channel = TopicChannel(Recorder(BrokerUnavailableError("no answer")), topic="tidemark.alerts")

    assert await channel.send(MESSAGE) == Failed("no answer")
