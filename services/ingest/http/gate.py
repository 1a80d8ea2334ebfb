"""One send at a time for all requests: those that wait meanwhile share the next; it knows no HTTP."""

import asyncio
from collections.abc import Sequence

from shared.contracts.topics import EVENTS
from shared.domain.errors import BrokerUnavailableError
from shared.messaging.producer import Outgoing, Producer

MAX_WAITING_RECORDS = 50_000
"""When more wait, Kafka is slower than the senders: they are asked to come back, and not kept in memory."""


class Gate:
    """Sends clean records for many requests at once.

    The client has one request per broker under way; without sharing, requests would queue for it.
    """

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._waiting: list[tuple[Sequence[Outgoing], asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def partitions(self) -> int:
        """How many partitions the clean topic has.

        Raises:
            BrokerUnavailableError: Kafka did not answer.
        """
        return await self._producer.partitions(EVENTS)

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Send *records* and return when Kafka has acknowledged every one.

        Raises:
            BrokerUnavailableError: some of them may not have arrived, or too many others wait.
        """
        if sum(len(waiting) for waiting, _ in self._waiting) + len(records) > MAX_WAITING_RECORDS:
            raise BrokerUnavailableError("too many events wait for Kafka")
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((records, sent))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._send_waiting(), name="gate")
        await sent

    async def close(self) -> None:
        """Wait for what is being sent; each send has its deadline."""
        if self._task is not None:
            await self._task

    async def _send_waiting(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            try:
                await self._producer.send_all(
                    EVENTS, [record for records, _ in waiting for record in records]
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, each request has to be told
                for _, sent in waiting:
                    if not sent.done():
                        sent.set_exception(error)
            else:
                for _, sent in waiting:
                    if not sent.done():
                        sent.set_result(None)
