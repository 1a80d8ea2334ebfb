"""What the oracle tells of goals, a line each."""

from decimal import Decimal

import msgspec

from services.local.demo.asking import Dimensions
from services.local.demo.tellings import Part


class ExpectedTarget(msgspec.Struct, frozen=True, tag="target", tag_field="tells"):
    """How a value stands to its target."""

    kpi: str
    window: str
    dimensions: Dimensions
    value: Decimal | None
    n: int
    target: Decimal | None
    warning: Decimal | None
    status: str
    attainment: Decimal | None


class ExpectedPace(msgspec.Struct, frozen=True, tag="pace", tag_field="tells"):
    """How a period is going."""

    kpi: str
    window: str
    target: Decimal | None
    expected: Decimal | None
    status: str
    attainment: Decimal | None
    projected: Decimal | None
    method: str | None
    projected_status: str
    required_per_day: Decimal | None


class ExpectedContribution(msgspec.Struct, frozen=True, tag="contribution", tag_field="tells"):
    """What all series of a breakdown did."""

    kpi: str
    window: str
    breakdown: list[str]
    method: str
    change: Decimal | None
    items: list[Part]


class ExpectedScore(msgspec.Struct, frozen=True, tag="score", tag_field="tells"):
    """What a scorecard or an objective comes to; *cards* are those of a scorecard."""

    family: str
    name: str
    score: Decimal | None
    coverage: Decimal | None
    cards: list[Decimal | None] | None


Goal = ExpectedTarget | ExpectedPace | ExpectedContribution | ExpectedScore
