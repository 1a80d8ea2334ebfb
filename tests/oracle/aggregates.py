"""What each aggregate is, worked out from the list of all its events; slow, and exact where that can be."""

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import isqrt
from typing import Any

from tests.oracle.answers import Value, to_significant
from tests.oracle.definitions import Definition
from tests.oracle.expressions import Scope, UndefinedError, evaluated

MICROSECOND = timedelta(microseconds=1)

PER = {"s": 1, "min": 60, "h": 3600}
"""How many seconds a rate is told per."""

COUNTED = 1024
"""So many different values are counted, more are estimated."""

ESTIMATED_WITHIN = Fraction(25, 1000)
"""Three standard errors of an estimate."""

EXACT = frozenset(("count", "sum", "min", "max", "first", "last", "distinct", "time_since_last"))
"""These come out to the last digit; the others have no end and are compared to twelve digits."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a KPI takes from an event.

    Attributes:
        key: what orders events of one instant: 16 bytes, BLAKE2b-128 of the source, NUL and the id.
        number: the value times ten to the scale, rounded half-even; 0 where there is none.
        word: what the value is told apart by from others; only for distinct.
    """

    time: datetime
    key: bytes
    number: int
    word: object = None


def key_of(source: str, name: str) -> bytes:
    """The key of the event *name* of *source*."""
    return hashlib.blake2b(f"{source}\0{name}".encode(), digest_size=16).digest()


def word_of(text: str, scope: Scope) -> object:
    """What the value *text* of an event is told apart by; None where it is nothing that can be told apart."""
    try:
        value: Any = evaluated(text, scope)
    except UndefinedError:
        return None
    return word_for(value)


def word_for(value: object) -> object:
    """What *value* is told apart by; None where it is nothing that can be told apart."""
    if isinstance(value, bool):
        return ("truth", value)
    if isinstance(value, str):
        return ("text", unicodedata.normalize("NFC", value))
    return ("number", Fraction(value)) if isinstance(value, int | Fraction) else None


def aggregated(kpi: Definition, taken: list[Taken], *, at: datetime, over: timedelta) -> Fraction | None:
    """The value of *taken*; roots to 40 digits, everything else exactly.

    Args:
        kpi: says what is asked.
        taken: the events of the window.
        at: the instant asked about.
        over: how long the window is that a rate divides by.
    """
    total = Fraction(sum(one.number for one in taken), 10**kpi.scale)
    match kpi.aggregate:
        case "count":
            return Fraction(len(taken))
        case "sum":
            return total
        case "distinct":
            return Fraction(len({one.word for one in taken}))
        case "rate":
            whole = Fraction(len(taken)) if kpi.value is None else total
            return whole * PER[kpi.per] * 10**6 / (over // MICROSECOND) if over else None
        case _:
            return _of_some(kpi, taken, at) if taken else None


def _of_some(kpi: Definition, taken: list[Taken], at: datetime) -> Fraction | None:
    """The aggregates that there is no value of without events."""
    ends = sorted(taken, key=lambda one: (one.time, one.key, one.number))
    if kpi.aggregate == "time_since_last":
        return max(Fraction((at - ends[-1].time) // MICROSECOND, 10**6), Fraction(0))
    return _of_numbers(kpi, [one.number for one in taken], ends)


def _of_numbers(kpi: Definition, numbers: list[int], ends: list[Taken]) -> Fraction | None:
    """The aggregates whose value is one of the scaled numbers, or made of them alone."""
    scaled: Fraction | int | None
    match kpi.aggregate:
        case "avg":
            scaled = Fraction(sum(numbers), len(numbers))
        case "min":
            scaled = min(numbers)
        case "max":
            scaled = max(numbers)
        case "first":
            scaled = ends[0].number
        case "last":
            scaled = ends[-1].number
        case "stddev":
            scaled = _deviation(numbers)
        case _:
            scaled = _percentile(numbers, kpi.percentile)
    return None if scaled is None else Fraction(scaled) / 10**kpi.scale


def _deviation(numbers: list[int]) -> Fraction | None:
    """The standard deviation of a sample, to 40 digits after the point; None of fewer than two."""
    if len(numbers) < 2:
        return None
    mean = Fraction(sum(numbers), len(numbers))
    variance = sum(((number - mean) ** 2 for number in numbers), Fraction(0)) / (len(numbers) - 1)
    return Fraction(isqrt(variance.numerator * 10**80 // variance.denominator), 10**40)


def _percentile(numbers: list[int], percent: Fraction) -> Fraction:
    """What stands for the bucket of the lowest value that more than percent/100 * (n - 1) values reach."""
    ordered = sorted(numbers)
    exact = next(n for place, n in enumerate(ordered, 1) if place > percent / 100 * (len(ordered) - 1))
    if exact == 0:
        return Fraction(0)
    smallest, largest = bucket(abs(exact))
    found = Fraction(2 * smallest * largest, smallest + largest) * (1 if exact > 0 else -1)
    assert abs(found - exact) <= Fraction(abs(exact), 100)
    return found


def bucket(number: int) -> tuple[int, int]:
    """The smallest and the largest integer above one power of 101/99 and at most the next, as *number* is."""
    above, below = 1, 1
    while number * below > above:
        above, below = above * 101, below * 99
    largest = min(above // below, 2**63 - 1)
    return (1 if above == below else above * 99 // (below * 101) + 1), largest


def shown(kpi: Definition, exact: Fraction | None, n: int, interval: tuple[datetime, datetime]) -> Value:
    """The value *exact* of *n* events as it is compared with somebody else's."""
    start, end = interval
    if exact is None or kpi.aggregate not in EXACT:
        value = None if exact is None else to_significant(exact)
        return Value(value, n, start, end, is_exact=False)
    digits = 6 if kpi.aggregate == "time_since_last" else kpi.scale
    within = ESTIMATED_WITHIN if kpi.aggregate == "distinct" and exact > COUNTED else Fraction(0)
    value = Decimal(round(exact * 10**digits)).scaleb(-digits)
    return Value(value, n, start, end, is_exact=True, within=within)
