"""Definitions that are not in force, counted over the recent log as if they were; nothing is written."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from shared.contracts.events import times_us
from shared.contracts.series import series_values
from shared.domain.calendars import as_datetime, instant_us
from shared.domain.definitions import Catalogue, Kpi, Measure
from shared.domain.errors import ReplayTooLargeError
from shared.domain.ranking import ranked
from shared.domain.readings import Answer, Plan, Reading, plan
from shared.messaging.records import Record
from shared.replay.decoding import counted_records, decoded
from shared.replay.preview_events import Study
from shared.replay.preview_sheets import Sheet
from shared.replay.recounts import RecordReader
from shared.storage.asks import Ask, Dimension, Wanted, measure_by
from shared.storage.completeness import Completeness, completeness
from shared.storage.pane_answers import SeriesQuestion
from shared.storage.preview_reaches import reach_back
from shared.storage.readings import readings_of
from shared.storage.replays import KnownUpTo, Snapshot, Stretch, counted_offsets, stretches

Combination = tuple[Dimension, ...]
"""Names and values of dimensions, sorted by name."""

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Question:
    """Readings that are wanted of a catalogue, whether it is in force or not.

    Attributes:
        asks: of totals, or of series that are known.
    """

    catalogue: Catalogue
    asks: Sequence[Ask]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of the log a preview is made of: all that counts of the event times [start, end).

    Attributes:
        wanted_from: where it would have begun with all that was asked for.
        is_cut: it begins later because more records than may be read lie before.
        is_short: it begins later because the log no longer holds what lies before.
        records: that are to be read, others than those of these times among them.
    """

    start: datetime
    end: datetime
    wanted_from: datetime
    is_cut: bool
    is_short: bool
    records: int

    @property
    def is_whole(self) -> bool:
        """Whether it is all that was asked for."""
        return self.start <= self.wanted_from


@dataclass(frozen=True, slots=True)
class Look:
    """What Postgres says before the log is read.

    Attributes:
        numbers: of all measures concerned, by fingerprint; the same in all catalogues.
    """

    now: datetime
    part: Part
    stretches: Sequence[Stretch]
    counted: Completeness
    plans: Mapping[SeriesQuestion, Plan]
    measures: Mapping[int, Measure]


def with_drafts(catalogue: Catalogue, drafts: Iterable[Kpi]) -> Catalogue:
    """*catalogue* as if *drafts* were in force; versions are those that they would have."""
    wanted = {kpi.slug: kpi for kpi in drafts}
    before, known = catalogue.kpis, catalogue.versions
    versions = {slug: known.get(slug, 0) + (kpi != before.get(slug)) for slug, kpi in wanted.items()}
    return replace(catalogue, kpis={**before, **wanted}, versions={**known, **versions})


def renumbered(catalogues: Sequence[Catalogue]) -> list[Catalogue]:
    """*catalogues* with numbers for all their measures, those of drafts too: no store knows these numbers."""
    prints = dict.fromkeys(
        measure.fingerprint for each in catalogues for kpi in each.kpis.values() for measure in kpi.measures()
    )
    numbers = {fingerprint: number for number, fingerprint in enumerate(prints)}
    return [replace(each, measure_ids=numbers) for each in catalogues]


def measures_of(catalogue: Catalogue, slugs: Collection[str]) -> dict[int, Measure]:
    """All measures that the KPIs *slugs* come down to, by number."""
    leaves = {leaf for slug in slugs for leaf in catalogue.leaves(slug)}
    return {
        catalogue.measure_ids[measure.fingerprint]: measure
        for leaf in sorted(leaves)
        for measure in catalogue.kpis[leaf].measures()
    }


async def look(
    connection: Snapshot,
    questions: Sequence[Question],
    *,
    now: datetime,
    begins: Mapping[int, int],
    most: int,
) -> Look:
    """What has to be read of the log for *questions*, whose catalogues share their numbers.

    Args:
        connection: in a transaction with one snapshot.
        questions: at least one, and one ask.
        now: the wall clock.
        begins: the first offset that the log still holds, by partition.
        most: how many records may be read: the older ones are left out.

    Raises:
        ReplayTooLargeError: not even the newest of it may be read.
    """
    keys = {
        key for each in questions for ask in each.asks for key in Wanted.of(each.catalogue, ask).questions
    }
    plans = {key: plan(key.question, now_us=instant_us(now)) for key in keys}
    wanted_from = as_datetime(min(planned.whole.start_us for planned in plans.values()))
    end = as_datetime(max(planned.whole.end_us for planned in plans.values()))
    back = await reach_back(connection, wanted_from, end, begins=begins, most=most)
    limits = [at + _TICK for at in (back.lost_to, back.cut_to) if at is not None]
    start = max([wanted_from, *limits])
    if back.least is not None:
        raise ReplayTooLargeError(back.least, most)
    known = KnownUpTo(await counted_offsets(connection))
    found = await stretches(connection, [(start, end)], known) if start < end else []
    measures: dict[int, Measure] = {}
    for each in questions:
        measures |= measures_of(each.catalogue, {ask.slug for ask in each.asks})
    part = Part(
        start, max(start, end), wanted_from,
        is_cut=back.cut_to is not None and back.cut_to + _TICK == start,
        is_short=back.lost_to is not None and back.lost_to >= wanted_from,
        records=sum(map(len, found)),
    )  # fmt: skip
    return Look(now, part, found, await completeness(connection, []), plans, measures)


