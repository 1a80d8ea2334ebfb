"""What a draft would cost to keep, and what is worth a warning about it; it reads no log and no table."""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.domain.aggregates import Kind
from shared.domain.windows import LENGTH_US, RETENTION_US, Rung

ROW_BYTES = 275
"""Of one pane on disk with its index: measured, docs/scaling.md."""

SKETCH_BYTES = 500
"""Of the sketch in a pane of a percentile or a distinct count: it has 50 to 1,000, docs/scaling.md."""

SERIES_OF_MEASURE = 10_000
"""From here on new series of a breakdown share one, unless compute is told otherwise."""

_DAY_US = LENGTH_US[Rung.D1]


@dataclass(frozen=True, slots=True)
class PaneRate:
    """The panes of one rung that a measure writes.

    Attributes:
        met: panes with events in the part of the log that was read.
        per_day: as many a day at that rate, and no more than there is time for.
        kept_days: for so long they are read, and kept about an hour longer.
    """

    rung: Rung
    met: int
    per_day: int
    kept_days: float

    @property
    def kept(self) -> int:
        """Panes that are there when a day of that rate has become the rule."""
        return round(self.per_day * self.kept_days)


@dataclass(frozen=True, slots=True)
class MeasureCost:
    """What one breakdown of a KPI costs to keep.

    Attributes:
        breakdown: its dimensions; empty is the total.
        series: combinations of their values in the part of the log that was read.
        shared_with: KPIs in force that count the same: it costs nothing then.
        panes: by rung, the finest first.
    """

    breakdown: tuple[str, ...]
    kind: Kind
    series: int
    shared_with: tuple[str, ...]
    panes: tuple[PaneRate, ...]

    @property
    def rows_per_day(self) -> int:
        """Rows written a day, one for each pane, by one compute process; none if they are there already."""
        return 0 if self.shared_with else sum(rate.per_day for rate in self.panes)

    @property
    def rows_kept(self) -> int:
        """Rows there are in the long run."""
        return 0 if self.shared_with else sum(rate.kept for rate in self.panes)

    @property
    def bytes_kept(self) -> int:
        """Bytes of these rows on disk, estimated by the size of a row."""
        return self.rows_kept * row_bytes(self.kind)


def row_bytes(kind: Kind) -> int:
    """About how many bytes a pane of *kind* takes on disk."""
    return ROW_BYTES + (SKETCH_BYTES if kind in (Kind.QUANTILES, Kind.DISTINCT) else 0)


def pane_rate(rung: Rung, *, met: int, series: int, over_us: int) -> PaneRate:
    """The rate of *met* panes of *rung* among *series*, seen over a stretch of event time.

    Args:
        rung: how long a pane is.
        met: panes with events.
        series: that have them; each has one pane of the rung at a time.
        over_us: how long the stretch is, in microseconds; more than 0.
    """
    room = series * -(-_DAY_US // LENGTH_US[rung])
    per_day = min(-(-met * _DAY_US // over_us), room)
    return PaneRate(rung, met, per_day, RETENTION_US[rung] / _DAY_US)


class WarningCode(StrEnum):
    """What may be wrong with a draft that keeps every rule."""

    NO_EVENTS = "no_events"
    """No event of its type was read."""

    FILTER_MATCHES_NOTHING = "filter_matches_nothing"
    FILTER_FAILS = "filter_fails"
    """The filter has no answer for some events, which therefore do not count."""

    VALUE_MISSING = "value_missing"
    VALUE_NOT_A_NUMBER = "value_not_a_number"
    VALUE_OUT_OF_RANGE = "value_out_of_range"
    """Such an event goes to the dead letters, and no KPI counts it."""

    UNKNOWN_FIELD = "unknown_field"
    """No event of its type has the field."""

    DIMENSION_MISSING = "dimension_missing"
    MANY_SERIES = "many_series"
    SKETCH = "sketch"
    """Its panes hold sketches, which take more room and time than sums."""

    NO_TARGET = "no_target"
    NO_VALUE = "no_value"
    """It has no value at any instant."""

    WINDOW_NOT_COVERED = "window_not_covered"
    """A window reaches further back than what was read."""

    LOG_TOO_SHORT = "log_too_short"
    """The log no longer holds all that was asked for."""

    CUT_OFF = "cut_off"
    """More records lie in the stretch than were to be read."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One warning.

    Attributes:
        slug: the KPI it is about: the draft, or one that it is made of.
        field: of the definition; None where no single one is meant.
        message: a sentence for people.
    """

    code: WarningCode
    slug: str
    field: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the events of one type for a KPI that counts them; the parts make up *events*.

    Attributes:
        events: of its type, in the part of the log that was read.
        filtered: the filter says no.
        filter_failed: the filter has no answer: a field is missing, or of another type.
        outside_hours: at a time that is not one of business.
        value_missing: a field of the value is missing or null.
        value_not_a_number: the value cannot be worked out, or is none that can be measured.
        value_out_of_range: more digits than 64 bits hold at its scale.
        counted: the rest.
    """

    events: int = 0
    filtered: int = 0
    filter_failed: int = 0
    outside_hours: int = 0
    value_missing: int = 0
    value_not_a_number: int = 0
    value_out_of_range: int = 0
    counted: int = 0

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class FieldSeen:
    """How often a field that a KPI reads is there.

    Attributes:
        field: as an expression writes it.
        roles: what it is needed for.
        found: events of the type that have it, null being none.
    """

    field: str
    roles: tuple[str, ...]
    found: int


def share(part: int, whole: int) -> str:
    """*part* of *whole* in words for people, never rounded to nothing or to all of it."""
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "less than 0.1 %"
    if 99.9 < percent < 100:
        return "more than 99.9 %"
    return f"{percent:.1f} %".replace(".0 %", " %")


def suggestion(name: str, known: Collection[str] | Mapping[str, object]) -> str:
    """A question that names what of *known* is meant by *name*; empty where nothing is like it."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
