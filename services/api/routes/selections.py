"""The parameters that choose series, the same for a listing and for a stream."""

from typing import Annotated, Any

from fastapi import Query, Request

from services.api.dependencies import Caller, CurrentCatalogue, known_kpi, known_windows, visible_kpis
from services.api.http.parameters import InvalidParameterError, dimension_filter
from services.api.http.selections import Selection, strange_names

PARAMETERS = ("kpi", "window", "department", "category", "tag", "breakdown")
"""What the names of parameters mean; every other name is a dimension."""

DIMENSION_FILTERS: dict[str, Any] = {
    "parameters": [
        {
            "name": "dimensions",
            "in": "query",
            "required": False,
            "style": "form",
            "explode": True,
            "schema": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "description": "Every other parameter is a dimension: only series kept by it that have this value"
            ", or one of these if it is given often; with not. before the name, such as not.carrier=AA, those"
            " that have none of them. An empty value stands for events without the dimension. A dimension"
            " named like another parameter is written with data. before it, such as data.window=1.",
        }
    ]
}
"""How OpenAPI says that names of parameters are the caller's to choose."""

_Filters = list[str] | None


async def selection_of(
    request: Request,
    *,
    caller: Caller,
    catalogue: CurrentCatalogue,
    kpi: Annotated[_Filters, Query(description="Only these KPIs; may be given often")] = None,
    window: Annotated[_Filters, Query(description="Only these windows; may be given often")] = None,
    department: Annotated[
        _Filters, Query(description="Only KPIs that one of these departments shares")
    ] = None,
    category: Annotated[_Filters, Query(description="Only KPIs of one of these categories")] = None,
    tag: Annotated[_Filters, Query(description="Only KPIs with this tag; given often, with all")] = None,
    breakdown: Annotated[
        str | None,
        Query(
            description="Names of dimensions, comma separated: only series kept by these; empty: only totals"
        ),
    ] = None,
) -> Selection:
    """What the parameters of a request choose.

    Raises:
        UnknownKpiError: a KPI is named that the caller cannot see.
        InvalidParameterError: no KPI has a window or dimension that is named.
    """
    chosen = Selection(
        slugs=frozenset(known_kpi(catalogue, slug).slug for slug in kpi or ()),
        windows=known_windows(catalogue, window or ()),
        departments=frozenset(department or ()),
        categories=frozenset(category or ()),
        tags=frozenset(tag or ()),
        limits=caller.limits,
        breakdown=None if breakdown is None else frozenset(filter(None, breakdown.split(","))),
        series=dimension_filter(request.query_params, reserved=(*PARAMETERS, "limit", "cursor", "format")),
    )
    strange = sorted(strange_names(chosen, visible_kpis(catalogue)))
    if strange:
        raise InvalidParameterError(
            strange[0], "is no parameter here, and no KPI is kept by a dimension of that name"
        )
    return chosen
