"""Putting records that cannot be counted into the dead-letter topic, before their offsets are passed."""

from collections.abc import Sequence

from services.compute.parts import Refused
from shared.contracts.deadletters import DeadLetter, dead_letter_headers, dead_letter_value
from shared.contracts.rfc3339 import text_of_us
from shared.contracts.topics import DEAD_LETTERS, EVENTS
from shared.messaging.producer import Outgoing, Producer
from shared.runtime.clock import epoch_us


async def park(producer: Producer, refused: Sequence[Refused]) -> None:
    """Send *refused* to the dead letters and return when Kafka has them all.

    A flush that fails afterwards parks them again: a reader tells copies by topic, partition and offset.

    Raises:
        BrokerUnavailableError: some may not have arrived; the flush must not go on.
    """
    await producer.send_all(DEAD_LETTERS, [_letter(one) for one in refused])


def _letter(refused: Refused) -> Outgoing:
    record = refused.record
    letter = DeadLetter(
        reason=refused.reason,
        detail=refused.detail,
        service="compute",
        topic=EVENTS,
        partition=refused.partition,
        offset=record.offset,
        time=text_of_us(epoch_us()),
    )
    headers = dead_letter_headers(letter, record.headers, value=record.value)
    return Outgoing(value=dead_letter_value(record.value), key=record.key, headers=headers)
