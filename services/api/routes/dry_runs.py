"""One event tried out: what would become of it, and which values it would move."""

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.api.dependencies import CurrentCatalogue, Scope, State, needs, only, visible_kpis
from services.api.http.answers import ENCODER
from services.api.http.bodies import described_body, read_body
from services.api.schemas.dry_runs import DryRunBody, dry_run_body
from shared.domain.events import MAX_EVENT_BYTES

router = APIRouter(prefix="/v1/events", tags=["previews"], dependencies=[needs(Scope.READ)])

_EVENT = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string"},
        "source": {"type": "string"},
        "type": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
        "retracts": {"type": "string"},
    },
}
_KINDS = {"application/cloudevents+json": _EVENT, "application/json": _EVENT}


@router.post(
    "/dry-run",
    response_model=DryRunBody,
    dependencies=[Depends(only())],
    openapi_extra=described_body("A CloudEvent in JSON, as ingest takes it", _KINDS),
)
async def try_event(request: Request, *, state: State, catalogue: CurrentCatalogue) -> Response:
    """What one event would do if it were sent now; nothing is stored, and nobody else is told."""
    # An event that is too long is answered with that reason; only far longer bodies are not read at all.
    _, value = await read_body(request, kinds=_KINDS, most=2 * MAX_EVENT_BYTES)
    slugs = visible_kpis(catalogue)
    found = await state.dry_runs.dry_run(catalogue, value, slugs=slugs, now=state.clock())
    body = dry_run_body(catalogue, found)
    return Response(
        ENCODER.encode(body), media_type="application/json", headers={"Cache-Control": "no-store"}
    )