@dataclass(frozen=True, slots=True)
class Preview:
    """What the log says.

    Attributes:
        read: records that were read and count, whatever their event time.
    """

    look: Look
    sheet: Sheet
    study: Study
    read: int

    def readings(self, question: Question) -> list[Reading]:
        """The readings of *question*, in the order of its asks, of all that was read."""
        wanted = [Wanted.of(question.catalogue, ask) for ask in question.asks]
        keys = {key for each in wanted for key in each.questions}
        answers = {key: self._answer(key) for key in keys}
        found = readings_of(question.catalogue, question.asks, answers, self._complete(), now=self.look.now)
        return [replace(each, valid_until=None) for each in found]

    def _answer(self, key: SeriesQuestion) -> tuple[Plan, Answer]:
        planned = plan(key.question, now_us=instant_us(self.look.now))
        # Nothing before the part that was read is on the sheet, so the window need not be cut to it.
        start_us, end_us = planned.whole.start_us, planned.whole.end_us
        partial = self.sheet.partial(key.measure_id, key.dimensions, start_us, end_us)
        return planned, Answer(partial, None, None)

    def _complete(self) -> Completeness:
        part, known = self.look.part, self.look.counted
        since = None if part.is_whole else part.start
        return replace(known, begun=dict.fromkeys(self.look.measures, since))

    def top(
        self, catalogue: Catalogue, ask: Ask, combinations: Sequence[Combination], *, most: int
    ) -> list[Combination]:
        """Those *most* of *combinations* with the largest values of *ask*, largest first."""
        question = Question(catalogue, [replace(ask, dimensions=each) for each in combinations])
        found = zip(combinations, self.readings(question), strict=True)
        return list(ranked({each: reading.value for each, reading in found}, most).first)

    def combinations(self, catalogue: Catalogue, slug: str, names: tuple[str, ...]) -> list[Combination]:
        """Every combination of values of *names* that the KPI, or one it is made of, has met."""
        operands = [operand for operand in catalogue.leaf_operands(slug) if not operand.is_total]
        measures = {measure_by(catalogue.kpis[operand.slug], names) for operand in operands}
        found = {
            tuple(sorted(zip(measure.breakdown, series_values(text), strict=True)))
            for measure in measures
            for text in self.sheet.series(catalogue.measure_ids[measure.fingerprint])
        }
        return sorted(found, key=str)


async def read(
    reader: RecordReader, looked: Look, study: Study, *, with_panes: Collection[int] = ()
) -> Preview:
    """The preview that the log has for *looked*; counted in a thread, batch by batch.

    Raises:
        LogLostError: the log holds some of it no more.
        BrokerUnavailableError: Kafka did not answer.
    """
    start_us, end_us = instant_us(looked.part.start), instant_us(looked.part.end)
    edges = {start_us, end_us}
    for planned in looked.plans.values():
        edges |= {
            min(max(at_us, start_us), end_us) for at_us in (planned.whole.start_us, planned.whole.end_us)
        }
    sheet = Sheet(looked.measures, np.array(sorted(edges), dtype=np.int64), with_panes)
    count = 0
    for stretch in looked.stretches:
        async for records in reader.read(stretch.partition, stretch.first_offset, stretch.until_offset):
            counted = counted_records(records, stretch)
            count += len(counted)
            await asyncio.to_thread(_add, sheet, study, counted)
    return Preview(looked, sheet, study, count)


def _add(sheet: Sheet, study: Study, records: Sequence[Record]) -> None:
    _, events = decoded(records)
    times = times_us([event.time for event in events])
    places = np.flatnonzero((times >= sheet.edges_us[0]) & (times < sheet.edges_us[-1]))
    within = [events[place] for place in places.tolist()]
    sheet.add(within, times[places])
    study.add(within, times[places])
