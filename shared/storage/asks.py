"""What a wanted reading comes down to: questions about series, and the reading that their answers make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from shared.contracts.series import series_text
from shared.domain.calendars import Calendar, as_datetime, instant_us
from shared.domain.definitions import Catalogue, Kpi, Measure
from shared.domain.definitions.catalogues import within
from shared.domain.definitions.operand_trees import operands_below
from shared.domain.errors import UnknownBreakdownError, UnknownKpiError, UnknownWindowError
from shared.domain.expressions import Operand
from shared.domain.readings import (
    Answer,
    Plan,
    Question,
    Reading,
    holds_until,
    measured_us,
    stays_until,
    value_of,
)
from shared.domain.windows import Interval, Shift, Window, earlier, interval
from shared.storage.completeness import Completeness
from shared.storage.pane_answers import SeriesQuestion

Dimension = tuple[str, str | None]
"""A name and its value; null stands for events without the dimension."""

Answers = Mapping[SeriesQuestion, tuple[Plan, Answer]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One reading that is wanted.

    Attributes:
        dimensions: names and values; their names must be one of the KPI's breakdowns.
        is_period: the window is a whole period of the calendar, which need not be one of the KPI's windows.
    """

    slug: str
    window: str
    dimensions: tuple[Dimension, ...]
    at: datetime
    is_period: bool = False


@dataclass(frozen=True, slots=True)
class Leaf:
    """One question to the panes.

    Attributes:
        shift: how its instant follows the one asked for; None where it is that instant.
    """

    key: SeriesQuestion
    kpi: Kpi
    shift: Shift | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """An ask and the questions to the panes that it comes down to, by the operand that each is for.

    Attributes:
        operand: what of the ask's KPI is meant: itself, or something that its formula reads.
    """

    catalogue: Catalogue
    ask: Ask
    leaves: Mapping[Operand, Leaf]
    operand: Operand

    @classmethod
    def of(cls, catalogue: Catalogue, ask: Ask) -> "Wanted":
        """What *ask* comes down to.

        Raises:
            UnknownKpiError, UnknownWindowError, UnknownBreakdownError: it names what there is not.
        """
        kpi = known_kpi(catalogue, ask.slug)
        if ask.window not in kpi.windows and not ask.is_period:
            raise UnknownWindowError(ask.slug, ask.window, tuple(kpi.windows))
        check_breakdown(kpi, tuple(name for name, _ in ask.dimensions))
        operands = catalogue.leaf_operands(ask.slug)
        leaves = {operand: _leaf(catalogue, operand, kpi, ask) for operand in operands}
        return cls(catalogue, ask, leaves, Operand(ask.slug))

    def below(self, operand: Operand) -> "Wanted":
        """The same of *operand* alone, which its formula reads, directly or not."""
        below = set(operands_below(self.catalogue.kpis, operand))
        leaves = {one: leaf for one, leaf in self.leaves.items() if one in below}
        return replace(self, operand=operand, leaves=leaves)

    @property
    def questions(self) -> list[SeriesQuestion]:
        """What has to be answered first."""
        return [leaf.key for leaf in self.leaves.values()]

    def reading(self, answers: Answers, counted: Completeness, *, now: datetime) -> Reading:
        """The reading that follows from *answers*, which were read at *now*."""
        whole = self._whole(answers, now=now)
        until_us = None if self.ask.at < now else self._valid_until_us(answers, now_us=instant_us(now))
        return Reading(
            slug=self.operand.slug,
            version=self.catalogue.versions[self.operand.slug],
            window=self.ask.window,
            dimensions={} if self.operand.is_total else dict(self.ask.dimensions),
            value=self.value(answers),
            n=sum(answers[leaf.key][1].partial.n for leaf in self._own),
            window_start=as_datetime(whole.start_us),
            window_end=as_datetime(whole.end_us),
            as_of=min(counted.as_of, now),
            complete=all(_is_complete(leaf.key, answers, counted) for leaf in self.leaves.values()),
            valid_until=None if until_us is None else as_datetime(until_us),
        )

    def value(self, answers: Answers) -> Decimal | None:
        """The value that follows from *answers*."""
        return self._evaluated(self.operand, answers)

    def _evaluated(self, operand: Operand, answers: Answers) -> Decimal | None:
        formula = self.catalogue.kpis[operand.slug].parsed_formula
        if formula is None:
            return _value(self.leaves[operand], answers)
        values = {one.text: self._evaluated(within(operand, one), answers) for one in formula.operands}
        return formula.evaluate(values)

    @property
    def _own(self) -> list[Leaf]:
        """The questions about the instant and the dimensions that are meant."""
        meant = self.operand.is_previous, self.operand.is_total
        return [leaf for o, leaf in self.leaves.items() if (o.is_previous, o.is_total) == meant]

    def _whole(self, answers: Answers, *, now: datetime) -> Interval:
        """The interval that the window stands for: the widest of those of the operands at this instant."""
        wholes = [answers[leaf.key][0].whole for leaf in self._own]
        if not wholes:
            kpi = self.catalogue.kpis[self.ask.slug]
            window, now_us = kpi.window_of(self.ask.window), instant_us(now)
            at_us, calendar = instant_us(self.ask.at), Calendar(kpi.zone)
            return interval(window, at_us, finest=kpi.finest, now_us=now_us, calendar=calendar)
        widest = min(wholes, key=lambda whole: whole.start_us)
        return Interval(widest.start_us, max(whole.end_us for whole in wholes), widest.finest)

    def _valid_until_us(self, answers: Answers, *, now_us: int) -> int | None:
        at_us = instant_us(self.ask.at)
        ends = [_valid_until_us(leaf, answers, at_us=at_us, now_us=now_us) for leaf in self.leaves.values()]
        return min((end for end in ends if end is not None), default=None)


