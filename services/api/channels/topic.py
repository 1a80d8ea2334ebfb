"""Alerts as records of the topic of alerts, for whoever reads Kafka; one attempt at a time, no state."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from services.api.channels.outcomes import Delivered, Failed, Message, Outcome, RetryPolicy
from shared.domain.errors import BrokerUnavailableError
from shared.messaging.producer import Outgoing

NOTICE_ID_HEADER = "tidemark-notice-id"
"""By this a reader knows a record it has had before."""

RETRIES = RetryPolicy(
    waits=(timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=15), timedelta(minutes=1)),
    gives_up=False,
)
"""Our own Kafka refuses nothing for good: it is down or it is back, and then the record must be there."""


class Sender(Protocol):
    """What the channel needs of a producer."""

    async def send_all(self, topic: str, records: Sequence[Outgoing]) -> None:
        """Send *records* and return when Kafka has them."""


class TopicChannel:
    """Writes to the topic of alerts, keyed by alert so that its notices stay in order."""

    name = "topic"
    retries = RETRIES

    def __init__(self, producer: Sender, *, topic: str) -> None:
        self._producer = producer
        self._topic = topic

    async def send(self, message: Message) -> Outcome:
        """Write *message* once; bounded by the producer's own deadline."""
        record = Outgoing(
            value=message.body,
            key=message.alert_id.encode(),
            headers=[(NOTICE_ID_HEADER, message.notice_id.encode())],
        )
        try:
            await self._producer.send_all(self._topic, [record])
        except BrokerUnavailableError as error:
            return Failed(str(error))
        return Delivered()
