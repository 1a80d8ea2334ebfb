"""What the series of a KPI did to its change between two instants, all of it read from one snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.contributions import (
    Compared,
    Contribution,
    Explanation,
    Move,
    Part,
    Share,
    Sums,
    amount_in,
    can_be_shared,
    contributions,
    left_of,
    share_of,
    sums_of,
)
from shared.domain.definitions import Catalogue
from shared.domain.quotients import Amount, Shape, amounts_in, shape_of
from shared.domain.ranking import OTHER
from shared.domain.readings import Answer, Plan, measured_us
from shared.storage.asks import Ask, Dimension, Leaf, Wanted
from shared.storage.completeness import Completeness, completeness
from shared.storage.pane_answers import SeriesQuestion, answers
from shared.storage.readings import known_combinations

_AT_ONCE = 100
"""Series worked out between two waits for the database, so that nobody else has to wait: two asks each."""

Combination = tuple[Dimension, ...]
_Answers = dict[SeriesQuestion, tuple[Plan, Answer]]


@dataclass(frozen=True, slots=True)
class Change:
    """A change that is to be explained: a KPI over a window at two instants, by the series of a breakdown."""

    slug: str
    window: str
    breakdown: tuple[str, ...]
    then: datetime
    now: datetime


async def explained(
    connection: AsyncConnection, catalogue: Catalogue, change: Change, *, most: int, now: datetime
) -> Explanation:
    """The parts of *change*: the *most* series that did most, then one for what is left, if there is any.

    What is left are all other series, and events that no series holds, where a breakdown is not counted for
    as long as the total; its dimension values are `OTHER`. Series without events at either instant are left
    out. Needs a connection with one snapshot for all it reads.

    Raises:
        UnknownKpiError, UnknownWindowError, UnknownBreakdownError: *change* names what there is not.
        IndivisibleChangeError: the change is not made up of what series did.
    """
    known = await known_combinations(connection, catalogue, change.slug, change.breakdown)
    reader = _Reader(connection, catalogue, change, shape_of(catalogue, change.slug), now)
    whole = reader.pair(())
    await reader.read([whole])
    moved = reader.moved(whole)
    first: list[_Found] = []
    for start in range(0, len(known), _AT_ONCE):
        pairs = [reader.pair(combination) for combination in known[start : start + _AT_ONCE]]
        await reader.read(pairs)
        found = (reader.found(pair, moved) for pair in pairs if not pair.is_silent(reader.answers))
        first = sorted([*first, *found], key=_place)[:most]
    counted = await completeness(connection, {key.measure_id for key in reader.answers})
    return _explanation(reader, whole, moved, first, counted)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One series, or the total, at both instants."""

    then: Wanted
    now: Wanted

    @property
    def sides(self) -> tuple[Wanted, Wanted]:
        return self.then, self.now

    @property
    def questions(self) -> Iterator[SeriesQuestion]:
        return (key for side in self.sides for key in side.questions)

    def is_silent(self, answers: _Answers) -> bool:
        """Whether there is nothing that could have changed."""
        return not any(answers[key][1].partial.n for key in self.questions)


@dataclass(frozen=True, slots=True)
class _Found:
    """A series and what it did; None where there is no change to share."""

    pair: _Pair
    share: Share | None


def _place(found: _Found) -> tuple[Fraction, str]:
    size = Fraction(0) if found.share is None else abs(found.share.amount)
    return -size, str(found.pair.now.ask.dimensions)


@dataclass(frozen=True, slots=True)
class _Reader:
    """What has been read so far for a change."""

    connection: AsyncConnection
    catalogue: Catalogue
    change: Change
    shape: Shape
    at: datetime
    answers: _Answers = field(default_factory=dict)

    def pair(self, combination: Combination) -> _Pair:
        slug, window = self.change.slug, self.change.window
        sides = (Ask(slug, window, combination, at) for at in (self.change.then, self.change.now))
        then, now = (Wanted.of(self.catalogue, ask) for ask in sides)
        return _Pair(then, now)

    async def read(self, pairs: Sequence[_Pair]) -> None:
        keys = {key for pair in pairs for key in pair.questions}
        self.answers.update(await answers(self.connection, keys, now=self.at))

    def moved(self, whole: _Pair) -> Move | None:
        """What *whole* came to, where its change can be shared."""
        if any(side.value(self.answers) is None for side in whole.sides):
            return None
        move = self.move(whole, self.answers)
        return move if can_be_shared(self.shape, move) else None

    def found(self, pair: _Pair, whole: Move | None) -> _Found:
        if whole is None:
            return _Found(pair, None)
        return _Found(pair, share_of(self.shape, self.move(pair, self.answers), whole))

    def move(self, pair: _Pair, answers: _Answers) -> Move:
        then, now = (self._sums(side, answers) for side in pair.sides)
        return Move(then, now)

    def _sums(self, wanted: Wanted, answers: _Answers) -> Sums:
        amounts = {
            each: _amount(wanted.leaves[each.operand], each, answers) for each in amounts_in(self.shape)
        }
        return sums_of(self.shape, amounts)


def _amount(leaf: Leaf, amount: Amount, answers: _Answers) -> Fraction:
    planned, answer = answers[leaf.key]
    length_us = measured_us(planned, leaf.key.question.zone, leaf.kpi.hours)
    return amount_in(answer.partial, amount.of, leaf.kpi.rule, length_us=length_us)


def _explanation(
    reader: _Reader, whole: _Pair, moved: Move | None, first: Sequence[_Found], counted: Completeness
) -> Explanation:
    def compared(pair: _Pair, answers: _Answers) -> Compared:
        then, now = (side.reading(answers, counted, now=reader.at) for side in pair.sides)
        return Compared(then, now)

    told = compared(whole, reader.answers)
    parts = [compared(one.pair, reader.answers) for one in first]
    shares = [one.share for one in first]
    left = reader.answers | _left(whole, [one.pair for one in first], reader.answers)
    if not whole.is_silent(left):
        parts.append(_named_other(compared(whole, left), reader.change.breakdown))
        shares.append(None if moved is None else share_of(reader.shape, reader.move(whole, left), moved))
    return Explanation(told, tuple(map(Part, parts, _contributions(told, parts, shares))))


def _left(
    whole: _Pair, pairs: Sequence[_Pair], answers: Mapping[SeriesQuestion, tuple[Plan, Answer]]
) -> _Answers:
    """What the panes of *whole* would say without those of *pairs*."""
    found: _Answers = {}
    for number, side in enumerate(whole.sides):
        for operand, leaf in side.leaves.items():
            planned, answer = answers[leaf.key]
            listed = (answers[pair.sides[number].leaves[operand].key][1].partial for pair in pairs)
            found[leaf.key] = planned, Answer(left_of(answer.partial, listed), None, None)
    return found


def _named_other(compared: Compared, names: tuple[str, ...]) -> Compared:
    dimensions = dict.fromkeys(sorted(names), OTHER)
    then, now = (replace(each, dimensions=dimensions) for each in (compared.then, compared.now))
    return Compared(then, now)


def _contributions(
    whole: Compared, parts: Sequence[Compared], shares: Sequence[Share | None]
) -> Sequence[Contribution | None]:
    known, change = [share for share in shares if share is not None], whole.change
    if change is None or len(known) < len(shares):
        return [None] * len(shares)
    values = (reading.value for each in (whole, *parts) for reading in (each.then, each.now))
    return contributions(known, change, beside=(Decimal(0) if value is None else value for value in values))
