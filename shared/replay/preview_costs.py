"""What keeping a draft would cost, at the rate at which its events came lately; it changes nothing."""

from collections.abc import Iterable

from shared.domain.calendars import instant_us
from shared.domain.definitions import Catalogue, Measure
from shared.domain.previews import MeasureCost, pane_rate
from shared.replay.previews import Preview


def new_measures(before: Catalogue, after: Catalogue, slugs: Iterable[str]) -> set[int]:
    """The numbers of what the KPIs *slugs* of *after* count and nothing of *before* does."""
    known = {measure.fingerprint for kpi in before.kpis.values() for measure in kpi.measures()}
    return {
        after.measure_ids[measure.fingerprint]
        for slug in slugs
        for measure in after.kpis[slug].measures()
        if measure.fingerprint not in known
    }


def costs(preview: Preview, before: Catalogue, after: Catalogue, slug: str) -> list[MeasureCost]:
    """What each breakdown of the KPI *slug* of *after* costs beside *before*, the total first.

    The panes of measures that are new have to have been counted; those of others cost nothing.
    """
    return [_cost(preview, before, after, slug, measure) for measure in after.kpis[slug].measures()]


def _cost(preview: Preview, before: Catalogue, after: Catalogue, slug: str, measure: Measure) -> MeasureCost:
    number = after.measure_ids[measure.fingerprint]
    part, series = preview.look.part, len(preview.sheet.series(number))
    over_us = max(instant_us(min(part.end, preview.look.now)) - instant_us(part.start), 1)
    shared = _sharing(before, slug, measure)
    rates = [] if shared else [
        pane_rate(rung, met=met, series=series, over_us=over_us) for rung, met in preview.sheet.panes(number)
    ]  # fmt: skip
    return MeasureCost(measure.breakdown, measure.kind, series, shared, tuple(rates))


def _sharing(before: Catalogue, slug: str, measure: Measure) -> tuple[str, ...]:
    """The KPIs in force that count *measure*, *slug* itself being the last that is named."""
    found = sorted(
        (name for name, kpi in before.kpis.items() if measure in kpi.measures()),
        key=lambda name: (name == slug, name),
    )
    return tuple(found)
