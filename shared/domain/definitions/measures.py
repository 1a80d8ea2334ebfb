"""What a KPI takes from events; equal measures share panes."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from functools import lru_cache

from shared.domain.aggregates import Kind
from shared.domain.business_hours import BusinessHours
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
        kind: which partial its panes hold.
        hours: the times of the zone's week at which events count; None takes them at any time.
    """

    event_type: str
    where: str | None
    value: str | None
    scale: int
    zone: str
    breakdown: tuple[str, ...]
    finest: Rung
    kind: Kind = Kind.NUMBERS
    hours: BusinessHours | None = None

    @property
    def fingerprint(self) -> str:
        """Equal for equal measures, whichever release computed it: SHA-256 in hexadecimal."""
        return _fingerprint(self)


@lru_cache(maxsize=16_384)
def _fingerprint(measure: Measure) -> str:
    # Fields that were added later are left out where they say nothing, so that older fingerprints stay.
    silent = {field.name for field in fields(measure) if getattr(measure, field.name) == field.default}
    told = {name: value for name, value in asdict(measure).items() if name not in silent}
    if measure.hours is not None and not measure.hours.closed:
        del told["hours"]["closed"]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
