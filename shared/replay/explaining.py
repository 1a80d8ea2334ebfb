"""Why a value is what it is: the panes that say it, and the events of the log that it comes down to.

What the panes say, the positions and the flushes are read in one snapshot; then the log is read up to these
positions, and only the flushes whose event times touch the interval.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.calendars import as_datetime, instant_us
from shared.domain.definitions import Catalogue
from shared.domain.definitions.operand_trees import parts_of
from shared.domain.expressions import Operand
from shared.domain.readings import Answer, Plan, Reading, plan
from shared.domain.windows import Interval
from shared.replay.candidates import Order, Target
from shared.replay.checks import agree
from shared.replay.known_readings import Then, answers_then, is_overflow, remembered
from shared.replay.ranges import readable_stretches
from shared.replay.recounts import RecordReader
from shared.replay.sifting import Sift
from shared.replay.wanted import wanted_measures
from shared.storage.asks import Answers, Ask, Leaf, Wanted
from shared.storage.completeness import Completeness, completeness
from shared.storage.pane_answers import answers as answers_of
from shared.storage.pane_spans import PaneRun, pane_runs
from shared.storage.replays import KnownAt, KnownUpTo, Snapshot, Stretch, counted_offsets, known_series
from shared.storage.undoings import LogPlace, Undoing, undoings


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What is to be explained.

    Attributes:
        operand: the ask's KPI itself, or what of its formula is meant.
        now: as seen from when: the present, or the time that is asked about.
        is_past: whether it is asked what was known then.
    """

    ask: Ask
    operand: Operand
    now: datetime
    is_past: bool

    def wanted(self, catalogue: Catalogue) -> Wanted:
        """The questions that it comes down to.

        Raises:
            UnknownKpiError, UnknownWindowError, UnknownBreakdownError: the ask names what there is not.
        """
        return Wanted.of(catalogue, self.ask).below(self.operand)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How the log is read.

    Attributes:
        disorder: by how much events may overtake each other: later ones are late.
        most_records: how many may be read.
    """

    disorder: timedelta
    most_records: int


@dataclass(frozen=True, slots=True)
class Page:
    """Which events are shown: at most so many, those that follow a place in the list, newest first."""

    most: int
    before: Order | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Where in the log the events of a value are, and which of them count.

    Attributes:
        undone: the events that were counted and are no longer, with their retractions.
        offsets: up to where each partition is counted; empty of what was known at a time.
    """

    target: Target
    stretches: Sequence[Stretch]
    undone: Mapping[LogPlace, Undoing]
    offsets: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Scene:
    """What Postgres says of an inquiry, in one snapshot.

    Attributes:
        answers: what the panes say; None where the log has to, see *then*.
        runs: the panes behind the answer; none of a formula, and of what was known at a time.
        search: where to look for the events; None of a formula, and where they are not wanted.
    """

    catalogue: Catalogue
    inquiry: Inquiry
    wanted: Wanted
    answers: tuple[Answers, Completeness] | None
    then: Then | None
    runs: Sequence[PaneRun]
    search: Search | None

    @property
    def leaf(self) -> Leaf | None:
        """The one question to the panes, of a KPI of events."""
        return self.wanted.leaves.get(self.inquiry.operand)

    @property
    def needs_log(self) -> bool:
        """Whether there is more to be told than Postgres says."""
        return self.then is not None or self.search is not None


@dataclass(frozen=True, slots=True)
class Told:
    """A value with its reasons.

    Attributes:
        reading: the value.
        parts: of a formula, what it reads, with the value of each.
        answer: of a KPI of events, the interval and what the events in it come to.
        sift: of these, what was found of them in the log; None where nothing was looked for.
        cancelled: the keys, with their partitions, of events that were retracted before they could count.
    """

    scene: Scene
    reading: Reading
    parts: tuple[tuple[Operand, Reading], ...]
    answer: tuple[Plan, Answer] | None
    sift: Sift | None
    cancelled: frozenset[tuple[int, bytes]] = frozenset()

    @property
    def silent_keys(self) -> frozenset[tuple[int, bytes]]:
        """The keys, with their partitions, of what would be part of the value but counts nothing."""
        silent = () if self.sift is None else self.sift.silent
        return frozenset((one.partition, one.key) for one in silent)

    @property
    def copies(self) -> int:
        """How many records are copies of events that came before, retracted ones included."""
        return 0 if self.sift is None else len(self.sift.silent) - len(self.cancelled)

    @property
    def reconciles(self) -> bool | None:
        """Whether the events found come to the value told, bit by bit; None where none were looked for."""
        if self.sift is None or self.answer is None:
            return None
        return agree(self.answer[1].partial, self.sift.partial)


