"""The series with the largest values and all others as one; it reads no pane."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Generic, TypeVar

from shared.domain.aggregates import merged
from shared.domain.readings import NOTHING, Answer

OTHER = "__other__"
"""What stands for the dimension values of all series that are not among the first."""

Series = TypeVar("Series")


@dataclass(frozen=True, slots=True)
class Ranked(Generic[Series]):
    """Series by their values.

    Attributes:
        first: those with the largest values, largest first; of equal ones, by the text of their dimensions.
        rest: all others, in the same order.
    """

    first: tuple[Series, ...]
    rest: tuple[Series, ...]


def ranked(values: Mapping[Series, Decimal | None], most: int) -> Ranked[Series]:
    """The *most* series with the largest values, and the others; a series without a value comes last.

    Args:
        values: by series; the text of a series is that of its dimensions.
        most: how many are wanted, from 1.
    """
    ordered = sorted(values, key=lambda series: (*_place(values[series]), str(series)))
    return Ranked(tuple(ordered[:most]), tuple(ordered[most:]))


def _place(value: Decimal | None) -> tuple[bool, Decimal]:
    # Decimals negate exactly only by copying: the minus sign would round to the context's digits.
    return (True, Decimal(0)) if value is None else (False, value.copy_negate())


def together(answers: Iterable[Answer]) -> Answer:
    """What the panes of several series of one measure say to the same question, as if they were one."""
    return reduce(_together, answers, NOTHING)


def _together(one: Answer, other: Answer) -> Answer:
    if one is NOTHING:
        return other
    if not other.partial.n:
        partial = one.partial
    else:
        partial = merged(one.partial, other.partial) if one.partial.n else other.partial
    return Answer(partial, _earlier(one.first_us, other.first_us), _earlier(one.ahead_us, other.ahead_us))


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((at for at in (one, other) if at is not None), default=None)
