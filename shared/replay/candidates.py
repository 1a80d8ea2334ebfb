"""The events of a batch that may be part of one value, and what is taken of them; it counts nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.contracts.events import CleanEvent, clean_key, times_us
from shared.counting.measuring import Measured
from shared.domain.aggregates import Aggregate
from shared.domain.fold import Int64s
from shared.messaging.records import Record
from shared.replay.decoding import decoded
from shared.replay.known_readings import series_behind
from shared.replay.wanted import Wanted

Bools = npt.NDArray[np.bool_]

Order = tuple[int, int, int]
"""Event time in microseconds, partition and offset: the order in which events are listed, newest first."""


@dataclass(frozen=True, slots=True)
class Target:
    """The events that are looked for.

    Attributes:
        dimensions: the text of the series.
        known: the series of the measure, where its overflow is meant.
        aggregate: of the KPI; which of the events decides its value depends on it.
        late_ms: what reached the log then or later came late, in milliseconds.
    """

    wanted: Wanted
    dimensions: str
    known: frozenset[str] | None
    start_us: int
    end_us: int
    aggregate: Aggregate
    late_ms: int


@dataclass(frozen=True, slots=True)
class Taken:
    """An event that is part of a value, or would be.

    Attributes:
        arrived_ms: when it reached the clean topic.
        scaled: the value taken, as it is added up; a hash where values are told apart.
        series: its dimension values, as a text.
    """

    event: CleanEvent
    time_us: int
    partition: int
    offset: int
    arrived_ms: int
    scaled: int
    series: str

    @property
    def order(self) -> Order:
        """Its place among others."""
        return self.time_us, self.partition, self.offset

    @property
    def key(self) -> bytes:
        """The 16 bytes that identify it."""
        return clean_key(self.event)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The events of a batch that are of the type and time, whatever becomes of them; one element each."""

    partition: int
    events: Sequence[CleanEvent]
    times: Int64s
    offsets: Int64s
    arrived_ms: Int64s
    is_silent: Bools

    @classmethod
    def of(
        cls, target: Target, partition: int, records: Sequence[Record], silent: frozenset[int]
    ) -> "Candidates":
        """Those of *records* of *partition*; what lies at *silent* offsets counts nothing."""
        records, events = decoded(records)
        times = times_us([event.time for event in events])
        within = (times >= target.start_us) & (times < target.end_us)
        event_type = target.wanted.measure.event_type
        places = [place for place in np.flatnonzero(within).tolist() if events[place].type == event_type]
        offsets = [records[place].offset for place in places]
        return cls(
            partition,
            [events[place] for place in places],
            times[places],
            np.array(offsets, dtype=np.int64),
            np.array([records[place].timestamp for place in places], dtype=np.int64),
            np.array([offset in silent for offset in offsets], dtype=np.bool_),
        )

    def are_after_start(self, wanted: Wanted) -> Bools:
        """Whether the KPI was counted already where each record lies."""
        first = wanted.beginnings.get(self.partition)
        if first is None:
            return np.zeros(len(self.offsets), dtype=np.bool_)
        found: Bools = self.offsets >= first
        return found

    def taken(self, own: "Chosen", row: int) -> Taken:
        """The event that a row of the measure was made of."""
        place, rows = int(own.places[row]), own.measured.rows
        return Taken(
            event=self.events[place],
            time_us=int(self.times[place]),
            partition=self.partition,
            offset=int(self.offsets[place]),
            arrived_ms=int(self.arrived_ms[place]),
            scaled=int(rows.value[row]),
            series=own.measured.series[int(rows.group[row])],
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the measure itself takes from a part, and which of it belongs to the series."""

    measured: Measured
    is_own: Bools

    @classmethod
    def of(cls, target: Target, measured: Measured) -> "Chosen":
        """What was *measured*, sorted by series."""
        names = series_behind(target.dimensions, set(measured.series.values()), target.known)
        groups = [group for group, text in measured.series.items() if text in names]
        return cls(measured, np.isin(measured.rows.group, np.array(groups, dtype=np.int64)))

    @property
    def places(self) -> Int64s:
        """Which event of the part each row is."""
        return self.measured.places
