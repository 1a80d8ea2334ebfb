"""When a KPI's value is an alert: rules, states, and the one step between states; it reads no clock.

States and words are those of Prometheus: inactive, pending, firing; the way out of firing is told as
resolved. A missing value does not breach anything in this release, so an alert without data resolves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import assert_never


class Condition(StrEnum):
    """How a value is compared with the threshold."""

    ABOVE = "above"
    BELOW = "below"
    AT_OR_ABOVE = "at_or_above"
    AT_OR_BELOW = "at_or_below"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A rule of one version of a KPI, with what the reader of a notice has to know about the KPI.

    Attributes:
        slug: the KPI.
        version: of the KPI.
        name: of the rule; unique within the KPI.
        held_for: how long the condition must hold without a break before the alert fires.
        breakdown: the dimensions whose combinations are judged one by one; empty judges the total.
    """

    slug: str
    version: int
    title: str
    unit: str | None
    owner: str | None
    department: tuple[str, ...]
    name: str
    window: str
    condition: Condition
    threshold: Decimal
    held_for: timedelta
    severity: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    breakdown: tuple[str, ...]

    def breached_by(self, value: Decimal | None) -> bool:
        """Whether *value* meets the condition; a missing one does not."""
        if value is None:
            return False
        match self.condition:
            case Condition.ABOVE:
                return value > self.threshold
            case Condition.BELOW:
                return value < self.threshold
            case Condition.AT_OR_ABOVE:
                return value >= self.threshold
            case Condition.AT_OR_BELOW:
                return value <= self.threshold
            case _:
                assert_never(self.condition)


@dataclass(frozen=True, slots=True)
class Inactive:
    """The condition does not hold, since an instant."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Pending:
    """The condition has held since an instant, and not yet for long enough."""

    since: datetime


@dataclass(frozen=True, slots=True)
class Firing:
    """The alert has fired at an instant; its condition had begun to hold at an earlier one."""

    since: datetime
    breached_at: datetime


AlertState = Inactive | Pending | Firing


class StateName(StrEnum):
    """The word for a state."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


def name_of(state: AlertState) -> StateName:
    """The word for *state*."""
    match state:
        case Inactive():
            return StateName.INACTIVE
        case Pending():
            return StateName.PENDING
        case Firing():
            return StateName.FIRING
        case _:
            assert_never(state)


def restored(name: StateName, since: datetime, breached_at: datetime | None) -> AlertState:
    """The state that was stored as its word and its instants.

    Raises:
        ValueError: a firing state was stored without the start of its breach.
    """
    match name:
        case StateName.INACTIVE:
            return Inactive(since)
        case StateName.PENDING:
            return Pending(since)
        case StateName.FIRING:
            if breached_at is None:
                raise ValueError("a firing alert has no breached_at")
            return Firing(since, breached_at)
        case _:
            assert_never(name)


def step(rule: AlertRule, state: AlertState, value: Decimal | None, now: datetime) -> AlertState:
    """The state after *value* was seen at *now*; the same object when nothing has changed."""
    breached = rule.breached_by(value)
    match state:
        case Inactive():
            return _held(rule, Pending(now), now) if breached else state
        case Pending():
            return _held(rule, state, now) if breached else Inactive(now)
        case Firing():
            return state if breached else Inactive(now)
        case _:
            assert_never(state)


def _held(rule: AlertRule, pending: Pending, now: datetime) -> Pending | Firing:
    if now - pending.since >= rule.held_for:
        return Firing(since=now, breached_at=pending.since)
    return pending
