"""What becomes of a partition's records, by their ids alone: copies, retractions, and what these undo."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.domain.fold import Int64s
from shared.domain.seen import NOWHERE, Ids, Memory

_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Places of records by what becomes of them; whatever is in none of these is a copy.

    Attributes:
        counted: events that count, in order.
        cancelled: events that count nothing: a retraction came before them.
        overtaken: events that count nothing if they can be measured: a retraction follows in the batch.
        registered: retractions, each the first of its event.
        undoes: for each of *registered*, the place of its event among the batch; `NOWHERE` without one.
    """

    counted: Int64s
    cancelled: Int64s
    overtaken: Int64s
    registered: Int64s
    undoes: Int64s


def sorted_out(ids: Ids, retractions: Int64s, memory: Memory) -> Outcome:
    """What becomes of records with *ids*, in log order; *memory* stays as it is.

    Copies are told by the id, so are the retractions of one event: only the first does anything. An event
    whose retraction is known, from *memory* or from a place before it, does not count.

    Args:
        ids: of every record: its own, or that of the event that it retracts.
        retractions: the places of those that retract, ascending.
        memory: what came before.
    """
    if not len(retractions) and not len(memory.retracted):
        return Outcome(np.flatnonzero(memory.seen.fresh(ids)), _NONE, _NONE, _NONE, _NONE)
    is_event = np.ones(len(ids), dtype=np.bool_)
    is_event[retractions] = False
    events = np.flatnonzero(is_event)
    events = events[memory.seen.fresh(ids[events])]
    known = memory.retracted.holds(ids[events])
    registered = retractions[memory.retracted.fresh(ids[retractions])]
    return _met(ids, events[~known], events[known], registered)


def _met(ids: Ids, events: Int64s, cancelled: Int64s, registered: Int64s) -> Outcome:
    """The same with the retractions of this batch applied to *events*, those of no retraction before."""
    retracted_at = {ids[place].tobytes(): int(place) for place in registered}
    undoes = dict.fromkeys(retracted_at, NOWHERE)
    early, late = list[int](), list[int]()
    for place, key in _suspects(ids, events, registered):
        if key in retracted_at:
            (late if retracted_at[key] > place else early).append(place)
            undoes[key] = place if retracted_at[key] > place else NOWHERE
    return Outcome(
        counted=np.setdiff1d(events, [*early, *late], assume_unique=True),
        cancelled=np.sort(np.concatenate((cancelled, np.array(early, dtype=np.int64)))),
        overtaken=np.array(late, dtype=np.int64),
        registered=registered,
        undoes=np.array(list(undoes.values()), dtype=np.int64),
    )


def _suspects(ids: Ids, events: Int64s, registered: Int64s) -> Iterator[tuple[int, bytes]]:
    """Of *events*, those that share half an id with one of *registered*, with the whole of it."""
    halves: npt.NDArray[np.bool_] = np.isin(ids[events, 0], ids[registered, 0])
    for place in events[halves].tolist():
        yield place, ids[place].tobytes()
