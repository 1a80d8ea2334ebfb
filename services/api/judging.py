"""Readings against their targets, for who has no request; routes ask `services.api.meanings`."""

from collections.abc import Sequence

from shared.domain.definitions import Catalogue, Kpi
from shared.domain.readings import Reading
from shared.domain.targets import Aim, Judgement, judge


def judgements(catalogue: Catalogue, readings: Sequence[Reading]) -> list[Judgement]:
    """How each of *readings*, of KPIs of *catalogue*, stands to its target; in their order."""
    return [_judgement(catalogue.kpis[reading.slug], reading) for reading in readings]


def _judgement(kpi: Kpi, reading: Reading) -> Judgement:
    target = kpi.target
    aim = None if target is None else Aim(target.value, target.warning, target.tolerance)
    return judge(reading.value, aim, direction=kpi.direction)
