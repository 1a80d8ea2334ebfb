"""Alerts as the API tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from services.api.schemas.values import Number
from shared.domain.alert_changes import Alert
from shared.domain.alerts import Condition, Firing, StateName


@dataclass(frozen=True, slots=True)
class AlertBody:
    """Where one rule stands for one combination of dimension values."""

    alert_id: Annotated[str, Field(description="The same for every occurrence of this alert")]
    kpi: str
    version: int
    rule: Annotated[str, Field(description="The rule's name, unique within the KPI")]
    severity: str
    state: StateName
    since: Annotated[datetime, Field(description="When it came into this state")]
    breached_at: Annotated[
        datetime | None, Field(description="Firing only: when the condition began to hold")
    ]
    transition: Annotated[int, Field(description="The number of the last change of state")]
    window: str
    dimensions: Mapping[str, str | None]
    condition: Condition
    threshold: Number
    for_s: Annotated[int, Field(description="Seconds the condition has to hold before the alert fires")]
    value: Annotated[Number | None, Field(description="What was seen last")]
    unit: str | None
    owner: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    evaluated_at: datetime


@dataclass(frozen=True, slots=True)
class AlertsBody:
    """A page of alerts."""

    items: list[AlertBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


def alert_body(alert: Alert) -> AlertBody:
    """*alert* with the rule it was judged by."""
    rule, state = alert.rule, alert.state
    return AlertBody(
        alert_id=alert.alert_id,
        kpi=rule.slug,
        version=rule.version,
        rule=rule.name,
        severity=rule.severity,
        state=alert.name,
        since=state.since.astimezone(UTC),
        breached_at=state.breached_at.astimezone(UTC) if isinstance(state, Firing) else None,
        transition=alert.transition,
        window=rule.window,
        dimensions=alert.dimensions,
        condition=rule.condition,
        threshold=rule.threshold,
        for_s=round(rule.held_for.total_seconds()),
        value=alert.value,
        unit=rule.unit,
        owner=rule.owner,
        labels=rule.labels,
        annotations=rule.annotations,
        evaluated_at=alert.evaluated_at.astimezone(UTC),
    )
