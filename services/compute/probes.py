"""When compute is ready: Postgres at the newest schema, partitions in hand, positions that move."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncEngine

from services.compute.workers import Worker
from shared.observability.health import Check, Probe
from shared.runtime.clock import monotonic_s
from shared.runtime.progress import Progress
from shared.storage.engine import reading
from shared.storage.schema import current_revision, newest_revision


def probes(engine: AsyncEngine, worker: Worker, progress: Progress) -> Mapping[str, Probe]:
    """The checks of /readyz."""

    async def schema() -> Check:
        async with reading(engine) as connection:
            found = await current_revision(connection)
        wanted = newest_revision()
        return Check(ok=found == wanted, reason=f"revision {found}, this code needs {wanted}")

    async def partitions() -> Check:
        owned = sorted(worker.owned())
        # A spare member owns nothing and is in order: the group has more members than partitions.
        return Check(ok=worker.has_joined(), reason=f"owns partitions {owned}")

    async def moving() -> Check:
        still_s = progress.still_for_s(monotonic_s())
        return Check(ok=still_s < progress.stuck_after_s, reason=f"records have waited for {still_s:.1f} s")

    return {"schema": schema, "partitions": partitions, "progress": moving}
