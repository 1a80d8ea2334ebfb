"""Reading a topic as it is now, from its beginning to its end, as a member of no group."""

from collections.abc import AsyncIterator

from aiokafka import TopicPartition as ClientPartition

from shared.messaging.admin import topic_offsets
from shared.messaging.failures import broker_call
from shared.messaging.loose import loose_consumer
from shared.messaging.records import Batch, TopicPartition

FETCH_DEADLINE_S = 20.0
"""How long the next records may take that are known to be there."""


async def read_topic(bootstrap_servers: str, topic: str, *, max_records: int = 1000) -> AsyncIterator[Batch]:
    """Everything that *topic* holds at the time of the call, in batches; nothing if it does not exist.

    Raises:
        BrokerUnavailableError: Kafka did not answer.
    """
    offsets = await topic_offsets(bootstrap_servers, topic)
    ends = {ClientPartition(topic, number): at.end for number, at in offsets.items() if at.end > at.begin}
    if not ends:
        return
    async with loose_consumer(bootstrap_servers) as client:
        client.assign(list(ends))
        while ends:
            async with broker_call(f"reading {topic}", deadline_s=FETCH_DEADLINE_S):
                found = await client.getmany(timeout_ms=500, max_records=max_records)
                reached = {partition: await client.position(partition) for partition in ends}
            yield {
                TopicPartition(*partition): [record for record in records if record.offset < ends[partition]]
                for partition, records in found.items()
                if partition in ends
            }
            ends = {partition: end for partition, end in ends.items() if reached[partition] < end}
            client.pause(*(partition for partition in client.assignment() if partition not in ends))
