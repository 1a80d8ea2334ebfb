"""Evaluation of alert rules: read at one instant, judge, write what changed; it delivers nothing."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.api.alerting.judging import (
    by_rule,
    by_shard,
    counted,
    is_worth_writing,
    judged,
    key_of,
    orphaned,
)
from services.api.alerting.leases import Shards
from services.api.alerting.metrics import AlertMetrics
from services.api.alerting.rounds import go_round
from services.api.alerting.rulebooks import RuleBook, RuleBooks
from shared.domain.alert_changes import Alert, Change, shard_of
from shared.domain.alerts import AlertRule
from shared.domain.errors import BadInputError, TryAgainError
from shared.runtime.clock import monotonic_s
from shared.storage.alert_leases import Lease, LostLeaseError, fence
from shared.storage.alerts import StaleAlertError, alerts_of_shards, database_now, save_changes
from shared.storage.engine import reading, transaction
from shared.storage.outbox import outbox_age_s, queue_notices

log = structlog.get_logger(__name__)

LEAVE_S = 2.0
"""How long a stopping evaluator tries to hand its shards over; afterwards they come free by themselves."""


class Evaluator:
    """Judges the rules of its shards once an interval. Several of them share the work.

    Args:
        engine: the database.
        books: the rules and the values.
        shards: which part of the rules is this evaluator's.
        channels: where notices are to be sent.
        interval_s: from the start of one evaluation to the start of the next.
        metrics: where it shows what it does.
        now: the instant to judge at; the database's, so that all evaluators agree on the time.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        books: RuleBooks,
        *,
        shards: Shards,
        channels: Sequence[str],
        interval_s: float,
        metrics: AlertMetrics,
        now: Callable[[AsyncConnection], Awaitable[datetime]] = database_now,
    ) -> None:
        self._engine = engine
        self._books = books
        self._shards = shards
        self._channels = channels
        self._interval_s = interval_s
        self._metrics = metrics
        self._now = now

    async def run(self, stopping: asyncio.Event) -> None:
        """Evaluate until *stopping* is set, then hand the shards over."""
        try:
            await go_round("alert_evaluation", self._round, stopping=stopping)
        finally:
            await self._leave()

    async def evaluate_once(self) -> None:
        """One evaluation of all rules in the shards that are held.

        Raises:
            StoreUnavailableError: Postgres did not answer; what was not written is judged again next time.
        """
        leases = await self._shards.held()
        changes = await self._judge([lease.shard for lease in leases])
        self._metrics.show_states(counted(changes))
        parts = by_shard(changes)
        for lease in leases:
            await self._write(lease, [c for c in parts.get(lease.shard, []) if is_worth_writing(c)])

    async def _round(self) -> float:
        began_s = monotonic_s()
        await self.evaluate_once()
        took_s = monotonic_s() - began_s
        self._metrics.evaluation_seconds.observe(took_s)
        return max(0.0, self._interval_s - took_s)

    async def _judge(self, shards: Sequence[int]) -> list[Change]:
        """What happens to the alerts of *shards* at one instant, seen in one snapshot."""
        async with reading(self._engine) as conn:
            now = await self._now(conn)
            self._metrics.outbox_age_seconds.set(await outbox_age_s(conn))
            book = await self._books.current(conn)
            rules = {key_of(rule): rule for rule in book.rules}
            standing = await alerts_of_shards(conn, shards)
            changes = list(orphaned(rules, standing, now=now))
            alerts = defaultdict(list, by_rule(standing))
            for key, rule in rules.items():
                if shard_of(*key) in shards:
                    changes += await _judge_rule(conn, book, rule, alerts[key], now=now)
        return changes

    async def _write(self, lease: Lease, changes: Sequence[Change]) -> None:
        """State, transition and notices in one transaction, or none of them."""
        if not changes:
            return
        try:
            async with transaction(self._engine) as conn:
                await fence(conn, lease)
                await save_changes(conn, changes)
                await queue_notices(conn, changes, channels=self._channels)
        except (LostLeaseError, StaleAlertError) as error:
            log.warning("alert_shard_not_written", shard=lease.shard, error=str(error))
            return
        for change in changes:
            if change.is_transition:
                log.info("alert_changed", **_summary(change))

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._shards.leave()
        except (TryAgainError, TimeoutError) as error:
            log.warning("alert_shards_not_handed_over", error=str(error))


async def _judge_rule(
    conn: AsyncConnection, book: RuleBook, rule: AlertRule, standing: Sequence[Alert], *, now: datetime
) -> list[Change]:
    try:
        readings = await book.readings(conn, rule, now=now)
    except BadInputError as error:
        log.warning("alert_rule_skipped", kpi=rule.slug, rule=rule.name, error=str(error))
        return []
    return list(judged(rule, readings, standing, now=now))


def _summary(change: Change) -> Mapping[str, object]:
    alert = change.after
    return {
        "kpi": alert.rule.slug,
        "rule": alert.rule.name,
        "alert_id": alert.alert_id,
        "transition": alert.transition,
        "from_state": change.before.name.value,
        "to_state": alert.name.value,
        "reason": change.reason.value,
    }
