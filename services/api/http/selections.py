"""Which series a listing or a stream is about: one grammar for both; it knows neither the database nor HTTP.

Choices of one name are alternatives, those of several names must all fit. A dimension that is named, wanted
or not, speaks of the series that are kept by it: neither `carrier=AA` nor `not.carrier=AA` takes the total.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.domain.access.limits import EVERYTHING, Limits
from shared.domain.definitions import Kpi
from shared.domain.readings import Dimensions

Choices = tuple[tuple[str, frozenset[str | None]], ...]
"""Values by the name of a dimension, sorted by name; null stands for events without the dimension."""


@dataclass(frozen=True, slots=True)
class DimensionFilter:
    """Which combinations of dimension values are wanted.

    Attributes:
        any_of: a dimension must have one of these values.
        none_of: it must have none of these.
    """

    any_of: Choices = ()
    none_of: Choices = ()

    @property
    def names(self) -> frozenset[str]:
        """The dimensions it speaks of."""
        return frozenset(name for name, _ in (*self.any_of, *self.none_of))

    def takes(self, dimensions: Dimensions) -> bool:
        """Whether *dimensions* are wanted."""
        return (
            self.names <= dimensions.keys()
            and all(dimensions[name] in values for name, values in self.any_of)
            and not any(dimensions[name] in values for name, values in self.none_of)
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which KPIs, windows and series a caller wants; what is empty or None is all of them.

    Attributes:
        tags: the KPI has all of them.
        limits: what the caller may see of it.
        breakdown: only series kept by exactly these dimensions; none of them is the totals.
    """

    slugs: frozenset[str] = frozenset()
    windows: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    limits: Limits = EVERYTHING
    breakdown: frozenset[str] | None = None
    series: DimensionFilter = field(default_factory=DimensionFilter)

    def takes(self, kpi: Kpi, window: str, dimensions: Dimensions) -> bool:
        """Whether the series of *kpi* over *window* with *dimensions* is wanted."""
        return self.takes_kpi(kpi) and self.takes_series(kpi.slug, window, dimensions)

    def takes_kpi(self, kpi: Kpi) -> bool:
        """Whether anything of *kpi* may be wanted."""
        return (
            self.limits.shows(kpi)
            and (not self.slugs or kpi.slug in self.slugs)
            and (not self.departments or not self.departments.isdisjoint(kpi.department))
            and (not self.categories or kpi.category in self.categories)
            and self.tags <= set(kpi.tags)
        )

    def takes_series(self, slug: str, window: str, dimensions: Dimensions) -> bool:
        """Whether a series is wanted by its names alone."""
        return (
            (not self.slugs or slug in self.slugs)
            and (not self.windows or window in self.windows)
            and (self.breakdown is None or self.breakdown == dimensions.keys())
            and self.series.takes(dimensions)
        )

    def takes_gone(self, slug: str, window: str, dimensions: Dimensions) -> bool:
        """Whether a series of a KPI that is perhaps no longer known was wanted, as far as that can be said.

        A caller with limits is told only of what it has named, which it could do because it may see it.
        """
        is_known = self.limits.is_everything or slug in self.slugs
        return is_known and self.takes_series(slug, window, dimensions)

    def slugs_in(self, kpis: Mapping[str, Kpi]) -> list[str]:
        """The slugs of those of *kpis* that may be wanted, sorted."""
        return sorted(slug for slug, kpi in kpis.items() if self.takes_kpi(kpi))


def strange_names(selection: Selection, kpis: Mapping[str, Kpi]) -> frozenset[str]:
    """The dimensions that *selection* speaks of and none of *kpis* is kept by."""
    kept = {name for kpi in kpis.values() for names in kpi.all_breakdowns for name in names}
    return (selection.series.names | (selection.breakdown or frozenset())) - kept


def choices(pairs: Iterable[tuple[str, str | None]]) -> Choices:
    """The values of each name in *pairs*."""
    found: dict[str, set[str | None]] = {}
    for name, value in pairs:
        found.setdefault(name, set()).add(value)
    return tuple((name, frozenset(found[name])) for name in sorted(found))
