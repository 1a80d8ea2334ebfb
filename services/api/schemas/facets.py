"""The names that KPIs are grouped by, as the API tells them."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field


@dataclass(frozen=True, slots=True)
class FacetBody:
    """A name that some KPIs have in common."""

    name: Annotated[str, Field(description="As in the definitions, and as a filter of /v1/kpis takes it")]
    kpis: Annotated[int, Field(description="How many KPIs in force have it, of those that the caller sees")]


@dataclass(frozen=True, slots=True)
class FacetsBody:
    """A page of names."""

    items: Annotated[list[FacetBody], Field(description="By name, in the order of code points")]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]
