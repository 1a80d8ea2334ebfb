"""What people read about events is what the code does: topics, schemas, limits, reasons, settings."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from jsonschema import Draft202012Validator

from services.ingest.http.intake import MAX_BATCH
from services.ingest.judging import Rules, judge
from services.ingest.settings import IngestSettings
from services.ingest.sources import parse_sources
from shared.contracts.deadletters import HEADER_PREFIX
from shared.contracts.event_types import encode_event_type
from shared.contracts.events import encode_clean
from shared.contracts.observations import encode_observation
from shared.contracts.rfc3339 import us_of_text
from shared.contracts.topics import (
    ALERTS,
    DEAD_LETTERS,
    DEFAULT_SOURCE,
    EVENT_TYPES,
    EVENTS,
    OBSERVATIONS,
    VALUES,
)
from shared.domain.definitions.event_types import EventType
from shared.domain.events import (
    MAX_ATTRIBUTE_CHARACTERS,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_EVENT_BYTES,
    MAX_EXPONENT,
    MAX_KEYS,
    MAX_SKEW,
    MAX_STRING_BYTES,
    RETENTION,
    Reason,
)
from shared.domain.observations.types import Observed, Violation, sampled
from shared.messaging.records import TopicPartition
from tests.builders import ARecord, an_event, structured

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "events.md").read_text(encoding="utf-8")
ASYNCAPI: dict[str, Any] = yaml.safe_load((DOCS / "asyncapi.yaml").read_text(encoding="utf-8"))


def resolved(part: Any) -> Any:
    """*part* of the AsyncAPI document with every reference followed."""
    if isinstance(part, list):
        return [resolved(element) for element in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found: Any = ASYNCAPI
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return resolved(found)
    return {name: resolved(value) for name, value in part.items()}


def is_valid(value: Any, schema: Any) -> bool:
    """Whether *value* is what *schema* says."""
    return bool(Draft202012Validator(schema).is_valid(value))


CHANNELS = resolved(ASYNCAPI)["channels"]


def test_topics() -> None:
    """The document names the topics there are."""
    addresses = {name: channel["address"] for name, channel in CHANNELS.items()}

    assert addresses == {
        "source": "{topic}",
        "events": EVENTS,
        "deadLetters": DEAD_LETTERS,
        "alerts": ALERTS,
        "observations": OBSERVATIONS,
        "eventTypes": EVENT_TYPES,
        "values": VALUES,
    }
    assert CHANNELS["source"]["parameters"]["topic"]["default"] == DEFAULT_SOURCE


def test_observations() -> None:
    """Every summary of a type is what the document says of them."""
    schema = CHANNELS["observations"]["messages"]["observation"]["payload"]
    data = [{"amount": 1.5, "email": "p@example.org", "lines": [{"sku": "a"}], "paid": True, "note": None}]
    seen = sampled(data, declared=(), most_values=100)
    seen = seen.merged(Observed(events=1, flagged=1, violations={Violation("data.amount", "minimum"): 1}))

    assert is_valid(msgspec.json.decode(encode_observation("order", seen, until_us=1)), schema)
    assert is_valid(msgspec.json.decode(encode_observation("", Observed(events=3), until_us=1)), schema)
    assert not is_valid({"type": "order", "events": 1}, schema)


@pytest.mark.parametrize("fields", [{}, {"schema": {"type": "object"}, "personal": ["seat"]}])
def test_declared_types(fields: dict[str, Any]) -> None:
    """What is told of a declared type is what the document says of it."""
    schema = CHANNELS["eventTypes"]["messages"]["eventType"]["payload"]
    declared = EventType.model_validate({"type": "order", "owner": "me", **fields})

    assert is_valid(msgspec.json.decode(encode_event_type(declared)), schema)


@pytest.mark.parametrize("changes", [{}, {"subject": "s", "retracts": "r"}, {"data": {}}])
def test_clean_records(changes: dict[str, Any]) -> None:
    """Every clean record is what the document says of them."""
    schema = CHANNELS["events"]["messages"]["clean"]["payload"]

    assert is_valid(msgspec.json.decode(encode_clean(an_event(**changes))), schema)


def test_dead_letters() -> None:
    """The headers of a dead letter are what the document says of them, no fewer and no more."""
    rules = Rules({}, partitions=4, now_us=us_of_text("2026-11-01T10:20:00.000000Z"))
    (letter,) = judge(TopicPartition("t", 0), [ARecord(b"x")], rules).dead
    headers = {name: (value or b"").decode() for name, value in letter.headers}
    schema = CHANNELS["deadLetters"]["messages"]["deadLetter"]["headers"]
    ours = {name for name in headers if name.startswith(HEADER_PREFIX)}

    assert is_valid(headers, schema)
    assert ours | {HEADER_PREFIX + "truncated"} == schema["properties"].keys()


def test_structured_events() -> None:
    """An event as senders write it is what the document says of them."""
    schema = CHANNELS["source"]["messages"]["structured"]["payload"]

    assert is_valid(msgspec.json.decode(structured()), schema)
    assert not is_valid(msgspec.json.decode(structured(data_base64="AA==")), schema)


def test_reasons() -> None:
    """Every reason is explained, and none that there is not."""
    section = TEXT[TEXT.index("| reason | what to do |") :]
    explained = {
        name for line in section.splitlines() for name in re.findall(r"`([a-z0-9_]+)`", line.split("|")[1])
    }

    assert explained == {reason.value for reason in Reason}


def test_limits() -> None:
    """The limits in the text are those of the code."""
    for sentence in (
        f"| event | {MAX_EVENT_BYTES // 1024} KiB |",
        f"first level | {MAX_DEPTH} |",
        f"| members of an object | {MAX_KEYS} |",
        f"name of a member | {MAX_STRING_BYTES // 1024} KiB of UTF-8 |",
        f"as written | {MAX_DIGITS} |",
        f"if written | -{MAX_EXPONENT} to {MAX_EXPONENT} |",
        f"are 1 to {MAX_ATTRIBUTE_CHARACTERS} characters",
        f"{MAX_SKEW.seconds // 60} minutes in the future and {RETENTION.days} days in the past",
        f"an array of up to {MAX_BATCH:,} events",
    ):
        assert sentence in TEXT


def test_settings() -> None:
    """The variables in the text exist."""
    named = set(re.findall(r"TIDEMARK_[A-Z_]+", TEXT))

    assert {name.removeprefix("TIDEMARK_").lower() for name in named} <= IngestSettings.model_fields.keys()


def test_sources_file() -> None:
    """The file of sources in the text is one."""
    example = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)

    assert example is not None
    assert parse_sources(example[1], name="events.md").keys() == {"shop.orders"}


def test_example_event() -> None:
    """The event in the text is accepted, but for its age."""
    example = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    rules = Rules({}, partitions=4, now_us=us_of_text("2013-01-01T11:00:00.000000Z"))

    assert len(judge(TopicPartition("t", 0), [ARecord(example[1].encode())], rules).clean) == 1
