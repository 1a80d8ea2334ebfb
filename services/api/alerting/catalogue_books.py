"""The rules in force and the values they judge, out of the catalogue; it judges nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.alerts import AlertRule
from shared.domain.definitions import Alert as Declared
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.readings import Reading
from shared.storage.definitions import catalogue_revision, load_catalogue
from shared.storage.readings import values_by_series


@dataclass(frozen=True, slots=True)
class CatalogueBook:
    """The rules of one revision of the catalogue."""

    catalogue: Catalogue
    rules: tuple[AlertRule, ...]

    async def readings(self, conn: AsyncConnection, rule: AlertRule, *, now: datetime) -> Sequence[Reading]:
        """The value at *now* that *rule* judges, or one for each combination of its breakdown."""
        return await values_by_series(
            conn, self.catalogue, rule.slug, rule.window, breakdown=rule.breakdown, at=now, now=now
        )


class CatalogueBooks:
    """Rule books from the catalogue, read anew when its revision has moved."""

    def __init__(self) -> None:
        self._book: CatalogueBook | None = None

    async def current(self, conn: AsyncConnection) -> CatalogueBook:
        """The book of the snapshot that *conn* sees."""
        revision = await catalogue_revision(conn)
        if self._book is None or self._book.catalogue.revision != revision:
            catalogue = await load_catalogue(conn)
            self._book = CatalogueBook(catalogue, rules_of(catalogue))
        return self._book


def rules_of(catalogue: Catalogue) -> tuple[AlertRule, ...]:
    """Every rule of every KPI in *catalogue*."""
    return tuple(
        _rule(kpi, catalogue.versions[slug], declared)
        for slug, kpi in catalogue.kpis.items()
        for declared in kpi.alerts
    )


def _rule(kpi: Kpi, version: int, declared: Declared) -> AlertRule:
    return AlertRule(
        slug=kpi.slug,
        version=version,
        title=kpi.title,
        unit=kpi.unit,
        owner=kpi.owner,
        department=kpi.department,
        name=declared.name,
        window=declared.window,
        condition=declared.condition,
        threshold=declared.threshold,
        held_for=declared.held_for,
        severity=declared.severity.value,
        labels=declared.labels,
        annotations=declared.annotations,
        breakdown=declared.breakdown,
    )
