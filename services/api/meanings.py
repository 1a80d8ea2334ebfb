"""What readings mean: each against its target; the one place where routes ask for a target or a status."""

from collections.abc import Sequence
from datetime import datetime

from services.api.dependencies import ApiState
from services.api.judging import judgements
from services.api.security.redactions import shown_judgement
from services.api.security.views import visible_kpis
from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.domain.targets import Judgement
from shared.storage.readings import Ask


async def judged(
    state: ApiState,
    catalogue: Catalogue,
    readings: Sequence[Reading],
    *,
    known_at: datetime | None = None,
    are_current: bool = False,
) -> list[Judgement]:
    """How each of *readings*, of KPIs of *catalogue*, stands to its target; in their order.

    A target that follows another value is read a moment later than the readings were.

    Args:
        state: what is read from.
        catalogue: the definitions.
        readings: what is judged, by the window that each stands for.
        known_at: when they were known, where that is asked; the present when left out.
        are_current: they are rows of kpi_current, whose target is that of now.

    Raises:
        StoreUnavailableError: a target follows another KPI, and the database does not answer.
        ReplayTooLargeError, LogLostError: of that one cannot be said any more what was known.
    """
    now = state.clock() if known_at is None else known_at

    async def evaluate(asks: Sequence[Ask]) -> list[Reading]:
        if known_at is None:
            return await state.readings.evaluate(catalogue, asks, now=now)
        return await state.past.readings(catalogue, asks, at=known_at)

    found = await judgements(catalogue, readings, evaluate=evaluate, now=now, are_current=are_current)
    if visible_kpis(catalogue) is catalogue.kpis:
        return found
    return [shown_judgement(judgement, catalogue) for judgement in found]
