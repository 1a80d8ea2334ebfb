"""What alerts look like outside: the notice people receive and the rule as it is kept; no transport.

A notice has the envelope of Standard Webhooks 1.0.0: `type`, `timestamp`, `data`. Fields are added to
`data` over time and never change their meaning.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from shared.domain.alert_changes import Change, Reason
from shared.domain.alerts import AlertRule, AlertState, Condition, Firing
from shared.domain.readings import Reading

_encoder = msgspec.json.Encoder(decimal_format="number")


class Told(StrEnum):
    """The two things a notice can say."""

    FIRING = "firing"
    RESOLVED = "resolved"


class NoticeData(msgspec.Struct, frozen=True):
    """The body of a notice.

    Attributes:
        transition: numbers the changes of this alert; a higher number is newer.
        for_s: how many seconds the condition had to hold before the alert fired.
        since: when the condition began to hold.
        fired_at: when the alert began to fire, having been pending for as long as the rule says.
        resolved_at: when it ended; null while it is firing.
        n: how many events the value was made of; null when nothing could be read.
    """

    notice_id: str
    alert_id: str
    transition: int
    kpi: str
    version: int
    title: str
    unit: str | None
    owner: str | None
    department: tuple[str, ...]
    rule: str
    severity: str
    state: Told
    reason: Reason
    window: str
    dimensions: Mapping[str, str | None]
    value: Decimal | None
    condition: Condition
    threshold: Decimal
    for_s: int
    since: datetime
    fired_at: datetime
    resolved_at: datetime | None
    n: int | None
    window_start: datetime | None
    window_end: datetime | None
    as_of: datetime | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class Notice(msgspec.Struct, frozen=True):
    """A notice as it is sent: what happened, when, and everything about it."""

    type: str
    timestamp: datetime
    data: NoticeData


def encode_notice(change: Change) -> str:
    """The JSON that tells of *change*, numbers as exact decimals.

    Raises:
        ValueError: nobody is told of this change.
    """
    told, fired, resolved_at = _episode(change.before.state, change.after.state)
    data = _data(change, told, fired, resolved_at)
    notice = Notice(f"alert.{told}", change.after.evaluated_at, data)
    return _encoder.encode(notice).decode()


def decode_notice(text: str | bytes) -> Notice:
    """The notice in *text*.

    Raises:
        msgspec.ValidationError: it is not a notice.
    """
    return msgspec.json.decode(text, type=Notice)


def encode_rule(rule: AlertRule) -> str:
    """The JSON a rule is kept as."""
    return _encoder.encode(rule).decode()


def decode_rule(text: str) -> AlertRule:
    """The rule that was kept as *text*."""
    return msgspec.json.decode(text, type=AlertRule)


def _episode(before: AlertState, after: AlertState) -> tuple[Told, Firing, datetime | None]:
    if isinstance(after, Firing):
        return Told.FIRING, after, None
    if isinstance(before, Firing):
        return Told.RESOLVED, before, after.since
    raise ValueError("neither side of the change is firing")


def _data(change: Change, told: Told, fired: Firing, resolved_at: datetime | None) -> NoticeData:
    alert, rule = change.after, change.after.rule
    return NoticeData(
        notice_id=change.notice_id,
        alert_id=alert.alert_id,
        transition=alert.transition,
        kpi=rule.slug,
        version=rule.version,
        title=rule.title,
        unit=rule.unit,
        owner=rule.owner,
        department=rule.department,
        rule=rule.name,
        severity=rule.severity,
        state=told,
        reason=change.reason,
        window=rule.window,
        dimensions=alert.dimensions,
        value=alert.value,
        condition=rule.condition,
        threshold=rule.threshold,
        for_s=round(rule.held_for.total_seconds()),
        since=fired.breached_at,
        fired_at=fired.since,
        resolved_at=resolved_at,
        labels=rule.labels,
        annotations=rule.annotations,
        **_seen(change.reading),
    )


def _seen(reading: Reading | None) -> dict[str, Any]:
    """What the value was made of, under the names it has in a notice."""
    names = ("n", "window_start", "window_end", "as_of")
    return {name: None if reading is None else getattr(reading, name) for name in names}
