"""Rows of kpi_current as answers: what came due since it was written is recomputed; blind to transport."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from services.api.readers import Readings
from shared.domain.definitions import Catalogue
from shared.domain.readings import Reading
from shared.storage.current import CurrentReading
from shared.storage.readings import Ask


def defined(catalogue: Catalogue, rows: Iterable[CurrentReading]) -> list[CurrentReading]:
    """Those of *rows* that the catalogue still has a KPI, a window and a breakdown for."""
    return [row for row in rows if _is_defined(catalogue, row.reading)]


def _is_defined(catalogue: Catalogue, reading: Reading) -> bool:
    kpi = catalogue.kpis.get(reading.slug)
    if kpi is None or reading.window not in kpi.windows:
        return False
    return any(set(names) == set(reading.dimensions) for names in kpi.all_breakdowns)


async def fresh(
    readings: Readings, catalogue: Catalogue, rows: Sequence[CurrentReading], *, now: datetime
) -> list[CurrentReading]:
    """*rows* in their order, those whose time has come recomputed from their panes.

    Compute refreshes a row soon after it came due; when compute is late or gone, this is what keeps a
    reader from a number older than it says.
    """
    due = [place for place, row in enumerate(rows) if _is_due(row.reading, now)]
    if not due:
        return list(rows)
    renewed = await readings.evaluate(catalogue, [_ask(rows[place].reading, now) for place in due], now=now)
    answers = list(rows)
    for place, reading in zip(due, renewed, strict=True):
        answers[place] = replace(rows[place], reading=reading)
    return answers


def _is_due(reading: Reading, now: datetime) -> bool:
    return reading.valid_until is not None and reading.valid_until < now


def _ask(reading: Reading, now: datetime) -> Ask:
    return Ask(reading.slug, reading.window, tuple(sorted(reading.dimensions.items())), now)
