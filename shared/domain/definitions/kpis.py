"""One KPI as the engine reads it: its measures or formula, and its windows; it knows no other KPI."""

from decimal import Decimal
from functools import cached_property
from typing import Self

from pydantic import model_validator

from shared.domain.aggregates import Aggregate, Per, Rule, kind_of
from shared.domain.business_hours import BusinessHours
from shared.domain.definitions.lifecycles import Lifecycle
from shared.domain.definitions.measures import Measure
from shared.domain.definitions.rules import check_rules
from shared.domain.definitions.specs import KpiSpec
from shared.domain.expressions import Formula, parse_filter, parse_formula, parse_scalar
from shared.domain.targets import Goals
from shared.domain.windows import Rung, Window, grain, parse_window


class Kpi(KpiSpec):
    """A KPI that keeps to all rules that can be judged without the others."""

    @model_validator(mode="after")
    def _rules(self) -> Self:
        check_rules(self)
        return self

    @property
    def is_draft(self) -> bool:
        """Whether it is not in force yet: nothing is counted for it, and nothing may be made of it."""
        return self.status is Lifecycle.DRAFT

    @property
    def is_formula(self) -> bool:
        """Whether it is worked out of other KPIs."""
        return self.formula is not None

    @cached_property
    def parsed_formula(self) -> Formula | None:
        """The formula, ready to evaluate."""
        return None if self.formula is None else parse_formula(self.formula)

    @cached_property
    def windows_parsed(self) -> tuple[Window, ...]:
        """The windows, in the order declared."""
        return tuple(parse_window(name, reckoning=self.reckoning) for name in self.windows)

    def window_of(self, name: str) -> Window:
        """The window that is called *name*: one of its own, or one that its history by periods is asked for.

        Raises:
            ValueError: there is no such window.
        """
        if name in self.windows:
            return self.windows_parsed[self.windows.index(name)]
        return parse_window(name, reckoning=self.reckoning)

    @cached_property
    def hours(self) -> BusinessHours | None:
        """The business hours in which its events count."""
        if self.business_hours is None:
            return None
        return self.business_hours.hours(each.day for each in self.holidays)

    @cached_property
    def goals(self) -> tuple[Goals, ...]:
        """What it is measured against."""
        return tuple(target.goals(self.reckoning) for target in self.target)

    @cached_property
    def finest(self) -> Rung:
        """The grain of the shortest window."""
        return min(map(grain, self.windows_parsed))

    @cached_property
    def rule(self) -> Rule:
        """How a number is made of the events; a formula has none."""
        if self.aggregate is None:
            raise AssertionError(f"{self.slug} is not made of events")
        return Rule(
            self.aggregate,
            scale=self.scale,
            per=self.per or Per.SECOND,
            has_value=self.value is not None,
            percentile=Decimal(0) if self.percentile is None else self.percentile,
        )

    def measures(self) -> tuple[Measure, ...]:
        """What it takes from events, one for each breakdown, the total first; a formula takes nothing."""
        return self._measures

    @cached_property
    def _measures(self) -> tuple[Measure, ...]:
        if self.event_type is None:
            return ()
        where = None if self.where is None else parse_filter(self.where).canonical
        value = None if self.value is None else parse_scalar(self.value).canonical
        return tuple(
            Measure(
                event_type=self.event_type,
                where=where,
                value=value,
                scale=self.scale if value is not None else 0,
                zone=self.zone,
                breakdown=breakdown,
                finest=self.finest,
                kind=kind_of(self.aggregate or Aggregate.COUNT),
                hours=self.hours,
            )
            for breakdown in self.all_breakdowns
        )