async def scene(
    connection: Snapshot, catalogue: Catalogue, inquiry: Inquiry, bounds: Bounds, *, is_log_read: bool
) -> Scene:
    """What there is to be told of *inquiry* from Postgres, and where its events are if *is_log_read*.

    Raises:
        ReplayTooLargeError: more records would have to be read than *bounds* allow.
        UnknownKpiError, UnknownWindowError, UnknownBreakdownError: the ask names what there is not.
    """
    wanted = inquiry.wanted(catalogue)
    leaf = wanted.leaves.get(inquiry.operand)
    found = None
    if leaf is not None and is_log_read:
        found = await search(connection, catalogue, inquiry, bounds)
    if inquiry.is_past:
        most = bounds.most_records
        then = await remembered(connection, catalogue, [inquiry.ask], at=inquiry.now, most=most)
        return Scene(catalogue, inquiry, wanted, None, then, (), found)
    counted = await completeness(connection, {key.measure_id for key in wanted.questions})
    answers = await answers_of(connection, set(wanted.questions), now=inquiry.now)
    runs: list[PaneRun] = []
    if leaf is not None:
        kind = wanted.catalogue.kpis[inquiry.operand.slug].measures()[0].kind
        runs = await pane_runs(connection, leaf.key, answers[leaf.key][0], kind)
    return Scene(catalogue, inquiry, wanted, (answers, counted), None, runs, found)


async def search(
    connection: Snapshot,
    catalogue: Catalogue,
    inquiry: Inquiry,
    bounds: Bounds,
    *,
    offsets: Mapping[int, int] | None = None,
) -> Search:
    """Where the events of *inquiry*, which is about a KPI of events, are.

    Args:
        connection: in a transaction with one snapshot.
        catalogue: the definitions.
        inquiry: whose events.
        bounds: how the log is read.
        offsets: up to where each partition is looked at; without them, as far as it is counted.

    Raises:
        ReplayTooLargeError: more would have to be read.
    """
    leaf = inquiry.wanted(catalogue).leaves[inquiry.operand]
    whole = plan(leaf.key.question, now_us=instant_us(inquiry.now)).whole
    interval = as_datetime(whole.start_us), as_datetime(whole.end_us)
    until = await counted_offsets(connection) if offsets is None else offsets
    known = KnownAt(inquiry.now) if inquiry.is_past else KnownUpTo(until)
    stretches = await readable_stretches(connection, [interval], known, most=bounds.most_records)
    undone = await undoings(connection, stretches)
    target = await _target(connection, catalogue, leaf, whole, bounds)
    return Search(target, stretches, undone, {} if inquiry.is_past else until)


async def _target(
    connection: Snapshot, catalogue: Catalogue, leaf: Leaf, whole: Interval, bounds: Bounds
) -> Target:
    number, dimensions = leaf.key.measure_id, leaf.key.dimensions
    known = await known_series(connection, [number]) if is_overflow(dimensions) else {}
    return Target(
        wanted=(await wanted_measures(connection, catalogue, [number]))[number],
        dimensions=dimensions,
        known=known.get(number),
        start_us=whole.start_us,
        end_us=whole.end_us,
        aggregate=leaf.kpi.rule.aggregate,
        late_ms=(whole.end_us + bounds.disorder // timedelta(microseconds=1)) // 1000,
    )


async def explained(reader: RecordReader, found: Scene, page: Page, *, disorder: timedelta) -> Told:
    """The value that *found* is about, with its reasons.

    Raises:
        LogLostError: the log holds some of what is needed no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    answers = found.answers
    if found.then is not None:
        answers = await answers_then(reader, found.then, disorder=disorder)
    sift = None if found.search is None else await sifted(reader, found.search, page)
    return told(found, answers, sift)


def told(found: Scene, answered: tuple[Answers, Completeness] | None, sift: Sift | None) -> Told:
    """What follows from the answers to the questions of *found* and from the events found."""
    if answered is None:
        raise AssertionError("what was known then is in the log, which was not read")
    answers, counted = answered
    operand, wanted, now = found.inquiry.operand, found.wanted, found.inquiry.now

    def reading(one: Operand) -> Reading:
        each = wanted.below(one).reading(answers, counted, now=now)
        return replace(each, valid_until=None) if found.inquiry.is_past else each

    parts = tuple((one, reading(one)) for one in parts_of(found.catalogue.kpis, operand))
    leaf = found.leaf
    return Told(found, reading(operand), parts, None if leaf is None else answers[leaf.key], sift)


async def sifted(reader: RecordReader, search: Search, page: Page) -> Sift:
    """The events that *search* is for, those of *page* to be shown.

    Raises:
        LogLostError: the log holds some of them no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    sift = Sift(search.target, page.most, page.before, frozenset(search.undone))
    for stretch in search.stretches:
        async for records in reader.read(stretch.partition, stretch.first_offset, stretch.until_offset):
            await asyncio.to_thread(sift.add, stretch.partition, records, stretch.silent)
    return sift
