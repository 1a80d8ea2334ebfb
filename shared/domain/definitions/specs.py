"""The fields of a KPI, each judged on its own; what they must keep to between them stands elsewhere."""

from typing import Annotated

from pydantic import BaseModel, Field, StrictBool, StrictInt

from shared.domain.aggregates import Aggregate
from shared.domain.definitions.fields import (
    Breakdown,
    Departments,
    EventType,
    FilterText,
    FormulaText,
    Line,
    Paragraphs,
    Slug,
    ValueText,
    WindowName,
    Zone,
)
from shared.domain.definitions.parts import MODEL, Alert, Category, Target
from shared.domain.targets import Direction


class KpiSpec(BaseModel):
    """What one document of a KPI file may say."""

    model_config = MODEL

    slug: Slug
    """Names the KPI everywhere: in addresses, formulas and metrics."""

    title: Line
    """What people call it."""

    description: Paragraphs = ""
    """What it says, and how to read it."""

    category: Category
    """What it speaks about."""

    owner: Line
    """Who answers for it."""

    department: Departments = ()
    """Who shares it: one department or a list."""

    objective: Line | None = None
    """What it serves."""

    unit: Line | None = None
    """What it is counted in, such as EUR, % or flights."""

    scale: Annotated[StrictInt, Field(ge=0, le=9)] = 0
    """Decimals kept of the value of each event, rounded half-even."""

    direction: Direction = Direction.UP
    """Which way is better."""

    event_type: EventType | None = None
    """The type of the events it is made of."""

    where: FilterText | None = None
    """Which of them count; without it, all."""

    value: ValueText | None = None
    """The number taken from each; events without it are left out."""

    aggregate: Aggregate | None = None
    """How the numbers of a window become one."""

    formula: FormulaText | None = None
    """Instead of events: a number worked out of other KPIs, which are named by their slugs."""

    breakdowns: Annotated[tuple[Breakdown, ...], Field(max_length=20)] = ()
    """Lists of dimensions it is also kept by; the total always is."""

    windows: Annotated[tuple[WindowName, ...], Field(min_length=1, max_length=20)]
    """The stretches of time it is known for: 1m to 30d (s, m, h, d), and today."""

    target: Target | None = None
    """What it is measured against."""

    alerts: Annotated[tuple[Alert, ...], Field(max_length=50)] = ()
    """The rules that are judged on it."""

    zone: Zone = "UTC"
    """The IANA time zone in which its days begin."""

    prometheus: StrictBool = False
    """Whether its totals are shown to Prometheus as kpi_value."""

    @property
    def all_breakdowns(self) -> tuple[tuple[str, ...], ...]:
        """The total, then the breakdowns declared."""
        return ((), *(names for names in self.breakdowns if names))
