"""The fields of a KPI, each judged on its own; what they must keep to between them stands elsewhere."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, Field, StrictBool, StrictInt

from shared.domain.aggregates import Aggregate, Per
from shared.domain.definitions.calendar_parts import KpiCalendar
from shared.domain.definitions.fields import (
    Breakdown,
    CategoryName,
    Departments,
    EventType,
    FilterText,
    FormulaText,
    Line,
    Objectives,
    Paragraphs,
    Percent,
    RuleName,
    Slug,
    Tags,
    Url,
    ValueText,
    WindowName,
    Zone,
)
from shared.domain.definitions.formats import Format
from shared.domain.definitions.lifecycles import Lifecycle
from shared.domain.definitions.parts import MODEL, Alert, OpenHours
from shared.domain.definitions.target_parts import Targets
from shared.domain.gaps import Fill
from shared.domain.holidays import Holiday
from shared.domain.reckonings import Reckoning
from shared.domain.targets import Direction


class KpiSpec(BaseModel):
    """What one document of a KPI file may say."""

    model_config = MODEL

    slug: Slug
    """Names the KPI everywhere: in addresses, formulas and metrics."""

    status: Lifecycle = Lifecycle.ACTIVE
    """How far it has come: draft, active or deprecated."""

    replaced_by: Slug | None = None
    """Only with the status deprecated: the KPI to use instead."""

    certified: StrictBool = False
    """Whether somebody answers for its being right: a mark, on which nothing else depends."""

    title: Line
    """What people call it."""

    description: Paragraphs = ""
    """What it says, and how to read it."""

    glossary: Paragraphs = ""
    """How the people of the business define it, in their words."""

    category: CategoryName
    """What it speaks about: financial, operational, customer, marketing, or a word of one's own."""

    owner: Line
    """Who answers for it."""

    department: Departments = ()
    """Who shares it: one department or a list."""

    objective: Objectives = ()
    """What it serves: one objective or a list."""

    tags: Tags = ()
    """Short words by which it is found: one, or a list."""

    links: Annotated[Mapping[RuleName, Url], Field(max_length=20)] = {}
    """Where to read on, by name, such as runbook, data or dashboard: addresses with http or https."""

    unit: Line | None = None
    """What it is counted in, such as EUR, % or flights."""

    format: Format | None = None
    """How its values are shown."""

    gaps: Annotated[Fill, Field(json_schema_extra={"enum": ["zero", "carry"]})] | None = None
    """What its histories tell where there is no data, unless another rule is asked for: zero, or carry, which
    is the value before; null without it. The values themselves stay what they are."""

    scale: Annotated[StrictInt, Field(ge=0, le=9)] = 0
    """Decimals kept of the value of each event, rounded half-even."""

    direction: Direction = Direction.UP
    """Which way is better."""

    event_type: EventType | None = None
    """The type of the events it is made of."""

    where: FilterText | None = None
    """Which of them count; without it, all."""

    value: ValueText | None = None
    """What is taken from each, a number unless values are told apart; events without it are left out."""

    aggregate: Aggregate | None = None
    """How the events of a window become one number."""

    percentile: Percent | None = None
    """Which percentile, from 0 to 100; only with the aggregate percentile, and needed there."""

    per: Per | None = None
    """What a rate is told per: s, min or h; only with the aggregate rate, where s is meant without it."""

    formula: FormulaText | None = None
    """Instead of events: a number worked out of other KPIs, which are named by their slugs."""

    breakdowns: Annotated[tuple[Breakdown, ...], Field(max_length=20)] = ()
    """Lists of dimensions it is also kept by; the total always is."""

    windows: Annotated[tuple[WindowName, ...], Field(min_length=1, max_length=64)]
    """The stretches of time it is known for: lengths from 10s to 400d (s, m, h, d, w), and calendar windows
    such as today, mtd or previous_year."""

    target: Targets = ()
    """What it is measured against: one target, or a list of targets for some windows each."""

    alerts: Annotated[tuple[Alert, ...], Field(max_length=50)] = ()
    """The rules that are judged on it."""

    zone: Zone = "UTC"
    """The IANA time zone in which its days begin."""

    fiscal_year_start: Annotated[StrictInt, Field(ge=1, le=12)] = 1
    """The month with which its years begin, and by which its quarters do."""

    calendar: KpiCalendar | None = None
    """Which days make its weeks, months, quarters and years; without it weeks begin on Monday, and months are
    those of the calendar."""

    business_hours: OpenHours | None = None
    """Only events at these times of these days count; without it, all do."""

    prometheus: StrictBool = False
    """Whether its totals are shown to Prometheus as kpi_value."""

    @cached_property
    def reckoning(self) -> Reckoning:
        """Which days make its weeks, months, quarters and years."""
        if self.calendar is None:
            return Reckoning(self.fiscal_year_start)
        return self.calendar.reckoning(self.fiscal_year_start)

    @cached_property
    def holidays(self) -> tuple[Holiday, ...]:
        """Its holidays."""
        return () if self.calendar is None else self.calendar.days_off

    @property
    def all_breakdowns(self) -> tuple[tuple[str, ...], ...]:
        """The total, then the breakdowns declared."""
        return ((), *(names for names in self.breakdowns if names))
