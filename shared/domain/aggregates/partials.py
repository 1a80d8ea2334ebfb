"""The partials of all kinds as one: merging them, and what taking events away may leave open."""

from shared.domain.aggregates.ends import Ends
from shared.domain.aggregates.kinds import Kind
from shared.domain.aggregates.sums import Numbers, Squares
from shared.domain.sketches.distinct import Distinct
from shared.domain.sketches.quantiles import Quantiles

Partial = Numbers | Squares | Ends | Quantiles | Distinct
"""What a set of events comes to; `merged` is associative and commutative, `NO_EVENTS` its identity."""

NO_EVENTS: dict[Kind, Partial] = {
    Kind.NUMBERS: Numbers(),
    Kind.SQUARES: Squares(),
    Kind.ENDS: Ends(),
    Kind.QUANTILES: Quantiles(),
    Kind.DISTINCT: Distinct(),
}
"""The partial of no events, of each kind."""

EMPTY = NO_EVENTS[Kind.NUMBERS]
"""No events: whatever is asked of it, the answer is that of an empty window."""


def merged(one: Partial, other: Partial) -> Partial:
    """The partial of both sets together.

    Raises:
        TypeError: they are of different kinds.
    """
    match one, other:
        case (
            (Numbers(), Numbers())
            | (Squares(), Squares())
            | (Ends(), Ends())
            | (Quantiles(), Quantiles())
            | (Distinct(), Distinct())
        ):
            return one.merged(other)  # type: ignore[arg-type]  # the pairs above are of one class each
    raise TypeError(f"{type(one).__name__} and {type(other).__name__} do not merge")


def may_hang_on(pane: Partial, removed: Partial) -> bool:
    """Whether *pane* cannot be told without *removed* from what is kept: it has to be made from the log anew.

    Args:
        pane: all rows of the pane together; of the kind distinct, the row that is subtracted from alone,
            before the subtraction.
        removed: the events taken away, as the partial that they were added by.
    """
    if type(pane) is not type(removed):
        raise TypeError(f"a {type(removed).__name__} was never part of a {type(pane).__name__}")
    return pane.may_hang_on(removed)  # type: ignore[arg-type]  # both are of one class
