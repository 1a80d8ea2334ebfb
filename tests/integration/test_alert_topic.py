"""Alerts as records of a real Kafka."""

import asyncio

import pytest

from services.api.channels.outcomes import Delivered, Failed
from services.api.channels.topic import NOTICE_ID_HEADER, TopicChannel
from shared.messaging.admin import TopicSpec, ensure_topics
from shared.messaging.consumer import open_consumer
from shared.messaging.producer import Producer, open_producer
from tests.integration.alert_receiver import a_message


@pytest.mark.asyncio
async def test_record(kafka: str, unique: str) -> None:
    """A notice arrives as one record with the alert as key, the notice's id beside it, and its very bytes."""
    message = a_message()
    await ensure_topics(kafka, [TopicSpec(unique, 1)])
    async with open_producer(kafka, "tests") as producer:
        outcome = await TopicChannel(producer, topic=unique).send(message)
    async with (
        asyncio.timeout(30),
        open_consumer(
            kafka, group_id=unique, topics=[unique], client_id="tests", auto_offset_reset="earliest"
        ) as consumer,
    ):
        while not (found := await consumer.batch(1.0, 10)):
            pass
    [[record]] = found.values()

    assert outcome == Delivered()
    assert (record.key, record.value) == (message.alert_id.encode(), message.body)
    assert list(record.headers) == [(NOTICE_ID_HEADER, message.notice_id.encode())]


@pytest.mark.asyncio
async def test_kafka_away() -> None:
    """While Kafka cannot be reached a notice has failed, to be tried again."""
    producer = Producer("127.0.0.1:1", client_id="tests", deadline_s=1.0)
    outcome = await TopicChannel(producer, topic="tidemark.alerts").send(a_message())
    await producer.close()

    assert isinstance(outcome, Failed)
