"""Which KPIs add up over their series, and which are quotients of two that do; it reads no pane."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from shared.domain.aggregates import Aggregate
from shared.domain.definitions import Catalogue
from shared.domain.definitions.catalogues import within
from shared.domain.errors import BadInputError
from shared.domain.expressions import Formula, Operand
from shared.domain.expressions.nodes import Arithmetic, Call, Literal, Node, Path, Sign
from shared.domain.expressions.nodes import Kind as Sort
from shared.domain.expressions.reading import Reader
from shared.domain.expressions.source import Source


class IndivisibleChangeError(BadInputError):
    """The change of the KPI is not the sum of what its series did; the detail says why, and what is.

    Attributes:
        slug: of the KPI.
        reason: what stands in the way.
    """

    def __init__(self, slug: str, reason: str) -> None:
        super().__init__(
            f"a change of {slug!r} cannot be told by its series exactly: {reason}. It can for counts, sums,"
            " rates and averages, for formulas that add, subtract or scale counts, sums and rates, and for"
            " quotients of two of these"
        )
        self.slug = slug
        self.reason = reason


class Of(StrEnum):
    """What of the events of a KPI is added up."""

    VALUES = "values"
    """What the KPI tells of them: their number, their sum, or either per time; the sum under a mean."""
    EVENTS = "events"
    """How many there are, under a mean."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Something of a KPI of events that adds up over series."""

    operand: Operand
    of: Of = Of.VALUES


Terms = Mapping[Amount, Fraction]
"""A sum of amounts, each so many times; none is there 0 times."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A KPI that adds up over its series."""

    terms: Terms


@dataclass(frozen=True, slots=True)
class Quotient:
    """A KPI that is one sum of amounts divided by another."""

    above: Terms
    below: Terms


Shape = Linear | Quotient

_Form = Linear | Quotient | Fraction
"""What a part of a formula comes to; a number is the same for every series."""


def shape_of(catalogue: Catalogue, slug: str) -> Shape:
    """How the KPI *slug*, which there is, is made of what adds up.

    Raises:
        IndivisibleChangeError: it is not.
    """
    return _Shaping(catalogue, slug).shape()


@dataclass(frozen=True, slots=True)
class _Shaping:
    """The KPI *slug* on its way to a shape."""

    catalogue: Catalogue
    slug: str

    def shape(self) -> Shape:
        found = self._operand(Operand(self.slug))
        if isinstance(found, Fraction):
            raise self._refusal("it is a number that no series changes")
        return found

    def _refusal(self, reason: str) -> IndivisibleChangeError:
        return IndivisibleChangeError(self.slug, reason)

    def _operand(self, operand: Operand) -> _Form:
        if operand.is_total:
            raise self._refusal(f"{operand.text} is the same for every series, and no part of any")
        kpi = self.catalogue.kpis[operand.slug]
        if kpi.parsed_formula is not None:
            return self._form(_tree(kpi.parsed_formula), operand)
        match kpi.aggregate:
            case Aggregate.COUNT | Aggregate.SUM | Aggregate.RATE:
                return Linear({Amount(operand): Fraction(1)})
            case Aggregate.AVG:
                return Quotient({Amount(operand): Fraction(1)}, {Amount(operand, Of.EVENTS): Fraction(1)})
        raise self._refusal(
            f"{operand.slug} is a {kpi.aggregate}, which the values of its parts do not add up to"
        )

    def _form(self, node: Node, outer: Operand) -> _Form:
        match node:
            case Literal(int() | float() as number):
                return Fraction(Decimal(repr(number)))
            case Path():
                return self._operand(within(outer, Operand.of(node)))
            case Sign(op, operand):
                return _scaled(self._form(operand, outer), Fraction(-1 if op == "-" else 1))
            case Arithmetic(op, left, right):
                return self._combined(op, self._form(left, outer), self._form(right, outer))
            case Call(name):
                raise self._refusal(f"{name}() in the formula of {outer.slug} does not add up over series")
        raise self._refusal(
            f"the formula of {outer.slug} chooses between values, which does not add up over series"
        )

    def _combined(self, op: str, left: _Form, right: _Form) -> _Form:
        match op:
            case "+":
                found = _sum(left, right)
            case "-":
                found = _sum(left, _scaled(right, Fraction(-1)))
            case "*":
                found = _product(left, right)
            case "/":
                found = _quotient(left, right)
            case _:
                found = None
        if found is None:
            raise self._refusal(
                f"{_name(left)} {op} {_name(right)} is neither a sum over series nor a quotient of two"
            )
        return found


def _tree(formula: Formula) -> Node:
    source = Source(formula.canonical)
    return Reader(source, names_are_kpis=True).read_as(Sort.NUMBER, source.tree())


def _name(form: _Form) -> str:
    match form:
        case Linear():
            return "a sum"
        case Quotient():
            return "a quotient"
        case Fraction():
            return "a number"
        case _:
            assert_never(form)


def _scaled(form: _Form, factor: Fraction) -> _Form:
    match form:
        case Linear(terms):
            return Linear(_times(terms, factor))
        case Quotient(above, below):
            return Quotient(_times(above, factor), below)
        case Fraction():
            return form * factor
        case _:
            assert_never(form)


def _sum(left: _Form, right: _Form) -> _Form | None:
    match left, right:
        case Fraction(), Fraction():
            return left + right
        case Linear(), Linear():
            return Linear(_added(left.terms, right.terms))
        case (Quotient(above, below) as quotient, Fraction() as number) | (
            Fraction() as number,
            Quotient(above, below) as quotient,
        ):
            return Quotient(_added(above, _times(below, number)), quotient.below)
        case Quotient(), Quotient() if left.below == right.below:
            return Quotient(_added(left.above, right.above), left.below)
    return None


def _product(left: _Form, right: _Form) -> _Form | None:
    match left, right:
        case _, Fraction():
            return _scaled(left, right)
        case Fraction(), _:
            return _scaled(right, left)
    return None


def _quotient(left: _Form, right: _Form) -> _Form | None:
    match left, right:
        case _, Fraction() if right:
            return _scaled(left, 1 / right)
        case Linear(), Linear():
            return Quotient(left.terms, right.terms)
    return None


def _times(terms: Terms, factor: Fraction) -> Terms:
    return {amount: times * factor for amount, times in terms.items() if factor}


def _added(one: Terms, other: Terms) -> Terms:
    found = {
        amount: one.get(amount, Fraction(0)) + other.get(amount, Fraction(0)) for amount in {**one, **other}
    }
    return {amount: times for amount, times in found.items() if times}


def amounts_in(shape: Shape) -> Iterator[Amount]:
    """Every amount that *shape* is made of."""
    match shape:
        case Linear(terms):
            yield from terms
        case Quotient(above, below):
            yield from {**above, **below}
        case _:
            assert_never(shape)
