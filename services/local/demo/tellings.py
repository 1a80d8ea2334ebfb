"""What the API tells of goals, as far as the demo reads it."""

from datetime import datetime
from decimal import Decimal

import msgspec

from services.local.demo.asking import Dimensions


class Part(msgspec.Struct, frozen=True):
    """What a series did to a change."""

    dimensions: Dimensions
    contribution: Decimal | None
    mix_effect: Decimal | None
    rate_effect: Decimal | None


class Target(msgspec.Struct, frozen=True):
    """A target as the API tells it."""

    value: Decimal | None
    warning: Decimal | None


class Standing(msgspec.Struct, frozen=True):
    """A value of the API, as far as its target goes."""

    value: Decimal | None
    n: int
    status: str
    attainment: Decimal | None
    target: Target | None


class Projection(msgspec.Struct, frozen=True):
    """Where a period will end, as the API tells it."""

    value: Decimal | None
    method: str | None
    status: str


class Pace(msgspec.Struct, frozen=True):
    """A pace of the API."""

    target: Target | None
    expected: Decimal | None
    ahead: Decimal | None
    status: str
    attainment: Decimal | None
    required_per_day: Decimal | None
    projection: Projection


class Change(msgspec.Struct, frozen=True):
    """A change of the API, told by series."""

    method: str
    change: Decimal | None
    items: list[Part]


class Card(msgspec.Struct, frozen=True):
    """A card of a scorecard of the API."""

    kpi: str
    window: str
    dimensions: Dimensions
    value: Decimal | None
    unit: str | None
    target: Target | None
    status: str
    attainment: Decimal | None
    score: Decimal | None


class Board(msgspec.Struct, frozen=True):
    """A scorecard or an objective of the API."""

    name: str
    title: str
    at: datetime
    roll_up: str
    score: Decimal | None
    status: str
    coverage: Decimal | None
    cards: list[Card]


class Explanation(msgspec.Struct, frozen=True):
    """Why a value of the API is what it is.

    Attributes:
        reconciles: whether the events of the log come to the same; None where the log was not read.
    """

    value: Decimal | None
    n: int
    arithmetic: str
    status_rule: str
    reconciles: bool | None


Told = Standing | Pace | Change | Board | Explanation
