"""Ingest refuses or flags what breaks the schema of its type, and knows it from the topic."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from services.api.declaring import changes
from services.ingest import pipeline
from services.ingest.forwarding import Outlets
from services.ingest.judging import Rules, judge
from services.ingest.metrics import Metrics
from services.ingest.pipeline import Pipeline
from services.ingest.schemas import Schemas, TypeRule
from services.ingest.settings import IngestSettings
from shared.contracts.deadletters import read_dead_letter
from shared.contracts.event_types import encode_event_type
from shared.domain.definitions.event_types import EventType
from shared.domain.event_schemas import EventSchema
from shared.domain.events import Reason
from shared.domain.observations.types import Violation
from shared.messaging.records import TopicPartition
from shared.runtime.lifecycle import StoppedBeforeStartError
from shared.runtime.progress import Progress
from tests.builders import ARecord, structured
from tests.unit.ingest.fakes import FakeProducer

AT = TopicPartition("business.events", 0)
NOW_US = 1_793_528_100_000_000
SCHEMA = {"properties": {"delay": {"type": "integer", "minimum": 0}}}
BROKEN = Violation("data.delay", "minimum")


def rules(*, rejects: bool) -> Rules:
    """Departures have no negative delay."""
    return Rules(
        {}, 4, NOW_US, {"flight.departed": TypeRule(EventSchema(SCHEMA), rejects=rejects, personal=())}
    )


RECORDS = [
    ARecord(structured(id="bad", data={"delay": -1}), 0),
    ARecord(structured(id="good", data={"delay": 1}), 1),
    ARecord(structured(id="other", type="flight.landed", data={"delay": -1}), 2),
    ARecord(structured(id="undo", retracts="x", data={"delay": -1}), 3),
    # Escapes make it go the slower way.
    ARecord(structured(id="slow", data={"delay": -1, "é": "\\n"}), 4),
]


def test_reject() -> None:
    """What breaks the schema goes to the dead letters with field and rule, but for retractions."""
    verdicts = judge(AT, RECORDS, rules(rejects=True))
    letters = [read_dead_letter(record.headers) for record in verdicts.dead]

    assert len(verdicts.clean) == 3
    assert [(letter.offset, letter.reason) for letter in letters if letter] == [
        (0, "schema_violation"),
        (4, "schema_violation"),
    ]
    assert letters[0] is not None
    assert letters[0].detail.startswith("data.delay breaks the rule minimum of the schema of its type")
    assert verdicts.reasons == Counter({Reason.SCHEMA_VIOLATION: 2})
    assert verdicts.sight.rejected == Counter({("flight.departed", BROKEN): 2})
    assert verdicts.sight.types == Counter({"flight.departed": 1, "flight.landed": 1})


def test_flag() -> None:
    """What is only flagged is passed on, unchanged, and told."""
    verdicts = judge(AT, RECORDS, rules(rejects=False))
    plain = judge(AT, RECORDS, Rules({}, 4, NOW_US))

    assert verdicts.clean == plain.clean
    assert verdicts.dead == []
    assert verdicts.sight.flagged == Counter({("flight.departed", BROKEN): 2})


def a_type(name: str = "flight.departed", **fields: Any) -> EventType:
    """A declared type."""
    return EventType.model_validate({"type": name, "owner": "ops", "schema": SCHEMA, **fields})


def test_declarations() -> None:
    """What is sent makes the topic say what the catalogue says, and nothing is sent twice."""
    one, other = a_type(), a_type("b", on_violation="flag", personal=["seat"])
    first = changes({}, {"flight.departed": one, "b": other})
    told = {(record.key or b"").decode(): record.value or b"" for record in first}
    changed = changes(told, {"b": a_type("b")})

    assert [record.key for record in first] == [b"b", b"flight.departed"]
    assert changes(told, {"b": other, "flight.departed": one}) == []
    assert [(record.key, record.value is None) for record in changed] == [
        (b"b", False),
        (b"flight.departed", True),
    ]


def test_records_of_the_topic() -> None:
    """A record declares, another one changes, a tombstone ends; what cannot be read leaves what was known."""
    schemas = Schemas()
    found: dict[str, TypeRule] = {}
    schemas.put(found, ARecord(encode_event_type(a_type(personal=["seat"])), key=b"flight.departed"))
    declared = found["flight.departed"]
    schemas.rules = dict(found)
    schemas.put(found, ARecord(encode_event_type(a_type(on_violation="flag")), key=b"flight.departed"))
    changed = found["flight.departed"]
    schemas.put(found, ARecord(b"of another release", key=b"flight.departed"))
    kept = found["flight.departed"]
    schemas.put(found, ARecord(None, key=b"flight.departed"))

    assert (declared.rejects, declared.personal) == (True, ("seat",))
    assert (changed.rejects, changed.schema) == (False, declared.schema)
    assert kept == declared
    assert found == {}


@pytest.mark.asyncio
async def test_nothing_is_forwarded_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event is taken from Kafka before all that is declared was read once, however long that takes."""
    joined = asyncio.Event()

    async def make_topics(*_: object) -> None:
        """They are there."""

    async def take_part(self: Pipeline, stopping: asyncio.Event) -> None:
        joined.set()
        await stopping.wait()

    monkeypatch.setattr(pipeline, "make_topics", make_topics)
    monkeypatch.setattr(Pipeline, "_take_part", take_part)
    metrics, schemas = Metrics.on(CollectorRegistry()), Schemas()
    progress = Progress(60, metrics.lag_records, metrics.progress_age_s)
    outlets = Outlets(FakeProducer(), {}, metrics, progress, 10, schemas=schemas)
    stopping = asyncio.Event()
    running = asyncio.create_task(Pipeline(IngestSettings(), ["t"], outlets).run(stopping), name="pipeline")
    for _ in range(50):
        await asyncio.sleep(0)
    joined_unknowing = joined.is_set()
    schemas._put_in_force({})
    async with asyncio.timeout(5):
        await joined.wait()
    stopping.set()
    await running

    assert not joined_unknowing


@pytest.mark.asyncio
async def test_stopped_before_it_is_known() -> None:
    """A process that is told to stop while it waits for what is declared stops."""
    stopping = asyncio.Event()
    stopping.set()

    with pytest.raises(StoppedBeforeStartError):
        await Schemas().known(stopping)
