"""How the events of a window become one number: mergeable partials, and one last step."""

from shared.domain.aggregates.ends import End, Ends
from shared.domain.aggregates.finalising import EXACT, Rule, finalise
from shared.domain.aggregates.kinds import NEEDS_NO_VALUE, PER_US, PLAIN_KINDS, Aggregate, Kind, Per, kind_of
from shared.domain.aggregates.partials import EMPTY, NO_EVENTS, Partial, may_hang_on, merged
from shared.domain.aggregates.sums import NO_HIGH, NO_LOW, Numbers, Squares
from shared.domain.sketches.distinct import Distinct
from shared.domain.sketches.quantiles import Quantiles

__all__ = [
    "EMPTY",
    "EXACT",
    "NEEDS_NO_VALUE",
    "NO_EVENTS",
    "NO_HIGH",
    "NO_LOW",
    "PER_US",
    "PLAIN_KINDS",
    "Aggregate",
    "Distinct",
    "End",
    "Ends",
    "Kind",
    "Numbers",
    "Partial",
    "Per",
    "Quantiles",
    "Rule",
    "Squares",
    "finalise",
    "kind_of",
    "may_hang_on",
    "merged",
]
