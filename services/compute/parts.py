"""One partition's share of a batch while it is sorted out, and what it comes to; it measures nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from services.compute.corrections.sorting import Outcome, sorted_out
from shared.contracts.events import CleanEvent
from shared.domain.calendars import as_datetime
from shared.domain.fold import Int64s
from shared.domain.seen import NOWHERE, Ids, Memory, ids_to_bytes
from shared.messaging.records import Record
from shared.storage.retractions import Retraction


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be counted, and why."""

    partition: int
    record: Record
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of one partition's records.

    Attributes:
        applied: events, whether they count or were retracted by then, and first retractions.
        ids: 16 bytes for each event applied.
        first_us: the oldest event time that counts; None when none does.
        appended_ms: when the newest clean record was sent; 0 when there was none.
        skipped: the offsets that count nothing.
        retractions: what came to be undone.
    """

    partition: int
    to_offset: int
    consumed: int
    applied: int
    duplicate: int
    dead_lettered: int
    ids: bytes
    first_us: int | None
    last_us: int | None
    appended_ms: int
    skipped: Sequence[int] = ()
    retractions: Sequence[Retraction] = ()


@dataclass(slots=True)
class Part:
    """One partition's records while they are sorted out.

    Attributes:
        events: what each record holds; None where it is not of the clean form.
        retracting: which records retract.
        appended_ms: when the newest record of the clean form was sent; 0 when there is none.
        rows: which records are of the clean form; *outcome* holds places among them.
    """

    partition: int
    records: Sequence[Record]
    memory: Memory
    events: list[CleanEvent | None]
    retracting: list[int] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    appended_ms: int = 0
    rows: Int64s = field(init=False)
    ids: Ids = field(init=False)
    outcome: Outcome = field(init=False)

    def refuse(self, row: int, reason: str, detail: str) -> None:
        """Set a record aside."""
        self.refused.append(Refused(self.partition, self.records[row], reason, detail))

    def sort_out(self) -> None:
        """Say what becomes of the records of the clean form, by their ids."""
        retractions = np.searchsorted(self.rows, np.array(self.retracting, dtype=np.int64))
        self.outcome = sorted_out(self.ids, retractions, self.memory)

    def events_at(self, places: Int64s) -> list[CleanEvent]:
        """The events at *places*."""
        rows = self.rows[places].tolist()
        return [event for row in rows if (event := self.events[row]) is not None]

    def copies(self, places: Int64s) -> Int64s:
        """The places of all copies of the events at *places* that no retraction of the batch is before."""
        keys = {self.ids[place].tobytes() for place in places}
        retracting, found = set(self.retracting), list[int]()
        for place in np.flatnonzero(np.isin(self.ids[:, 0], self.ids[places, 0])).tolist():
            key = self.ids[place].tobytes()
            if key in keys and self.rows[place] in retracting:
                keys.remove(key)
            elif key in keys:
                found.append(place)
        return np.array(found, dtype=np.int64)

    def refuse_unfit(self, places: Int64s) -> None:
        """Refuse the events at *places*, and sort the others out as if these had never come."""
        for row in self.rows[places].tolist():
            self.refuse(
                row, "value_out_of_range", "a measured value has more digits than 64 bits hold at its scale"
            )
        self.rows, self.ids = np.delete(self.rows, places), np.delete(self.ids, places, axis=0)
        self.sort_out()

    def tally(self, times: Int64s) -> Tally:
        """What the records come to, before `remember`; *times* are those of the events that count."""
        applied = self._applied()
        taken = len(applied) + len(self.outcome.registered)
        return Tally(
            partition=self.partition,
            to_offset=self.records[-1].offset + 1,
            consumed=len(self.records),
            applied=taken,
            duplicate=len(self.records) - len(self.refused) - taken,
            dead_lettered=len(self.refused),
            ids=ids_to_bytes(self.ids[applied]),
            first_us=int(times.min()) if len(times) else None,
            last_us=int(times.max()) if len(times) else None,
            appended_ms=self.appended_ms,
            skipped=self._skipped(),
            retractions=self._retractions(),
        )

    def remember(self) -> None:
        """Note the ids, each with the offset its record has if the log is without gaps here, else less."""
        applied = self._applied()
        self.memory.seen.add(self.ids[applied], self.records[0].offset + self.rows[applied])
        if len(self.outcome.registered):
            self.memory.retracted.add(self.ids[self.outcome.registered])

    def _applied(self) -> Int64s:
        """The places of the events to be remembered, in log order."""
        found = self.outcome
        if not len(found.cancelled) and not len(found.overtaken):
            return found.counted
        return np.sort(np.concatenate((found.counted, found.cancelled, found.overtaken)))

    def _skipped(self) -> list[int]:
        """The offsets of the records that count nothing."""
        counts = np.zeros(len(self.records), dtype=np.bool_)
        counts[self.rows[self.outcome.counted]] = True
        return [self.records[row].offset for row in np.flatnonzero(~counts).tolist()]

    def _retractions(self) -> list[Retraction]:
        """What came to be undone, with the place of its event as far as earlier batches tell."""
        found = self.outcome
        if not len(found.registered):
            return []
        ids, rows = self.ids[found.registered], self.rows[found.registered].tolist()
        places = self.memory.seen.places(ids, below=self.records[0].offset).tolist()
        return [
            Retraction(
                partition=self.partition,
                key=self.records[row].key or b"",
                offset=self.records[row].offset,
                retracted_at=as_datetime(self.records[row].timestamp * 1000),
                is_settled=undoes != NOWHERE,
                lies_from=None if place == NOWHERE else place,
            )
            for row, place, undoes in zip(rows, places, found.undoes.tolist(), strict=True)
        ]