def known_kpi(catalogue: Catalogue, slug: str) -> Kpi:
    """The KPI of that slug.

    Raises:
        UnknownKpiError: there is none.
    """
    if slug not in catalogue.kpis:
        raise UnknownKpiError(slug)
    return catalogue.kpis[slug]


def check_breakdown(kpi: Kpi, names: tuple[str, ...]) -> None:
    """Go on only if *kpi* has a breakdown by *names*, in whichever order.

    Raises:
        UnknownBreakdownError: it has none.
    """
    if not any(set(names) == set(known) for known in kpi.all_breakdowns):
        raise UnknownBreakdownError(kpi.slug, names, kpi.all_breakdowns)


def measure_by(kpi: Kpi, names: Sequence[str]) -> Measure:
    """What *kpi*, which is no formula, counts by the dimensions *names*, in whichever order.

    Raises:
        UnknownBreakdownError: it is not counted by these.
    """
    for measure in kpi.measures():
        if set(measure.breakdown) == set(names):
            return measure
    raise UnknownBreakdownError(kpi.slug, tuple(names), tuple(m.breakdown for m in kpi.measures()))


def _leaf(catalogue: Catalogue, operand: Operand, asked: Kpi, ask: Ask) -> Leaf:
    kpi = catalogue.kpis[operand.slug]
    given = {} if operand.is_total else dict(ask.dimensions)
    measure = measure_by(kpi, tuple(given))
    question, shift = _question(asked.window_of(ask.window), instant_us(ask.at), asked, measure, operand)
    values = series_text([given[name] for name in measure.breakdown])
    key = SeriesQuestion(question, catalogue.measure_ids[measure.fingerprint], values)
    return Leaf(key, kpi, shift)


def _question(
    window: Window, at_us: int, asked: Kpi, measure: Measure, operand: Operand
) -> tuple[Question, Shift | None]:
    if not operand.is_previous:
        return Question(window, at_us, asked.finest, measure.zone), None
    shift = earlier(window, at_us, Calendar(measure.zone))
    return Question(window, shift.at_us, asked.finest, measure.zone, follows=True), shift


def _value(leaf: Leaf, answers: Answers) -> Decimal | None:
    question, (planned, answer) = leaf.key.question, answers[leaf.key]
    length_us = measured_us(planned, question.zone, leaf.kpi.hours)
    return value_of(answer, leaf.kpi.rule, at_us=question.at_us, length_us=length_us)


def _is_complete(key: SeriesQuestion, answers: Answers, counted: Completeness) -> bool:
    whole = answers[key][0].whole
    return counted.covers([key.measure_id], as_datetime(whole.start_us), as_datetime(whole.end_us))


def _valid_until_us(leaf: Leaf, answers: Answers, *, at_us: int, now_us: int) -> int | None:
    """The last instant asked for up to which the value of *leaf* stays, from *at_us* on; None is for ever."""
    question, (planned, answer) = leaf.key.question, answers[leaf.key]
    ends = [
        stays_until(question, answer, now_us=now_us),
        holds_until(question, planned, answer, leaf.kpi.rule.aggregate, leaf.kpi.hours),
    ]
    own_us = min((end for end in ends if end is not None), default=None)
    if leaf.shift is None or (answer.is_silent and own_us is None):
        return own_us
    moved = [at_us + own_us - question.at_us] if leaf.shift.is_moving and own_us is not None else []
    if leaf.shift.until_us is not None:
        moved.append(leaf.shift.until_us - 1)
    return max(min(moved), at_us) if moved else None
