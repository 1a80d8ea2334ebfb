"""What becomes of one alert over time: its identity, its numbered transitions, and who is told; pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared.domain.alerts import AlertRule, AlertState, Firing, Inactive, StateName, name_of, step
from shared.domain.readings import Dimensions, Reading

SHARDS = 8
"""Evaluation is shared out in this many parts; a rule with all its series lies in one of them."""


def shard_of(slug: str, rule: str) -> int:
    """The part of the evaluation that judges *rule* of the KPI *slug*."""
    return int(_digest(slug, rule)[:8], 16) % SHARDS


@dataclass(frozen=True, slots=True)
class Alert:
    """Where one rule stands for one combination of dimension values.

    Attributes:
        rule: as of the last evaluation.
        transition: the number of the last change of state; it never goes back.
        value: what was seen last.
        retired_at: since when the rule is gone; the alert stays so that its numbering goes on.
    """

    rule: AlertRule
    dimensions: Dimensions
    state: AlertState
    transition: int
    value: Decimal | None
    evaluated_at: datetime
    retired_at: datetime | None = None

    @property
    def alert_id(self) -> str:
        """The identity: a hash of KPI, rule and dimensions."""
        return alert_id(self.rule.slug, self.rule.name, self.dimensions)

    @property
    def name(self) -> StateName:
        """The word for its state."""
        return name_of(self.state)


def alert_id(slug: str, rule: str, dimensions: Dimensions) -> str:
    """The identity of the alert of *rule* of the KPI *slug* for *dimensions*."""
    return _digest(slug, rule, dimensions)


def unseen(rule: AlertRule, dimensions: Dimensions, now: datetime) -> Alert:
    """An alert that has never been evaluated."""
    return Alert(rule, dimensions, Inactive(now), transition=0, value=None, evaluated_at=now)


def advanced(alert: Alert, rule: AlertRule, value: Decimal | None, now: datetime) -> Alert:
    """*alert* after *value* was seen at *now* under *rule*; a change of state takes the next number."""
    state = step(rule, alert.state, value, now)
    seen = replace(alert, rule=rule, value=value, evaluated_at=now, retired_at=None)
    return _moved(seen, state)


def retired(alert: Alert, now: datetime) -> Alert:
    """*alert* after its rule went away: inactive, and out of sight until the rule comes back."""
    state = alert.state if isinstance(alert.state, Inactive) else Inactive(now)
    return _moved(replace(alert, evaluated_at=now, retired_at=now), state)


def _moved(alert: Alert, state: AlertState) -> Alert:
    steps = 0 if name_of(state) is alert.name else 1
    return replace(alert, state=state, transition=alert.transition + steps)


class Reason(StrEnum):
    """Why a state changed."""

    VALUE = "value"
    RULE_REMOVED = "rule_removed"


@dataclass(frozen=True, slots=True)
class Change:
    """An alert before and after one evaluation; its state may be the same.

    Attributes:
        reading: what was seen; None when the rule was removed or nothing could be read.
    """

    before: Alert
    after: Alert
    reading: Reading | None
    reason: Reason

    @property
    def is_transition(self) -> bool:
        """Whether the state has changed."""
        return self.after.transition != self.before.transition

    @property
    def is_notable(self) -> bool:
        """Whether people are told: when an alert begins to fire and when it ends."""
        return self.is_transition and (Firing in (type(self.before.state), type(self.after.state)))

    @property
    def notice_id(self) -> str:
        """The same for every attempt to tell of this transition, on whichever instance and channel."""
        alert = self.after
        return "notice_" + _digest(alert.rule.slug, alert.rule.name, alert.dimensions, alert.transition)


def _digest(*parts: str | int | Dimensions) -> str:
    canonical = json.dumps(
        [dict(part) if isinstance(part, Mapping) else part for part in parts],
        sort_keys=True,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
