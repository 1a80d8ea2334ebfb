"""What the series of a KPI did to the change of its total, adding up to the last digit; it reads no pane.

What adds up changes by what its parts do. A quotient R = A / B of sums over parts, with the quotients r of
the parts and their weights w, which are their shares of B, changes by the sum over the parts of

    rate  (w + w') / 2 * (r' - r)                        the part's own quotient has changed
    mix   ((r + r') / 2 - (R + R') / 2) * (w' - w)       its weight has, and it is not like the whole

where ' marks the later instant: the symmetric form (Bennet 1920), with mix told against the mean of the
whole, so that a part that only grows as all others do did nothing. It is exact, for weights add up to 1 at
both instants. Of a part without a quotient at an instant, since its B is 0, no rate is told: it is all mix.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import assert_never

from shared.domain.aggregates import PER_US, Aggregate, Numbers, Partial, Rule
from shared.domain.quotients import Amount, Linear, Of, Quotient, Shape, Terms
from shared.domain.readings import Reading

DIGITS = 34
"""Contributions that have no end carry as many digits as quotients do, counted from those of the largest."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What a shape comes to for some events.

    Attributes:
        above: of what adds up, its value; of a quotient, what is divided.
        below: of a quotient, what it is divided by; of what adds up, 0.
    """

    above: Fraction
    below: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Move:
    """What some series came to at two instants."""

    then: Sums
    now: Sums


@dataclass(frozen=True, slots=True)
class Share:
    """What a part did to the change of the whole, unrounded.

    Attributes:
        amount: all of it.
        mix: of a quotient, as much of it as its weight did; None of what adds up.
    """

    amount: Fraction
    mix: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What a part did to the change of the whole.

    Attributes:
        amount: all of it; the sum of the other two, where there are any.
        mix: of a quotient, what its weight did.
        rate: of a quotient, what its own quotient did.
    """

    amount: Decimal
    mix: Decimal | None
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A KPI, or a part of it, at two instants."""

    then: Reading
    now: Reading

    @property
    def change(self) -> Decimal | None:
        """What its value has changed by, exactly; None without one at either instant."""
        then, now = self.then.value, self.now.value
        if then is None or now is None:
            return None
        places = max(_places(then), _places(now))
        return _decimal(_units(now, places) - _units(then, places), places)


@dataclass(frozen=True, slots=True)
class Part:
    """A series, or all that are not told one by one, and what it did; None where there is no change."""

    compared: Compared
    contribution: Contribution | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A change and the parts that make it up.

    Attributes:
        parts: those that did most come first; what is left, if anything is, comes last.
    """

    whole: Compared
    parts: tuple[Part, ...]


def sums_of(shape: Shape, amounts: Mapping[Amount, Fraction]) -> Sums:
    """What *shape* comes to with *amounts*, which hold every one that is in it."""
    match shape:
        case Linear(terms):
            return Sums(_worked_out(terms, amounts))
        case Quotient(above, below):
            return Sums(_worked_out(above, amounts), _worked_out(below, amounts))
        case _:
            assert_never(shape)


def _worked_out(terms: Terms, amounts: Mapping[Amount, Fraction]) -> Fraction:
    return sum((times * amounts[amount] for amount, times in terms.items()), Fraction(0))


def amount_in(partial: Partial, of: Of, rule: Rule, *, length_us: int) -> Fraction:
    """What *partial* adds, unrounded; 0 without events.

    Args:
        partial: the merged panes of a window.
        of: what is added up.
        rule: how a value is made of them.
        length_us: how long the window is, more than no time; only a rate depends on it.
    """
    if not isinstance(partial, Numbers) or partial.n <= 0:
        return Fraction(0)
    if of is Of.EVENTS or rule.aggregate is Aggregate.COUNT:
        return Fraction(partial.n)
    if rule.aggregate is not Aggregate.RATE:
        return Fraction(partial.total, 10**rule.scale)
    whole = partial.total if rule.has_value else partial.n
    return Fraction(whole * PER_US[rule.per], length_us * 10**rule.scale)


def left_of(whole: Partial, parts: Iterable[Partial]) -> Numbers:
    """The events of *whole* that are in none of *parts*, all of them numbers; it has no extremes."""
    numbers = [part for part in parts if isinstance(part, Numbers)]
    total = whole if isinstance(whole, Numbers) else Numbers()
    n = total.n - sum(part.n for part in numbers)
    return Numbers(n, total.total - sum(part.total for part in numbers))


def can_be_shared(shape: Shape, whole: Move) -> bool:
    """Whether there is a change to share: a quotient has one if it is one at both instants."""
    return isinstance(shape, Linear) or bool(whole.then.below and whole.now.below)


def share_of(shape: Shape, part: Move, whole: Move) -> Share:
    """What *part* did to the change of *whole*, which can be shared; over all parts it sums up to that."""
    if isinstance(shape, Linear):
        return Share(part.now.above - part.then.above)
    was, became = part.then.below / whole.then.below, part.now.below / whole.now.below
    mean = (whole.then.above / whole.then.below + whole.now.above / whole.now.below) / 2
    moved = part.now.above / whole.now.below - part.then.above / whole.then.below
    amount = moved - mean * (became - was)
    if not (part.then.below and part.now.below):
        return Share(amount, mix=amount)
    own = part.now.above / part.now.below - part.then.above / part.then.below
    return Share(amount, mix=amount - (was + became) / 2 * own)


def contributions(
    shares: Sequence[Share], change: Decimal, *, beside: Iterable[Decimal]
) -> list[Contribution]:
    """*shares* in decimals that add up to *change* exactly.

    Each is rounded half-even to the same number of places, and what that leaves of *change* is put into the
    first, where there is one; of a quotient, into its rate.

    Args:
        shares: of all parts; the one that did most comes first.
        change: of the whole.
        beside: values with no more places than the contributions have: what is a difference of such values is
            told without rounding.
    """
    largest = max((abs(share.amount) for share in shares), default=Fraction(0))
    places = max([_places_for(largest), _places(change), *map(_places, beside)])
    units = [round(share.amount * 10**places) for share in shares]
    if units:
        units[0] += _units(change, places) - sum(units)
    return [_contribution(unit, share, places) for unit, share in zip(units, shares, strict=True)]


def _contribution(units: int, share: Share, places: int) -> Contribution:
    amount = _decimal(units, places)
    if share.mix is None:
        return Contribution(amount, None, None)
    mix = round(share.mix * 10**places)
    return Contribution(amount, _decimal(mix, places), _decimal(units - mix, places))


def _places_for(number: Fraction) -> int:
    """After how many places *number* has been told to `DIGITS` digits, or to one fewer."""
    before = Decimal(number.numerator).adjusted() - Decimal(number.denominator).adjusted()
    return max(DIGITS - 1 - before, 0)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _units(value: Decimal, places: int) -> int:
    return int(Fraction(value) * 10**places)


def _decimal(units: int, places: int) -> Decimal:
    """*units* with the point moved, unrounded and without zeros at its end."""
    while places and units % 10 == 0:
        units, places = units // 10, places - 1
    sign, digits, _ = Decimal(units).as_tuple()
    return Decimal((sign, digits, -places))
