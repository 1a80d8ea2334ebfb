"""What passes through ingest, looked at in passing: every event is counted, a bounded few are looked into."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import msgspec
import structlog

from shared.contracts.events import CleanEvent
from shared.contracts.express import ProvenEvent
from shared.contracts.observations import OTHERS, encode_observation
from shared.contracts.topics import OBSERVATIONS
from shared.domain.errors import BrokerUnavailableError
from shared.domain.observations.types import MAX_TYPES, Observed, Violation, sampled
from shared.messaging.producer import Outgoing, Producer
from shared.runtime.clock import epoch_us
from shared.runtime.lifecycle import pause

log = structlog.get_logger(__name__)

REPORT_S = 2.0
"""Seconds between two reports: as fresh as people need it."""

EVENTS_OF_A_TYPE = 20
"""Events of one type that are looked into between two reports: the first ones."""

EVENTS_IN_ALL = 200
"""The same of all types: what waits to be looked into has a bound, whatever the types."""

VALUES_IN_ALL = 2_000
"""Values looked at between two reports. Measured at 4 us each: 8 ms of 2 s, or 0.4 % of a core."""

Event = CleanEvent | ProvenEvent

_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Sight:
    """What is noted of events in passing; told to the observer when they have arrived in Kafka.

    Attributes:
        types: how many events of each type there were, retractions aside: their types mean nothing.
        flagged: what broke the schema and was passed on, by type and how.
        rejected: what was refused because of the schema.
    """

    types: Counter[str] = field(default_factory=Counter)
    flagged: Counter[tuple[str, Violation]] = field(default_factory=Counter)
    rejected: Counter[tuple[str, Violation]] = field(default_factory=Counter)

    def add(self, other: "Sight") -> None:
        """Count what *other* has as well."""
        self.types.update(other.types)
        self.flagged.update(other.flagged)
        self.rejected.update(other.rejected)


def types_of(events: Sequence[Event]) -> Counter[str]:
    """How many of *events* there are of each type; retractions are none."""
    return Counter([event.type for event in events if event.retracts is None])


class Observer:
    """Collects between two reports. Every method is quick and raises nothing: intake never waits for it."""

    def __init__(self) -> None:
        self._seen: dict[str, Observed] = {}
        self._waiting: defaultdict[str, list[Event]] = defaultdict(list)
        self._room = EVENTS_IN_ALL
        self._sated: set[str] = set()

    def look(self, events: Sequence[Event], types: Counter[str]) -> None:
        """Keep the first few of *events*, which are of *types*, to look into when there is time."""
        wanted = types.keys() - self._sated if self._room else ()
        if not wanted:
            return
        for event in events:
            if event.type in wanted and event.retracts is None:
                kept = self._waiting[event.type]
                kept.append(event)
                self._room -= 1
                if len(kept) >= EVENTS_OF_A_TYPE:
                    self._sated.add(event.type)
                    wanted -= self._sated
                if not wanted or not self._room:
                    return

    def count(self, sight: Sight) -> None:
        """Add what was noted of events that have arrived, and of those that were refused."""
        for event_type, events in sight.types.items():
            self._add(event_type, Observed(events=events))
        for (event_type, violation), events in sight.flagged.items():
            self._add(event_type, Observed(flagged=events, violations={violation: events}))
        for (event_type, violation), events in sight.rejected.items():
            self._add(event_type, Observed(rejected=events, violations={violation: events}))

    def _add(self, event_type: str, more: Observed) -> None:
        if event_type not in self._seen and len(self._seen) >= MAX_TYPES:
            event_type, more = OTHERS, Observed(events=more.events)
        before = self._seen.get(event_type)
        self._seen[event_type] = more if before is None else before.merged(more)

    def taken(self, personal: Mapping[str, Sequence[str]]) -> dict[str, Observed]:
        """What was seen since this was last called, by type; *personal* says which fields are declared so."""
        waiting, self._waiting = self._waiting, defaultdict(list)
        self._room, self._sated = EVENTS_IN_ALL, set()
        left = VALUES_IN_ALL
        for event_type, events in waiting.items():
            if left <= 0:
                continue
            documents = [data_of(event) for event in events]
            found = sampled(documents, declared=personal.get(event_type, ()), most_values=left)
            left -= sum(sum(each.types.values()) for each in found.fields.values())
            self._add(event_type, found)
        seen, self._seen = self._seen, {}
        return seen

    def put_back(self, seen: Mapping[str, Observed]) -> None:
        """Add what was taken and could not be told; at most as much as one report holds, and counts."""
        for event_type, observed in seen.items():
            self._add(event_type, observed)


def data_of(event: Event) -> dict[str, Any]:
    """The data of *event*, numbers with a fraction as decimals."""
    return event.data if isinstance(event, CleanEvent) else _decoder.decode(event.data)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Tells what an observer has seen; when Kafka does not answer, later."""

    observer: Observer
    producer: Producer
    personal: Callable[[], Mapping[str, Sequence[str]]] = dict

    async def run(self, stopping: asyncio.Event) -> None:
        """Report again and again until *stopping* is set, and a last time then."""
        while not await pause(stopping, REPORT_S):
            await self.report()
        await self.report()

    async def report(self) -> None:
        """Send what was seen since the last report; nothing is sent of nothing."""
        seen = self.observer.taken(self.personal())
        until_us = epoch_us()
        records = [
            Outgoing(encode_observation(event_type, observed, until_us=until_us), event_type.encode(), 0)
            for event_type, observed in seen.items()
        ]
        try:
            await self.producer.send_all(OBSERVATIONS, records)
        except BrokerUnavailableError as error:
            log.warning("observations_kept_back", reason=str(error), types=len(seen))
            # Numbers only: sketches and examples that pile up would be more than a record holds.
            self.observer.put_back({name: replace(each, fields={}, sampled=0) for name, each in seen.items()})
