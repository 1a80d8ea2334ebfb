"""A store that tells, before and after each of its verbs, that counting has come so far: the failpoints.

Whoever is told may raise, wait, or stop the process there. The real code pays nothing for it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from services.compute.stores import Claims, CountingSession, CountingStore, CountingTransaction

SESSION_VERBS = ("rows",)
TRANSACTION_VERBS = ("stage", "move", "record", "retract", "activate", "add")
CLAIM_VERBS = ("register", "take_over", "seen", "retracted")

FLUSH_FAILPOINTS = tuple(
    f"{when} {verb}"
    for verb in (*SESSION_VERBS, *TRANSACTION_VERBS, "commit")
    for when in ("before", "after")
)
"""Every place in a flush where a process may die. After `commit` the answer is lost, not the flush."""

CLAIM_FAILPOINTS = tuple(f"{when} {verb}" for verb in CLAIM_VERBS for when in ("before", "after"))
"""Every place in a take-over where a process may die."""

Reached = Callable[[str], Awaitable[None]]
"""Told the name of each failpoint as it is reached."""


class _Told:
    """Passes everything on, and tells before and after every verb."""

    def __init__(self, whole: Any, verbs: tuple[str, ...], reached: Reached) -> None:
        self._whole, self._verbs, self._reached = whole, verbs, reached

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._whole, name)
        if name not in self._verbs:
            return found

        async def told(*arguments: Any, **named: Any) -> Any:
            await self._reached(f"before {name}")
            answer = await found(*arguments, **named)
            await self._reached(f"after {name}")
            return answer

        return told


class ToldSession(_Told):
    """A session whose verbs, transactions included, are told of."""

    def __init__(self, whole: CountingSession, reached: Reached) -> None:
        super().__init__(whole, SESSION_VERBS, reached)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[CountingTransaction]:
        """A transaction whose verbs and whose commit are told of."""
        async with self._whole.transaction() as transaction:
            yield _Told(transaction, TRANSACTION_VERBS, self._reached)
            await self._reached("before commit")
        await self._reached("after commit")


@dataclass(frozen=True, slots=True)
class ToldStore:
    """A store whose verbs are told of."""

    whole: CountingStore
    reached: Reached

    @asynccontextmanager
    async def session(self) -> AsyncIterator[CountingSession]:
        """A session whose verbs are told of."""
        async with self.whole.session() as session:
            yield ToldSession(session, self.reached)

    def claims(self) -> AbstractAsyncContextManager[Claims]:
        """Claims whose verbs are told of."""
        return self._claims()

    @asynccontextmanager
    async def _claims(self) -> AsyncIterator[Claims]:
        async with self.whole.claims() as claims:
            yield _Told(claims, CLAIM_VERBS, self.reached)
