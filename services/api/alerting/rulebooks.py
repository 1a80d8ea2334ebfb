"""What an evaluator needs to know: the rules in force and the values they judge; from where is open."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.alerts import AlertRule
from shared.domain.readings import Reading


class RuleBook(Protocol):
    """The rules in force in one snapshot."""

    @property
    def rules(self) -> Sequence[AlertRule]:
        """All of them, of every shard."""

    async def readings(self, conn: AsyncConnection, rule: AlertRule, *, now: datetime) -> Sequence[Reading]:
        """The value at *now* that *rule* judges, or one for each combination of its breakdown.

        Raises:
            BadInputError: the rule asks for something its KPI does not have.
        """


class RuleBooks(Protocol):
    """Where rule books come from."""

    async def current(self, conn: AsyncConnection) -> RuleBook:
        """The book of the snapshot that *conn* sees."""
