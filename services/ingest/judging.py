"""From records to clean events and dead letters; a pure function of the records and the time it is told."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.ingest.observing import Observer, Sight, types_of
from services.ingest.schemas import Outcome, TypeRules, checked
from shared.contracts.deadletters import DeadLetter, dead_letter_headers, dead_letter_value
from shared.contracts.events import CLEAN_HEADERS, CleanEvent, clean_key, encode_clean, times_us
from shared.contracts.express import ProvenEvent, proven_events
from shared.contracts.intake import decode
from shared.contracts.mappings import JsonMapping
from shared.contracts.rfc3339 import text_of_us
from shared.domain.events import MAX_SKEW, RETENTION, Reason, Rejected, out_of_time, partitions_of
from shared.messaging.producer import Outgoing
from shared.messaging.records import Record, TopicPartition

SERVICE = "ingest"
"""What dead letters name as the service that set them aside."""

_SKEW_US = round(MAX_SKEW.total_seconds()) * 1_000_000
_RETENTION_US = round(RETENTION.total_seconds()) * 1_000_000


_STRUCTURED = tuple(CLEAN_HEADERS)


@dataclass(frozen=True, slots=True)
class Rules:
    """What records are judged by, beside the contract.

    Attributes:
        mappings: how plain JSON of a source topic is read.
        partitions: how many the clean topic has.
        now_us: the wall clock, by which times are too early or too late.
        types: what is declared of event types.
    """

    mappings: Mapping[str, JsonMapping]
    partitions: int
    now_us: int
    types: TypeRules = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What became of records; `clean` and `dead` together hold each of them once.

    Attributes:
        sight: what is noted of the events in passing.
    """

    clean: list[Outgoing] = field(default_factory=list)
    dead: list[Outgoing] = field(default_factory=list)
    reasons: Counter[Reason] = field(default_factory=Counter)
    sight: Sight = field(default_factory=Sight)

    def add(self, other: "Verdicts") -> None:
        """Put those of *other* behind these."""
        self.clean.extend(other.clean)
        self.dead.extend(other.dead)
        self.reasons.update(other.reasons)
        self.sight.add(other.sight)


def judge(
    at: TopicPartition, records: Sequence[Record], rules: Rules, observer: Observer | None = None
) -> Verdicts:
    """A verdict on each of *records*, which were read from *at*; *observer* may look at the clean ones."""
    outcomes = judge_times(_outcomes(records, rules.mappings.get(at.topic)), now_us=rules.now_us)
    outcomes, sight = checked(outcomes, rules.types)
    verdicts = Verdicts(sight=sight)
    events = [event for event in outcomes if not isinstance(event, Rejected)]
    verdicts.sight.types.update(types_of(events))
    if observer is not None:
        observer.look(events, verdicts.sight.types)
    verdicts.clean.extend(clean_records(events, partitions=rules.partitions))
    for record, outcome in zip(records, outcomes, strict=True):
        if isinstance(outcome, Rejected):
            verdicts.dead.append(_dead_letter(at, record, outcome, rules.now_us))
            verdicts.reasons[outcome.reason] += 1
    return verdicts


def _outcomes(records: Sequence[Record], mapping: JsonMapping | None) -> list[Outcome]:
    """Most records are proven to be clean; the others are taken apart one by one."""
    proven = proven_events([_structured(record) for record in records])
    return [
        event or decode(record.value, record.headers, timestamp_us=record.timestamp * 1000, mapping=mapping)
        for record, event in zip(records, proven, strict=True)
    ]


def _structured(record: Record) -> bytes:
    """The value if nothing but the value says what the record holds; else nothing that can be proven."""
    if not record.headers or tuple(record.headers) == _STRUCTURED:
        return record.value or b""
    return b""


def judge_times(outcomes: Sequence[Outcome], *, now_us: int) -> list[Outcome]:
    """The same *outcomes*, but for events whose time is too far from *now_us*: those are rejected."""
    judged = list(outcomes)
    places = [place for place, outcome in enumerate(judged) if not isinstance(outcome, Rejected)]
    ages = now_us - times_us([outcome.time for outcome in judged if not isinstance(outcome, Rejected)])
    for index in np.flatnonzero((ages < -_SKEW_US) | (ages > _RETENTION_US)):
        judged[places[index]] = out_of_time(int(ages[index])) or judged[places[index]]
    return judged


def clean_records(events: Sequence[CleanEvent | ProvenEvent], *, partitions: int) -> list[Outgoing]:
    """The records of `tidemark.events` for *events*; their own timestamps are those of sending."""
    keys = [clean_key(event) for event in events]
    return [
        Outgoing(encode_clean(event), key, partition, CLEAN_HEADERS)
        for event, key, partition in zip(events, keys, partitions_of(keys, partitions), strict=True)
    ]


def _dead_letter(at: TopicPartition, record: Record, rejected: Rejected, now_us: int) -> Outgoing:
    letter = DeadLetter(
        reason=rejected.reason,
        detail=rejected.detail,
        service=SERVICE,
        topic=at.topic,
        partition=at.partition,
        offset=record.offset,
        time=text_of_us(now_us),
        timestamp_ms=record.timestamp,
    )
    headers = dead_letter_headers(letter, record.headers, value=record.value)
    return Outgoing(dead_letter_value(record.value), record.key, partition=0, headers=headers)
