"""The ledger of all partitions in one line; it moves nothing and takes nothing over."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_LEDGER = text("""
-- ledger: what became of every record that Postgres has counted up to.
SELECT coalesce(sum(consumed), 0)::bigint AS consumed,
       coalesce(sum(applied), 0)::bigint AS applied,
       coalesce(sum(duplicate), 0)::bigint AS duplicate,
       coalesce(sum(dead_lettered), 0)::bigint AS dead_lettered
FROM positions
""")


@dataclass(frozen=True, slots=True)
class Ledger:
    """How many records were consumed, and what became of them."""

    consumed: int
    applied: int
    duplicate: int
    dead_lettered: int

    @property
    def balances(self) -> bool:
        """Whether every consumed record is accounted for."""
        return self.consumed == self.applied + self.duplicate + self.dead_lettered


async def ledger(connection: AsyncConnection) -> Ledger:
    """The sums over all partitions."""
    row = (await connection.execute(_LEDGER)).one()
    return Ledger(row.consumed, row.applied, row.duplicate, row.dead_lettered)
