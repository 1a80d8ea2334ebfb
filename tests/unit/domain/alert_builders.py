"""Rules, readings and alerts with defaults, for tests that care about one thing in them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.domain.alert_changes import Alert
from shared.domain.alerts import AlertRule, Condition, Inactive
from shared.domain.readings import Dimensions, Reading

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def a_rule(**changes: Any) -> AlertRule:
    """A rule that fires when the total is above 10 for a minute."""
    defaults: dict[str, Any] = {
        "slug": "departures",
        "version": 1,
        "title": "Departures",
        "unit": "flights",
        "owner": "ops@example.org",
        "department": ("operations",),
        "name": "too_many",
        "window": "5m",
        "condition": Condition.ABOVE,
        "threshold": Decimal(10),
        "held_for": timedelta(minutes=1),
        "severity": "critical",
        "labels": {},
        "annotations": {},
        "breakdown": (),
    }
    return AlertRule(**{**defaults, **changes})


def a_reading(value: int | str | None, *, dimensions: Dimensions | None = None) -> Reading:
    """A reading of departures over five minutes."""
    return Reading(
        slug="departures",
        version=1,
        window="5m",
        dimensions=dimensions or {},
        value=None if value is None else Decimal(value),
        n=3,
        window_start=after(-300),
        window_end=NOON,
        as_of=NOON,
        complete=False,
        valid_until=None,
    )


def an_alert(**changes: Any) -> Alert:
    """An alert on the total that has never changed."""
    defaults: dict[str, Any] = {
        "rule": a_rule(),
        "dimensions": {},
        "state": Inactive(NOON),
        "transition": 0,
        "value": None,
        "evaluated_at": NOON,
    }
    return Alert(**{**defaults, **changes})
