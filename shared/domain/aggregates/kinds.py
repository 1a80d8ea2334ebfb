"""Which aggregates there are, and which partial each is made from; it knows no event."""

from enum import StrEnum


class Aggregate(StrEnum):
    """How the events of a window become one number."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    RATE = "rate"
    STDDEV = "stddev"
    PERCENTILE = "percentile"
    DISTINCT = "distinct"
    TIME_SINCE_LAST = "time_since_last"


class Kind(StrEnum):
    """Which partial the panes of a measure hold."""

    NUMBERS = "numbers"
    SQUARES = "squares"
    ENDS = "ends"
    QUANTILES = "quantiles"
    DISTINCT = "distinct"


PLAIN_KINDS = frozenset((Kind.NUMBERS, Kind.SQUARES))
"""Their partials are a few plain numbers, which the store itself can merge."""


class Per(StrEnum):
    """What a rate is told per: a second, a minute, an hour."""

    SECOND = "s"
    MINUTE = "min"
    HOUR = "h"


PER_US = {Per.SECOND: 1_000_000, Per.MINUTE: 60_000_000, Per.HOUR: 3_600_000_000}
"""How many microseconds a rate is told per."""

_KINDS = {
    Aggregate.FIRST: Kind.ENDS,
    Aggregate.LAST: Kind.ENDS,
    Aggregate.TIME_SINCE_LAST: Kind.ENDS,
    Aggregate.STDDEV: Kind.SQUARES,
    Aggregate.PERCENTILE: Kind.QUANTILES,
    Aggregate.DISTINCT: Kind.DISTINCT,
}

NEEDS_NO_VALUE = frozenset((Aggregate.COUNT, Aggregate.RATE, Aggregate.TIME_SINCE_LAST))
"""These can do with the events alone; with a value, they are of the events that have one."""


def kind_of(aggregate: Aggregate) -> Kind:
    """The partial that *aggregate* is made from."""
    return _KINDS.get(aggregate, Kind.NUMBERS)
