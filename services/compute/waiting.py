"""What waits to be refreshed in `kpi_current`, by KPI and breakdown; it refreshes nothing.

A row is spelled out, window by window, when its turn comes: to do so for a hundred thousand series at once
would hold up counting for a third of a second.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.contracts.series import series_values
from shared.storage.current import Place

Part = tuple[str, tuple[str, ...]]
"""A KPI's slug, and the dimensions of a breakdown in the order in which its series name their values."""

Turn = Mapping[Part, Sequence[str]]
"""Series of some parts, as the texts of their values."""


@dataclass(slots=True)
class _Queue:
    """Series in the order in which they were added; none is in it twice."""

    texts: deque[str] = field(default_factory=deque)
    known: set[str] = field(default_factory=set)

    def add(self, texts: Iterable[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        self.texts.extend(new)
        self.known.update(new)

    def taken(self, most: int) -> list[str]:
        found = [self.texts.popleft() for _ in range(min(most, len(self.texts)))]
        self.known.difference_update(found)
        return found


@dataclass(slots=True)
class Waiting:
    """Series whose rows are to be refreshed; those that came first have the first turn."""

    _queues: dict[Part, _Queue] = field(default_factory=lambda: defaultdict(_Queue))

    def __len__(self) -> int:
        """How many series wait, each once for each KPI."""
        return sum(len(queue.texts) for queue in self._queues.values())

    def add(self, turn: Mapping[Part, Iterable[str]]) -> None:
        """Let the series of *turn* wait; those that wait already keep their place."""
        for part, texts in turn.items():
            if found := list(texts):
                self._queues[part].add(found)

    def clear(self) -> None:
        """Forget everything."""
        self._queues.clear()

    def take(self, windows: Mapping[str, Sequence[str]], *, most: int, totals: bool) -> Turn:
        """The next rows, totals or the others; they wait no longer.

        Args:
            windows: those of each KPI, by slug.
            most: of rows, one for each window of a series; those of a single series may be more.
            totals: which of them.
        """
        turn: dict[Part, Sequence[str]] = {}
        for part in [part for part in self._queues if totals is (not part[1])]:
            each = len(windows[part[0]])
            room = most // each if turn else max(most // each, 1)
            if not room:
                break
            # Taken out and put back behind the others: parts take turns.
            queue = self._queues.pop(part)
            turn[part] = queue.taken(room)
            most -= each * len(turn[part])
            if queue.texts:
                self._queues[part] = queue
        return turn


def places(turn: Turn, windows: Mapping[str, Sequence[str]]) -> Iterator[Place]:
    """Every row of the series of *turn*."""
    for (slug, names), texts in turn.items():
        for text in texts:
            dimensions = tuple(sorted(zip(names, series_values(text), strict=True)))
            for window in windows[slug]:
                yield slug, window, dimensions
