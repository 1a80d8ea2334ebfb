"""What readings mean: each against its target; the one place where routes ask for a target or a status."""

from collections.abc import Sequence

from services.api.dependencies import ApiState
from services.api.judging import judgements
from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.domain.targets import Judgement


async def judged(state: ApiState, catalogue: Catalogue, readings: Sequence[Reading]) -> list[Judgement]:
    """How each of *readings*, of KPIs of *catalogue*, stands to its target; in their order.

    Raises:
        StoreUnavailableError: a target follows another KPI, and the database does not answer.
    """
    del state
    return judgements(catalogue, readings)
