"""Which series have changed since the last refresh, as the flushes tell."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Touched:
    """Series by measure; filled by the worker, emptied by the refresher."""

    _texts: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    _unseen: bool = False

    def add(self, texts: Mapping[int, set[str]]) -> None:
        """Note series that were counted into, or could not be refreshed."""
        for measure_id, found in texts.items():
            self._texts[measure_id] |= found

    def take(self) -> dict[int, set[str]]:
        """Everything noted so far; it is forgotten here."""
        taken, self._texts = self._texts, defaultdict(set)
        return taken

    def add_unseen(self) -> None:
        """Note that any series may have changed: a former owner may not have lived to refresh."""
        self._unseen = True

    def take_unseen(self) -> bool:
        """Whether any series may have changed; it is forgotten here."""
        taken, self._unseen = self._unseen, False
        return taken
