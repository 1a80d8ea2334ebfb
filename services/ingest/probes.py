"""When ingest is ready: Kafka answers, the group has given this process its share, schemas are known."""

from collections.abc import Mapping

from services.ingest.pipeline import Pipeline
from shared.access.doors import Door
from shared.domain.errors import StoreUnavailableError
from shared.messaging.admin import cluster_id
from shared.observability.health import Check, Probe

ANSWER_WITHIN_S = 2.0
"""Less than what a check may take, so that the reason is Kafka's and not the probe's."""


def probes(bootstrap_servers: str, pipeline: Pipeline, door: Door) -> Mapping[str, Probe]:
    """The checks of /readyz."""

    async def kafka() -> Check:
        found = await cluster_id(bootstrap_servers, deadline_s=ANSWER_WITHIN_S)
        return Check(ok=True, reason=f"cluster {found} answers")

    async def group() -> Check:
        owned = pipeline.owned()
        if owned is None:
            return Check(ok=False, reason="not yet a member of the group")
        # A spare member reads nothing and is in order: the group has more members than partitions.
        return Check(ok=True, reason=f"reads {len(owned)} partitions")

    async def access() -> Check:
        # Never a reason to take ingest out of service: events come over Kafka, too, and ask for no key there.
        try:
            return Check(ok=True, reason=await door.told())
        except StoreUnavailableError as error:
            return Check(ok=True, reason=f"keys cannot be looked up, POST /v1/events answers 503: {error}")

    async def event_types() -> Check:
        schemas = pipeline.outlets.schemas
        if not schemas.are_known:
            return Check(ok=False, reason="what is declared of event types was not read yet")
        return Check(ok=True, reason=f"{len(schemas.rules)} event types are declared")

    return {"kafka": kafka, "group": group, "access": access, "event_types": event_types}
