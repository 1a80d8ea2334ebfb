"""One KPI as the engine reads it: its measures or formula, and its windows; it knows no other KPI."""

from functools import cached_property
from typing import Self

from pydantic import model_validator

from shared.domain.definitions.measures import Measure
from shared.domain.definitions.rules import check_rules
from shared.domain.definitions.specs import KpiSpec
from shared.domain.expressions import Formula, parse_filter, parse_formula, parse_value
from shared.domain.windows import Rung, Window, grain, parse_window


class Kpi(KpiSpec):
    """A KPI that keeps to all rules that can be judged without the others."""

    @model_validator(mode="after")
    def _rules(self) -> Self:
        check_rules(self)
        return self

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
        return tuple(map(parse_window, self.windows))

    @cached_property
    def finest(self) -> Rung:
        """The grain of the shortest window."""
        return min(map(grain, self.windows_parsed))

    def measures(self) -> tuple[Measure, ...]:
        """What it takes from events, one for each breakdown, the total first; a formula takes nothing."""
        return self._measures

    @cached_property
    def _measures(self) -> tuple[Measure, ...]:
        if self.event_type is None:
            return ()
        where = None if self.where is None else parse_filter(self.where).canonical
        value = None if self.value is None else parse_value(self.value).canonical
        return tuple(
            Measure(
                event_type=self.event_type,
                where=where,
                value=value,
                scale=self.scale if value is not None else 0,
                zone=self.zone,
                breakdown=breakdown,
                finest=self.finest,
            )
            for breakdown in self.all_breakdowns
        )
