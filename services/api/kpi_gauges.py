"""KPI values for Prometheus, of the KPIs that ask for it: totals only, from a cache of a second."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from services.api.catalogue_cache import CatalogueCache
from services.api.freshness import defined, fresh
from services.api.judging import judgements
from services.api.readers import Readings
from shared.domain.definitions import Catalogue
from shared.domain.errors import TryAgainError
from shared.domain.readings import Reading
from shared.domain.targets import Judgement, Status
from shared.runtime.clock import monotonic_s
from shared.storage.readings import Ask

log = structlog.get_logger(__name__)

_REFRESH_EVERY_S = 1.0
"""However many scrape, the table is read this often at most."""


@dataclass(frozen=True, slots=True)
class _Sample:
    labels: tuple[str, ...]
    value: float


@dataclass(frozen=True, slots=True)
class _Samples:
    """What the gauges show."""

    values: tuple[_Sample, ...] = ()
    targets: tuple[_Sample, ...] = ()
    attainments: tuple[_Sample, ...] = ()
    statuses: tuple[_Sample, ...] = ()


class KpiGauges(Collector):
    """kpi_value, kpi_target, kpi_attainment_ratio and kpi_status, as of the last refresh.

    A KPI without data has no value: a gauge that stayed would be a stale number. Its status is no_data.
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
        self._shown = _Samples()

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing to check at registration."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The samples in memory; never asks the database and never blocks."""
        shown = self._shown
        yield _family(
            "kpi_value", "A KPI's value over a window; its definition says what to do.", shown.values
        )
        yield _family(
            "kpi_target", "What kpi_value is measured against, where there is a target.", shown.targets
        )
        yield _family(
            "kpi_attainment_ratio",
            "The part of kpi_target that is reached; below 1, the KPI's definition says what to do.",
            shown.attainments,
        )
        yield _family(
            "kpi_status",
            "1 for the status of a KPI over a window and 0 for all others; off_track needs its owner.",
            shown.statuses,
            labels=("kpi", "window", "status"),
        )

    async def refresh(self) -> None:
        """Read the table again, if the last time is a second ago; without a database the samples go."""
        if self._now_s() - self._refreshed_s < _REFRESH_EVERY_S:
            return
        self._refreshed_s = self._now_s()
        try:
            catalogue = await self._catalogue.current()
            self._shown = await self._read(catalogue)
        except TryAgainError as error:
            log.warning("kpi_gauges_failed", reason=str(error))
            self._shown = _Samples()

    async def _read(self, catalogue: Catalogue) -> _Samples:
        slugs = [slug for slug, kpi in catalogue.kpis.items() if kpi.prometheus]
        if not slugs:
            return _Samples()
        now = self._clock()
        rows = defined(catalogue, await self._readings.current(slugs=slugs, windows=None))
        totals = [row for row in rows if not row.reading.dimensions]
        renewed = await fresh(self._readings, catalogue, totals, now=now)
        known = {(row.reading.slug, row.reading.window): row.reading for row in renewed}
        windows = [(slug, window) for slug in slugs for window in catalogue.kpis[slug].windows]
        readings = [known.get(each) or _nothing(catalogue, *each, now=now) for each in windows]

        async def evaluate(asks: Sequence[Ask]) -> list[Reading]:
            return await self._readings.evaluate(catalogue, asks, now=now)

        return _samples(
            readings,
            await judgements(catalogue, readings, evaluate=evaluate, now=now, are_current=True),
        )


def _nothing(catalogue: Catalogue, slug: str, window: str, *, now: datetime) -> Reading:
    """What is known of a window that no event has come for."""
    return Reading(
        slug=slug,
        version=catalogue.versions[slug],
        window=window,
        dimensions={},
        value=None,
        n=0,
        window_start=now,
        window_end=now,
        as_of=now,
        complete=False,
        valid_until=None,
    )


def _samples(readings: Sequence[Reading], meant: Sequence[Judgement]) -> _Samples:
    labels = [(reading.slug, reading.window) for reading in readings]
    return _Samples(
        values=_known(labels, [reading.value for reading in readings]),
        targets=_known(labels, [each.target for each in meant]),
        attainments=_known(labels, [each.attainment for each in meant]),
        statuses=tuple(
            _Sample((*label, status.value), float(status is each.status))
            for label, each in zip(labels, meant, strict=True)
            for status in Status
        ),
    )


def _known(labels: Sequence[tuple[str, str]], numbers: Sequence[Decimal | None]) -> tuple[_Sample, ...]:
    pairs = zip(labels, numbers, strict=True)
    return tuple(_Sample(label, float(number)) for label, number in pairs if number is not None)


def _family(
    name: str, help_text: str, samples: Iterable[_Sample], *, labels: Sequence[str] = ("kpi", "window")
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, help_text, labels=labels)
    for sample in samples:
        family.add_metric(sample.labels, sample.value)
    return family
