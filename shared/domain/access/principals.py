"""Who asks, once that has been proved; it knows neither keys nor tokens."""

from dataclasses import dataclass

from shared.domain.access.limits import EVERYTHING, Limits
from shared.domain.access.scopes import Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who asks.

    Attributes:
        name: under which changes are written into the audit log, such as `key:4f2a91c07be3:dashboards`.
        scopes: what it may do.
        limits: which KPIs it may see.
    """

    name: str
    scopes: frozenset[Scope]
    limits: Limits = EVERYTHING


NOT_ASKED = Principal("local", frozenset(Scope))
"""Everybody, where no keys are asked for: it may do and see everything."""
