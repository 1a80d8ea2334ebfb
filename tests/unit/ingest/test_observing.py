"""Ingest notes what passes, in bounded work, and tells it when Kafka lets it."""

from collections import Counter

import msgspec
import pytest

from services.ingest.judging import Rules, judge
from services.ingest.observing import EVENTS_IN_ALL, EVENTS_OF_A_TYPE, Observer, Reporter, Sight, types_of
from shared.contracts.observations import OTHERS, ObservationRecord, read_observation
from shared.contracts.topics import OBSERVATIONS
from shared.domain.errors import BrokerUnavailableError
from shared.domain.observations.types import MAX_TYPES
from shared.messaging.records import TopicPartition
from tests.builders import ARecord, an_event, structured
from tests.unit.ingest.fakes import FakeProducer

NOW_US = 1_793_528_100_000_000
RULES = Rules({}, 4, NOW_US)


def told(producer: FakeProducer) -> dict[str, ObservationRecord]:
    """What was told, by type."""
    records = [read_observation(record.value) for record in producer.sent[OBSERVATIONS]]
    return {record.type: record for record in records if record is not None}


def test_counted_by_type() -> None:
    """Clean events are counted by type; what is refused is not, and a retraction has no type of its own."""
    records = [
        ARecord(structured(id="1", type="order.placed")),
        ARecord(structured(id="2", type="order.placed")),
        ARecord(structured(id="3", type="order.paid")),
        ARecord(structured(id="4", type="order.undone", retracts="1")),
        ARecord(structured(id="5", type="order.late", time="2001-01-01T00:00:00Z")),
    ]

    assert (
        Counter({"order.placed": 2, "order.paid": 1})
        == judge(TopicPartition("t", 0), records, RULES).sight.types
    )


def test_samples_are_bounded() -> None:
    """Of each type the first few are looked into, of all types together so many; the counts are whole."""
    observer = Observer()
    busy = [an_event(id=str(n), type="busy", data={"n": n}) for n in range(1000)]
    rare = [an_event(id="r", type="rare", data={"n": 1})]
    for events in (busy, rare):
        observer.look(events, types_of(events))
        observer.count(Sight(types_of(events)))
    seen = observer.taken({})

    assert {name: (each.events, each.sampled) for name, each in seen.items()} == {
        "busy": (1000, EVENTS_OF_A_TYPE),
        "rare": (1, 1),
    }


def test_many_types() -> None:
    """However many types there are, what waits is bounded; beyond 500 their events are counted together."""
    observer = Observer()
    events = [an_event(id=str(n), type=f"t{n}", data={"n": n}) for n in range(MAX_TYPES + 7)]
    observer.look(events, types_of(events))
    observer.count(Sight(types_of(events)))
    seen = observer.taken({})

    assert sum(each.sampled for each in seen.values()) <= EVENTS_IN_ALL
    assert seen[OTHERS].events == 7
    assert len(seen) == MAX_TYPES + 1


def test_taking_begins_anew() -> None:
    """What was taken is not told again, and the room for samples is back."""
    observer = Observer()
    events = [an_event(id=str(n), data={"n": n}) for n in range(50)]
    for _ in range(2):
        observer.look(events, types_of(events))
        observer.count(Sight(types_of(events)))
        seen = observer.taken({})

    assert (seen["flight.departed"].events, seen["flight.departed"].sampled) == (50, EVENTS_OF_A_TYPE)
    assert observer.taken({}) == {}


def test_declared_personal() -> None:
    """What is declared personal is masked before it leaves the process."""
    observer = Observer()
    events = [an_event(data={"ticket": "X1234"})]
    observer.look(events, types_of(events))
    found = observer.taken({"flight.departed": ["ticket"]})["flight.departed"].fields["data.ticket"]

    assert found.is_personal
    assert found.examples == ("X***",)


@pytest.mark.asyncio
async def test_kept_back() -> None:
    """Counts that Kafka does not take are told with the next report."""

    class Broken(FakeProducer):
        broken = True

        async def send_all(self, topic: str, records: object) -> None:
            if self.broken:
                raise BrokerUnavailableError("told to fail")
            await super().send_all(topic, records)  # type: ignore[arg-type]

    producer, observer = Broken(), Observer()
    reporter = Reporter(observer, producer)
    events = [an_event(id=str(n), data={"n": n}) for n in range(3)]
    for _ in range(2):
        observer.look(events, types_of(events))
        observer.count(Sight(types_of(events)))
        await reporter.report()
        producer.broken = False

    assert (told(producer)["flight.departed"].events, told(producer)["flight.departed"].sampled) == (6, 3)


def test_foreign_records() -> None:
    """What is no summary, as another release may write it, is passed over."""
    assert [read_observation(value) for value in (None, b"no json", b'{"type": 5}')] == [None, None, None]
    with pytest.raises(msgspec.MsgspecError):
        msgspec.json.decode(b"no json")
