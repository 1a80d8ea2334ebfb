"""What one evaluation changes, given the rules, where alerts stand and what was read; no IO."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from shared.domain.alert_changes import Alert, Change, Reason, advanced, retired, shard_of, unseen
from shared.domain.alerts import AlertRule, Inactive, StateName
from shared.domain.readings import Reading

RuleKey = tuple[str, str]
"""The slug of a KPI and the name of one of its rules."""


def key_of(rule: AlertRule) -> RuleKey:
    """By what *rule* is known."""
    return rule.slug, rule.name


def by_rule(alerts: Iterable[Alert]) -> dict[RuleKey, list[Alert]]:
    """*alerts* by their rules."""
    groups: dict[RuleKey, list[Alert]] = {}
    for alert in alerts:
        groups.setdefault(key_of(alert.rule), []).append(alert)
    return groups


def judged(
    rule: AlertRule, readings: Iterable[Reading], standing: Iterable[Alert], *, now: datetime
) -> Iterator[Change]:
    """Every alert of *rule* before and after *now*: what was read, and what stands without being read.

    Args:
        rule: as it is now.
        readings: one for the total or for each combination of its breakdown.
        standing: the alerts of the rule as they were.
        now: the instant the readings are for.
    """
    known = {alert.alert_id: alert for alert in standing}
    for reading in readings:
        fresh = unseen(rule, reading.dimensions, now)
        before = known.pop(fresh.alert_id, fresh)
        yield Change(before, advanced(before, rule, reading.value, now), reading, Reason.VALUE)
    for before in known.values():
        if _is_in_force(before, rule):
            yield Change(before, advanced(before, rule, None, now), None, Reason.VALUE)


def orphaned(
    rules: Mapping[RuleKey, AlertRule], standing: Iterable[Alert], *, now: datetime
) -> Iterator[Change]:
    """The end of every alert that no rule of *rules* speaks of any more."""
    for before in standing:
        rule = rules.get(key_of(before.rule))
        if before.retired_at is None and (rule is None or not _is_in_force(before, rule)):
            yield Change(before, retired(before, now), None, Reason.RULE_REMOVED)


def is_worth_writing(change: Change) -> bool:
    """Whether *change* has to be written down.

    A combination of dimension values gets a row when it first breaches, and is left alone while it is
    inactive: with thousands of them, every evaluation would rewrite thousands of rows.
    """
    is_quiet = isinstance(change.after.state, Inactive) and bool(change.after.rule.breakdown)
    return change.is_transition or change.reason is Reason.RULE_REMOVED or not is_quiet


def by_shard(changes: Iterable[Change]) -> dict[int, list[Change]]:
    """*changes* by the shard whose holder may write them."""
    groups: dict[int, list[Change]] = {}
    for change in changes:
        groups.setdefault(shard_of(*key_of(change.after.rule)), []).append(change)
    return groups


def counted(changes: Iterable[Change]) -> Counter[StateName]:
    """How many alerts are in each state after *changes*, those whose rule is gone left out."""
    return Counter(change.after.name for change in changes if change.after.retired_at is None)


def _is_in_force(alert: Alert, rule: AlertRule) -> bool:
    return alert.retired_at is None and set(alert.dimensions) == set(rule.breakdown)
