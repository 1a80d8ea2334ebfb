"""What is declared of event types, as ingest knows it, and which events break it.

It is read from a compacted topic of the same Kafka that events come from: whoever can read events can read
what they must keep to. Nothing is forwarded before all of it was read once; after that, what was known last
holds for as long as Kafka is away.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from services.ingest.observing import Sight, data_of
from shared.contracts.event_types import EventTypeRecord, read_event_type
from shared.contracts.events import CleanEvent
from shared.contracts.express import ProvenEvent
from shared.contracts.topics import EVENT_TYPES
from shared.domain.errors import TryAgainError
from shared.domain.event_schemas import EventSchema, UnusableSchemaError
from shared.domain.events import Reason, Rejected
from shared.messaging.admin import TopicSpec, ensure_topics
from shared.messaging.following import Follower, open_follower
from shared.messaging.records import Record
from shared.runtime.lifecycle import pause, unless_stopped

log = structlog.get_logger(__name__)

WAIT_S = 1.0
"""How long a look waits for a change; stopping waits no longer either."""

SOON_S = 5.0
"""How long a sender waits for a process that has just started; reading takes less than a second."""

RETRY_S = 1.0
"""Between two attempts to read what is declared."""

MAX_RECORDS = 100
"""Declarations read at once: making schemas of them holds up the loop for some milliseconds."""

Outcome = CleanEvent | ProvenEvent | Rejected


@dataclass(frozen=True, slots=True)
class TypeRule:
    """What holds for the events of one type."""

    schema: EventSchema | None
    rejects: bool
    personal: Sequence[str]


TypeRules = Mapping[str, TypeRule]
"""By event type."""


def checked(outcomes: Sequence[Outcome], rules: TypeRules) -> tuple[list[Outcome], Sight]:
    """The same *outcomes*, but for events that a schema refuses, and what broke schemas.

    A retraction is never refused: its type and its data do not matter.
    """
    judged, sight = list(outcomes), Sight()
    if not rules:
        return judged, sight
    for place, outcome in enumerate(judged):
        if isinstance(outcome, Rejected) or outcome.retracts is not None:
            continue
        rule = rules.get(outcome.type)
        if rule is None or rule.schema is None:
            continue
        found = rule.schema.broken_by(data_of(outcome))
        if found is None:
            continue
        violation, sentence = found
        if rule.rejects:
            sight.rejected[outcome.type, violation] += 1
            judged[place] = Rejected(Reason.SCHEMA_VIOLATION, sentence)
        else:
            sight.flagged[outcome.type, violation] += 1
    return judged, sight


@dataclass(slots=True)
class Schemas:
    """What is declared, kept up to date by `run`."""

    bootstrap_servers: str = ""
    replication: int = 1
    rules: TypeRules = field(default_factory=dict)
    _known: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def settled(cls, rules: TypeRules) -> "Schemas":
        """Known already, by whoever asks, to be *rules*; for a process without a topic to read."""
        made = cls(rules=rules)
        made._known.set()
        return made

    @property
    def are_known(self) -> bool:
        """Whether all that was declared was read at least once."""
        return self._known.is_set()

    async def known(self, stopping: asyncio.Event) -> None:
        """Wait until they are.

        Raises:
            StoppedBeforeStartError: *stopping* was set first.
        """
        await unless_stopped(self._wait(), stopping=stopping)

    async def soon_known(self) -> bool:
        """Whether they are, or are within a few seconds: a process that has just started reads them first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SOON_S):
                await self._known.wait()
        return self.are_known

    async def _wait(self) -> None:
        await self._known.wait()

    def personal(self) -> dict[str, Sequence[str]]:
        """The fields that are declared personal, by event type."""
        return {name: rule.personal for name, rule in self.rules.items()}

    async def run(self, stopping: asyncio.Event) -> None:
        """Read what is declared, and every change of it, until *stopping* is set."""
        compacted = {"cleanup.policy": "compact"}
        spec = TopicSpec(EVENT_TYPES, 1, self.replication, compacted)
        while not stopping.is_set():
            try:
                await ensure_topics(self.bootstrap_servers, [spec])
                async with open_follower(self.bootstrap_servers, EVENT_TYPES) as follower:
                    await self._follow(follower, stopping)
            except TryAgainError as error:
                log.warning("event_types_wait", reason=str(error), known=len(self.rules))
                await pause(stopping, RETRY_S)

    async def _follow(self, follower: Follower, stopping: asyncio.Event) -> None:
        end = await follower.end()
        rules: dict[str, TypeRule] = {}
        # Types that are gone, and whose tombstones may be, too, have to go: all is read, then put in force.
        while await follower.position() < end and not stopping.is_set():
            for record in await follower.batch(wait_s=WAIT_S, max_records=MAX_RECORDS):
                self.put(rules, record)
        while not stopping.is_set():
            self._put_in_force(rules)
            rules = dict(rules)
            for record in await follower.batch(wait_s=WAIT_S, max_records=MAX_RECORDS):
                self.put(rules, record)

    def _put_in_force(self, rules: TypeRules) -> None:
        if rules != self.rules or not self.are_known:
            log.info("event_types_changed", declared=len(rules))
        self.rules = rules
        self._known.set()

    def put(self, rules: dict[str, TypeRule], record: Record) -> None:
        """Change *rules* by what *record* says; one that cannot be used leaves the type as it is in force."""
        name = (record.key or b"").decode(errors="replace")
        if record.value is None:
            rules.pop(name, None)
            return
        declared = read_event_type(record.value)
        try:
            if declared is None:
                raise UnusableSchemaError("the record was written by another release")  # noqa: TRY301
            rules[name] = _rule(declared, self.rules.get(name))
        except UnusableSchemaError as error:
            log.error("event_type_unusable", type=name, reason=str(error))  # noqa: TRY400 - it says all there is
            if name in self.rules:
                rules[name] = self.rules[name]


def _rule(declared: EventTypeRecord, former: TypeRule | None) -> TypeRule:
    """The rule of *declared*; the schema of the *former* one is used again if it is the same."""
    schema = former.schema if former is not None else None
    if declared.schema is None:
        schema = None
    elif schema is None or schema.source != declared.schema:
        schema = EventSchema(declared.schema)
    return TypeRule(schema, declared.on_violation == "reject", tuple(declared.personal))
