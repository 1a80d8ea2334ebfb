"""The life of a counting process: one session after the other, whatever ends them."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import structlog

from services.compute.doors import Join
from services.compute.ownership import Ownership, OwnershipPolicy
from services.compute.sessions import Session, Surroundings
from services.compute.stores import CountingStore
from shared.domain.errors import FencedError, TryAgainError
from shared.messaging.records import TopicPartition
from shared.runtime.clock import epoch_us
from shared.runtime.lifecycle import StoppedBeforeStartError, pause, unless_stopped

log = structlog.get_logger(__name__)

BACK_OFF_S = 1.0
"""How long a worker waits before it joins the group again after a door was closed to it."""


@dataclass(slots=True)
class Worker:
    """Counts the partitions that the group gives to this process; one session after the other."""

    policy: OwnershipPolicy
    store: CountingStore
    join: Join
    around: Surroundings
    _session: Session | None = None

    def owned(self) -> Collection[int]:
        """The partitions counted here now."""
        return set(self._session.ownership.owned) if self._session else set()

    def epochs(self) -> Mapping[int, int]:
        """The same with the epochs that they are owned by."""
        owned = self._session.ownership.owned if self._session else {}
        return {partition: one.epoch for partition, one in owned.items()}

    def has_joined(self) -> bool:
        """Whether the group has given this process its share, be it none."""
        return self._session is not None and self._session.ownership.generation > 0

    async def run(self, stopping: asyncio.Event) -> None:
        """Count until *stopping* is set; begin a new session whenever a door was closed or a partition lost.

        Raises:
            StopError: going on could make numbers wrong.
        """
        while not stopping.is_set():
            try:
                async with AsyncExitStack() as stack:
                    self._session = await unless_stopped(self._opened(stack), stopping=stopping)
                    await self._session.run(stopping)
            except StoppedBeforeStartError:
                return
            except FencedError as error:
                self.around.metrics.fenced.inc(len(error.partitions))
                log.warning("partitions_fenced", partitions=sorted(error.partitions))
                await pause(stopping, BACK_OFF_S)
            except TryAgainError as error:
                log.warning("session_ended", reason=str(error))
                await pause(stopping, BACK_OFF_S)
            finally:
                self._session = None
                self.around.progress.unknown()
                self.around.metrics.owned_partitions.set(0)

    async def _opened(self, stack: AsyncExitStack) -> Session:
        ownership = Ownership(self.store, self.policy, epoch_us)
        ownership.idle.set()
        writer = await stack.enter_async_context(self.store.session())
        joined = self.join(on_assigned=partial(self._assigned, ownership), on_revoked=ownership.revoked)
        ownership.consumer = await stack.enter_async_context(joined)
        return Session(self.around, ownership, ownership.consumer, writer)

    async def _assigned(self, ownership: Ownership, partitions: set[TopicPartition]) -> None:
        await ownership.assigned(partitions)
        if partitions:
            self.around.touched.add_unseen()
