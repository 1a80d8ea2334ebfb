"""What the routes live on: one frozen state, made by main and given to the application; it opens nothing."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from services.api.annotating import Annotations
from services.api.backfills import Backfills
from services.api.catalogue_cache import CatalogueCache
from services.api.dead_letters import DeadLetters
from services.api.definition_store import DefinitionStore
from services.api.dry_runs import DryRunner
from services.api.event_types import EventTypeReader
from services.api.http.answers import Told
from services.api.http.parameters import InvalidParameterError, no_others
from services.api.kpi_gauges import KpiGauges
from services.api.metrics import ApiMetrics
from services.api.previews import Previewer
from services.api.readers import AlertReader, PastReader, Readings, RetiredReader
from services.api.security.scopes import needs, principal_of
from services.api.security.security import Security
from services.api.security.views import defined_kpi, known_kpi, seen_by, visible_kpis
from services.api.single_flights import SingleFlights
from services.api.streaming.event_stream import Pace
from services.api.streaming.streams import Hub
from shared.domain.access import Principal, Scope
from shared.domain.definitions import Catalogue, Kpi
from shared.domain.errors import UnknownBreakdownError, UnknownWindowError
from shared.domain.windows import window_name
from shared.observability.health import Probe

__all__ = [
    "ApiState",
    "Caller",
    "CurrentCatalogue",
    "Scope",
    "State",
    "defined_kpi",
    "known_breakdown",
    "known_kpi",
    "known_window",
    "known_windows",
    "needs",
    "only",
    "seen_by",
    "visible_kpis",
]


@dataclass(frozen=True, slots=True)
class ApiState:
    """Everything a request may need.

    Attributes:
        clock: the wall clock; tests bring their own.
        probes: the checks of /readyz by name.
        registry: what /metrics shows.
    """

    readings: Readings
    past: PastReader
    previews: Previewer
    dry_runs: DryRunner
    alerts: AlertReader
    event_types: EventTypeReader
    dead_letters: DeadLetters
    retired: RetiredReader
    annotations: Annotations
    scores: SingleFlights[Told]
    definitions: DefinitionStore
    backfills: Backfills
    catalogue: CatalogueCache
    hub: Hub
    pace: Pace
    kpi_gauges: KpiGauges
    metrics: ApiMetrics
    registry: CollectorRegistry
    probes: Mapping[str, Probe]
    clock: Callable[[], datetime]
    security: Security


# Dependencies are coroutines even where they wait for nothing: others are run by a thread, a hop for each.
async def _state(request: Request) -> ApiState:
    return cast("ApiState", request.app.state.tidemark)


State = Annotated[ApiState, Depends(_state)]


async def _principal(request: Request) -> Principal:
    return principal_of(request)


Caller = Annotated[Principal, Depends(_principal)]
"""Who asks; its name is the actor of what it changes in the audit log."""


async def _catalogue(state: State, caller: Caller) -> Catalogue:
    return seen_by(await state.catalogue.current(), caller.limits)


CurrentCatalogue = Annotated[Catalogue, Depends(_catalogue)]
"""The definitions in force. Routes list and name what `visible_kpis` has of it, and look up with `known_kpi`;
the engine is given the whole, because formulas that may be seen can read KPIs that may not."""


def known_window(kpi: Kpi, window: str | None) -> str:
    """*window*, under its own name, if the KPI has it; its first one without a wish.

    Raises:
        UnknownWindowError: the KPI is not kept over it.
    """
    if window is None:
        return kpi.windows[0]
    if window_name(window) not in kpi.windows:
        raise UnknownWindowError(kpi.slug, window, kpi.windows)
    return window_name(window)


def known_windows(catalogue: Catalogue, windows: Iterable[str]) -> frozenset[str]:
    """*windows*, each of which at least one KPI has.

    Raises:
        InvalidParameterError: no KPI has one of them.
    """
    asked = frozenset(map(window_name, windows))
    strange = asked - {window for kpi in visible_kpis(catalogue).values() for window in kpi.windows}
    if strange:
        raise InvalidParameterError("window", f"no KPI has {', '.join(map(repr, sorted(strange)))}")
    return asked


def known_breakdown(kpi: Kpi, names: tuple[str, ...]) -> tuple[str, ...]:
    """The breakdown of *kpi* that has just these *names*, in its own order; the total has none.

    Raises:
        UnknownBreakdownError: the KPI is not kept by them.
    """
    for breakdown in kpi.all_breakdowns:
        if sorted(breakdown) == sorted(names):
            return breakdown
    raise UnknownBreakdownError(kpi.slug, names, kpi.all_breakdowns)


def only(*known: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency that refuses query parameters other than *known*."""

    async def check(request: Request) -> None:
        no_others(request.query_params, known=known)

    return check
