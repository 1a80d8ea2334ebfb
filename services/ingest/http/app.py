"""The HTTP side of ingest: the intake and the three routes of every process."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from services.ingest.http import problems
from services.ingest.http.guard import EVENTS_PATH, Guard
from services.ingest.http.intake import Intake
from shared.access.doors import Door
from shared.observability.health import Probe
from shared.runtime.ops import ops_routes


def make_app(
    intake: Intake, *, door: Door, probes: Mapping[str, Probe], registry: CollectorRegistry
) -> Starlette:
    """The application behind *door*; everything it answers that is no success is an RFC 9457 problem."""
    app = Starlette(
        routes=[
            Route(EVENTS_PATH, intake.post, methods=["POST"]),
            *ops_routes(probes=probes, registry=registry),
        ],
        middleware=[Middleware(Guard, door=door)],
    )
    problems.install(app)
    return app
