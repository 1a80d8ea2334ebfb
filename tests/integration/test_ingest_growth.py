"""A source topic that gets more partitions while ingest reads it."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from shared.messaging.producer import Outgoing, open_producer
from tests.builders import CLOUDEVENT
from tests.integration.ingest_rig import PARTITIONS, Place, eventually, ingest

pytestmark = pytest.mark.asyncio

GROWN = PARTITIONS + 3


async def grow(place: Place) -> None:
    """Give the source topic of *place* three more partitions."""
    admin = AIOKafkaAdminClient(bootstrap_servers=place.kafka)
    await admin.start()
    try:
        await admin.create_partitions({place.name: NewPartitions(total_count=GROWN)})
    finally:
        await admin.close()


async def send_everywhere(place: Place, values: list[bytes]) -> None:
    """Put *values* into all partitions of the source topic, the new ones included."""
    async with open_producer(place.kafka, "tests") as producer:
        await producer.send_all(
            place.name,
            [
                Outgoing(value, b"k", partition=number % GROWN, headers=[CLOUDEVENT])
                for number, value in enumerate(values)
            ],
        )


async def test_more_partitions(kafka: str, unique: str) -> None:
    """Events in partitions that came later are all read, from the first; none is read twice for it."""
    place = Place(kafka, unique)
    events = place.events(420)
    await place.send(events[:210])
    async with ingest(place):
        await place.drained()
        await grow(place)
        await send_everywhere(place, events[210:])
        clean = await eventually(place.clean, lambda found: len(found) == len(events), within_s=90)

    assert clean == {str(n): 1 for n in range(420)}
