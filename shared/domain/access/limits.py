"""Which KPIs a caller may see: all, or those of some departments and some by name."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import assert_never

from shared.domain.definitions import Definition, EventType, Kpi, Objective, Scorecard


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be seen. A KPI that fits either of the two is: both are lists of what is allowed.

    Attributes:
        departments: whose KPIs; None says nothing.
        kpis: slugs; None says nothing. Both None: everything is seen.
    """

    departments: frozenset[str] | None = None
    kpis: frozenset[str] | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is hidden."""
        return self.departments is None and self.kpis is None

    def includes(self, departments: Iterable[str]) -> bool:
        """Whether one of *departments* is among those that may be seen."""
        return self.is_everything or (
            self.departments is not None and not self.departments.isdisjoint(departments)
        )

    def allows(self, definition: Definition) -> bool:
        """Whether *definition* may be written: one that is seen then, and that changes nothing for others."""
        match definition:
            case Kpi():
                return self.shows(definition)
            case EventType():
                return self.is_everything
            case Objective() | Scorecard():
                return self.includes(definition.department)
            case _:
                assert_never(definition)

    def shows(self, kpi: Kpi) -> bool:
        """Whether *kpi* may be seen. One of no department is seen by whom it is named to."""
        if self.is_everything:
            return True
        by_department = self.departments is not None and not self.departments.isdisjoint(kpi.department)
        return by_department or (self.kpis is not None and kpi.slug in self.kpis)


EVERYTHING = Limits()
"""The limits of those who have none."""
