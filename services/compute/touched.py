"""Which series have changed since the last refresh, as the flushes tell."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.compute.batches import Addition


@dataclass(slots=True)
class Touched:
    """Series by measure; filled by the worker, emptied by the refresher."""

    _texts: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, additions: Iterable[Addition]) -> None:
        """Note the series of *additions*."""
        for addition in additions:
            self._texts[addition.measure_id].update(addition.series.values())

    def take(self) -> dict[int, set[str]]:
        """Everything noted so far; it is forgotten here."""
        taken, self._texts = self._texts, defaultdict(set)
        return taken

    def put_back(self, texts: Mapping[int, set[str]]) -> None:
        """Note again what could not be refreshed."""
        for measure_id, found in texts.items():
            self._texts[measure_id] |= found
