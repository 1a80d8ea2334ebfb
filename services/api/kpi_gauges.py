"""KPI values for Prometheus, of the KPIs that ask for it: totals only, from a cache of a second."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.api.catalogue_cache import CatalogueCache
from services.api.freshness import defined, fresh
from services.api.readers import Readings
from shared.domain.definitions import Catalogue
from shared.domain.errors import TryAgainError
from shared.runtime.clock import monotonic_s

log = structlog.get_logger(__name__)

_REFRESH_EVERY_S = 1.0
"""However many scrape, the table is read this often at most."""


@dataclass(frozen=True, slots=True)
class _Sample:
    labels: tuple[str, str]
    value: float


class KpiGauges(Collector):
    """kpi_value and kpi_target, as of the last refresh.

    A KPI without data has no sample: a gauge that stayed would be a stale number.
    """

    def __init__(
        self,
        *,
        readings: Readings,
        catalogue: CatalogueCache,
        clock: Callable[[], datetime],
        now_s: Callable[[], float] = monotonic_s,
    ) -> None:
        self._readings = readings
        self._catalogue = catalogue
        self._clock = clock
        self._now_s = now_s
        self._refreshed_s = float("-inf")
        self._values: tuple[_Sample, ...] = ()
        self._targets: tuple[_Sample, ...] = ()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing to check at registration."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The samples in memory; never asks the database and never blocks."""
        yield _family(
            "kpi_value", "A KPI's value over a window; its definition says what to do.", self._values
        )
        yield _family(
            "kpi_target", "What kpi_value is measured against, where there is a target.", self._targets
        )

    async def refresh(self) -> None:
        """Read the table again, if the last time is a second ago; without a database the samples go."""
        if self._now_s() - self._refreshed_s < _REFRESH_EVERY_S:
            return
        self._refreshed_s = self._now_s()
        try:
            catalogue = await self._catalogue.current()
            self._targets = tuple(_targets(catalogue))
            self._values = await self._read(catalogue)
        except TryAgainError as error:
            log.warning("kpi_gauges_failed", reason=str(error))
            self._values = ()

    async def _read(self, catalogue: Catalogue) -> tuple[_Sample, ...]:
        slugs = [slug for slug, kpi in catalogue.kpis.items() if kpi.prometheus]
        if not slugs:
            return ()
        rows = defined(catalogue, await self._readings.current(slugs=slugs, windows=None))
        totals = [row for row in rows if not row.reading.dimensions]
        renewed = await fresh(self._readings, catalogue, totals, now=self._clock())
        readings = [row.reading for row in renewed]
        return tuple(_Sample((r.slug, r.window), float(r.value)) for r in readings if r.value is not None)


def _targets(catalogue: Catalogue) -> Iterable[_Sample]:
    for slug, kpi in catalogue.kpis.items():
        if kpi.prometheus and kpi.target is not None:
            yield from (_Sample((slug, window), float(kpi.target.value)) for window in kpi.windows)


def _family(name: str, help_text: str, samples: Iterable[_Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=("kpi", "window"))
    for sample in samples:
        family.add_metric(sample.labels, sample.value)
    return family
