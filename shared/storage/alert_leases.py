"""Who evaluates which shard of the alerts, judged by the database's clock alone; it evaluates nothing.

Functions take the connection and never commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.alert_changes import SHARDS
from shared.domain.errors import TryAgainError


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write the alerts of *shard*, for as long as the epoch stands."""

    shard: int
    holder: str
    epoch: int


class LostLeaseError(TryAgainError):
    """Another evaluator has taken this shard over; what was judged here is not written."""


_FORGET_ABSENT = text("""
-- forget_absent: evaluators that have not reported for as long as they said.
DELETE FROM alert_evaluators WHERE expires_at <= now()
""")

_REPORT = text("""
-- report: this evaluator is here, and for how long that may be believed.
INSERT INTO alert_evaluators (holder, expires_at) VALUES (:holder, now() + :lasting)
ON CONFLICT (holder) DO UPDATE SET expires_at = excluded.expires_at
""")

_COUNT = text("""
-- evaluators: how many share the work.
SELECT count(*) FROM alert_evaluators WHERE expires_at > now()
""")

_RENEW = text("""
-- renew: a lease that ran out is renewed as well; its epoch says that nobody has written since.
UPDATE alert_leases SET expires_at = now() + :lasting WHERE holder = :holder
RETURNING shard, holder, epoch
""")

_TAKE_OVER = text("""
-- take_over: shards nobody holds; the new epoch fences whoever still believes to hold them.
UPDATE alert_leases SET holder = :holder, epoch = epoch + 1, expires_at = now() + :lasting
WHERE shard IN (
    SELECT shard FROM alert_leases WHERE expires_at <= now()
    ORDER BY shard LIMIT :at_most FOR UPDATE SKIP LOCKED
)
RETURNING shard, holder, epoch
""")

_RELEASE = text("""
-- release: shards another evaluator may take at once.
UPDATE alert_leases SET holder = '', expires_at = now()
WHERE holder = :holder AND shard = ANY(CAST(:shards AS smallint[]))
""")

_DEPART = text("""
-- depart: this evaluator is not here any more.
DELETE FROM alert_evaluators WHERE holder = :holder
""")

_FENCE = text("""
-- fence: the share lock keeps the shard from being taken over until the end of the transaction.
SELECT shard FROM alert_leases WHERE shard = :shard AND holder = :holder AND epoch = :epoch FOR SHARE
""")


async def report_present(conn: AsyncConnection, holder: str, *, lasting: timedelta) -> int:
    """Say that *holder* is here for *lasting*, and return how many evaluators are."""
    await conn.execute(_FORGET_ABSENT)
    await conn.execute(_REPORT, {"holder": holder, "lasting": lasting})
    count: int = (await conn.execute(_COUNT)).scalar_one()
    return count


async def renew(conn: AsyncConnection, holder: str, *, lasting: timedelta) -> list[Lease]:
    """The leases *holder* has, by shard, each good for *lasting* from now."""
    rows = await conn.execute(_RENEW, {"holder": holder, "lasting": lasting})
    return sorted((Lease(*row) for row in rows), key=_shard)


async def take_over(conn: AsyncConnection, holder: str, *, at_most: int, lasting: timedelta) -> list[Lease]:
    """Leases, by shard, on up to *at_most* shards that nobody held, each under a new epoch."""
    rows = await conn.execute(_TAKE_OVER, {"holder": holder, "at_most": at_most, "lasting": lasting})
    return sorted((Lease(*row) for row in rows), key=_shard)


async def release(conn: AsyncConnection, holder: str, shards: Sequence[int]) -> None:
    """Let go of those of *shards* that *holder* has."""
    await conn.execute(_RELEASE, {"holder": holder, "shards": list(shards)})


async def depart(conn: AsyncConnection, holder: str) -> None:
    """Let go of everything *holder* has, its place among the evaluators included."""
    await release(conn, holder, range(SHARDS))
    await conn.execute(_DEPART, {"holder": holder})


async def fence(conn: AsyncConnection, lease: Lease) -> None:
    """Keep the shard of *lease* from being taken over until this transaction ends.

    Raises:
        LostLeaseError: it has been taken over already.
    """
    parameters = {"shard": lease.shard, "holder": lease.holder, "epoch": lease.epoch}
    if (await conn.execute(_FENCE, parameters)).first() is None:
        raise LostLeaseError(f"shard {lease.shard} of the alerts has another evaluator")


def _shard(lease: Lease) -> int:
    return lease.shard
