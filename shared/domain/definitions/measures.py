"""What a KPI takes from events; equal measures share panes."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache

from shared.domain.windows import Rung


@dataclass(frozen=True, slots=True)
class Measure:
    """What is counted, of which events, by which dimensions, and how finely in time.

    Attributes:
        where: the filter in normal form; None takes every event of the type.
        value: the value in normal form; None only counts.
        scale: decimals kept of the value; 0 where there is none.
        zone: where the days of the day rung begin.
        breakdown: the dimensions, as declared; empty is the total.
        finest: the finest rung that is written.
    """

    event_type: str
    where: str | None
    value: str | None
    scale: int
    zone: str
    breakdown: tuple[str, ...]
    finest: Rung

    @property
    def fingerprint(self) -> str:
        """Equal for equal measures, whichever release computed it: SHA-256 in hexadecimal."""
        return _fingerprint(self)


@lru_cache(maxsize=16_384)
def _fingerprint(measure: Measure) -> str:
    text = json.dumps(asdict(measure), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
