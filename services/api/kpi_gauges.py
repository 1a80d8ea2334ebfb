"""KPI values for Prometheus, of the KPIs that ask for it: totals only, from a cache of a second."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import structlog

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
class Family:
    """One gauge, as the text format of Prometheus begins it."""

    name: str
    help: str

    @property
    def head(self) -> str:
        """What stands before its samples."""
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} gauge\n"


FAMILIES = (
    Family("kpi_value", "A KPI's value over a window; its definition says what to do."),
    Family("kpi_target", "What kpi_value is measured against, where there is a target."),
    Family(
        "kpi_attainment_ratio",
        "The part of kpi_target that is reached; below 1, the KPI's definition says what to do.",
    ),
    Family(
        "kpi_status",
        "1 for the status of a KPI over a window and 0 for all others; off_track needs its owner.",
    ),
)

VALUES = FAMILIES[0]
"""The only one that tells nothing of targets."""

_Blocks = tuple[str, str, str, str]
"""The samples of one KPI, as text: of each family, in order."""


class KpiGauges:
    """kpi_value, kpi_target, kpi_attainment_ratio and kpi_status, as of the last refresh.

    A KPI without data has no value: a gauge that stayed would be a stale number. Its status is no_data.

    The text is written here and not by the library: of a thousand values, 8,000 lines, that took 33 ms for
    each scrape; this takes 1, and 5 more once a second at most (measured, 2026-11-23). Slugs, windows and
    statuses have no character that would have to be escaped.
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
        self._shown: Mapping[str, _Blocks] = {}

    def text(self, visible: Collection[str] | None = None, discreet: Collection[str] = frozenset()) -> str:
        """The samples in memory, in the text format; never asks the database and never blocks.

        Args:
            visible: the KPIs that are shown; None shows all that ask for it.
            discreet: those of which nothing is told but their value.
        """
        shown = {slug: each for slug, each in self._shown.items() if visible is None or slug in visible}
        judged = [blocks for slug, blocks in shown.items() if slug not in discreet]
        return "".join(
            part
            for number, family in enumerate(FAMILIES)
            for blocks in (shown.values() if family is VALUES else judged,)
            for part in (family.head, *(each[number] for each in blocks))
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
            self._shown = {}

    async def _read(self, catalogue: Catalogue) -> Mapping[str, _Blocks]:
        slugs = [slug for slug, kpi in catalogue.kpis.items() if kpi.prometheus]
        if not slugs:
            return {}
        now = self._clock()
        rows = defined(catalogue, await self._readings.current(slugs=slugs, windows=None))
        totals = [row for row in rows if not row.reading.dimensions]
        renewed = await fresh(self._readings, catalogue, totals, now=now)
        known = {(row.reading.slug, row.reading.window): row.reading for row in renewed}
        windows = [(slug, window) for slug in slugs for window in catalogue.kpis[slug].windows]
        readings = [known.get(each) or _nothing(catalogue, *each, now=now) for each in windows]

        async def evaluate(asks: Sequence[Ask]) -> list[Reading]:
            return await self._readings.evaluate(catalogue, asks, now=now)

        meant = await judgements(catalogue, readings, evaluate=evaluate, now=now, are_current=True)
        return _blocks(readings, meant)


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


def _blocks(readings: Sequence[Reading], meant: Sequence[Judgement]) -> Mapping[str, _Blocks]:
    lines: dict[str, tuple[list[str], ...]] = {}
    for reading, judgement in zip(readings, meant, strict=True):
        values, targets, attainments, statuses = lines.setdefault(reading.slug, ([], [], [], []))
        labels = f'{{kpi="{reading.slug}",window="{reading.window}"}}'
        values += _line("kpi_value", labels, reading.value)
        targets += _line("kpi_target", labels, judgement.target)
        attainments += _line("kpi_attainment_ratio", labels, judgement.attainment)
        statuses += [
            f'kpi_status{{kpi="{reading.slug}",status="{status.value}",window="{reading.window}"}}'
            f" {float(status is judgement.status)}\n"
            for status in Status
        ]
    return {slug: ("".join(v), "".join(t), "".join(a), "".join(s)) for slug, (v, t, a, s) in lines.items()}


def _line(name: str, labels: str, number: Decimal | None) -> list[str]:
    return [] if number is None else [f"{name}{labels} {float(number)!r}\n"]
