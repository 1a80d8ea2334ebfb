"""The application: routes, problems and the edge around them, on a state that somebody else has opened."""

from collections.abc import Iterator
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.middleware.cors import CORSMiddleware

from services.api.dependencies import ApiState
from services.api.http import problems
from services.api.http.edge import Measured, RequestIds, SafeHeaders
from services.api.http.limits import Limits
from services.api.openapi_document import completed
from services.api.routes import (
    alerts,
    annotations,
    audit,
    backfills,
    batches,
    comparisons,
    contributions,
    deadletters,
    definitions,
    dry_runs,
    event_types,
    explanations,
    facets,
    freshness,
    histories,
    keys,
    kpis,
    lineage,
    listed_values,
    metrics,
    paces,
    previews,
    remarks,
    revisions,
    scores,
    shadows,
    streams,
    values,
)
from services.api.security.guard import Guard
from services.api.security.openapi import secured
from services.api.security.scopes import admit
from shared.runtime.ops import health_routes

_DESCRIPTION = """\
KPIs as declared, and their exact values over rolling windows: now, at any instant, as a history, and live.

Times are RFC 3339 in UTC. Numbers are exact decimals: read them with a decimal type where that matters.
`null` means that there is no data. What goes wrong is told as RFC 9457 problems.
"""

_ROUTES = (
    audit,
    previews,
    shadows,
    kpis,
    definitions,
    backfills,
    facets,
    lineage,
    metrics,
    values,
    listed_values,
    batches,
    histories,
    paces,
    comparisons,
    contributions,
    explanations,
    revisions,
    streams,
    freshness,
    alerts,
    event_types,
    dry_runs,
    deadletters,
    annotations,
    remarks,
    scores,
    keys,
)
"""The modules of routes, in the order in which they are documented."""

_CORS: dict[str, Any] = {
    "allow_methods": ("GET", "POST", "PUT", "PATCH", "DELETE"),
    "allow_headers": (
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
        "Last-Event-ID",
        "X-Request-ID",
    ),
    "expose_headers": ("ETag", "Location", "Retry-After", "X-Request-ID"),
    "allow_credentials": False,
    "max_age": 600,
}
"""What pages of a listed origin may send and read. Keys go in a header, never by themselves as cookies do."""


def api_routes() -> Iterator[APIRoute]:
    """Every route but those that are open to all, those of routers within routers included."""
    routers = [each.router for each in _ROUTES]
    for each in iter_route_contexts([route for router in routers for route in router.routes]):
        if isinstance(each.original_route, APIRoute):
            yield each.original_route


class Api(FastAPI):
    """FastAPI with a document that knows problems and events."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = secured(completed(super().openapi()), api_routes())
        return self.openapi_schema


def create_app(state: ApiState) -> FastAPI:
    """The API on *state*; it opens and closes nothing and has no lifespan of its own."""
    app = Api(
        title="Tidemark",
        version="1",
        summary="KPIs from events: exact, current and explained.",
        description=_DESCRIPTION,
        docs_url=None,  # the pages of /docs and /redoc load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        responses=problems.RESPONSES,
        dependencies=[Depends(admit)],
    )
    app.state.tidemark = state
    problems.install(app)
    for routes in _ROUTES:
        app.include_router(routes.router)
    app.router.routes.extend(health_routes(state.probes))
    _surround(app, state)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _surround(app: FastAPI, state: ApiState) -> None:
    """The edge, from the inside out: whatever answers, the answer passes all that is added after it."""
    app.add_middleware(Guard, security=state.security)
    app.add_middleware(problems.Unexpected)
    app.add_middleware(Limits)
    app.add_middleware(SafeHeaders)
    if state.security.cors_origins:
        app.add_middleware(CORSMiddleware, **_CORS, allow_origins=state.security.cors_origins)
    app.add_middleware(Measured, metrics=state.metrics)
    app.add_middleware(RequestIds)
