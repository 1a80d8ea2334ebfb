"""The KPIs of the simulations, each measure written down twice: for the product, and as plain Python."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.definitions import Catalogue, Kpi
from tests.unit.domain.kpi_builders import a_kpi


@dataclass(frozen=True, slots=True)
class Plain:
    """A measure in plain Python.

    Attributes:
        value: the scaled value of an event's data; None when it is not counted.
        by: the dimension it is kept by, if any.
        finest: the number of its finest rung.
    """

    value: Callable[[Mapping[str, Any]], int | None]
    by: str | None
    zone: str
    finest: int


@dataclass(frozen=True, slots=True)
class Defined:
    """One KPI both ways; its measures come in the order in which they are declared."""

    kpi: Kpi
    plain: Sequence[Plain]


def _one(_: Mapping[str, Any]) -> int:
    return 0


def _cents(data: Mapping[str, Any]) -> int:
    return int(data["price"] * 100)


def _dear(data: Mapping[str, Any]) -> int | None:
    return _cents(data) if data["price"] > 5 else None


_ORDERS = Defined(a_kpi("orders", windows=["5m"]), [Plain(_one, None, "UTC", 0)])
_REVENUE = Defined(
    a_kpi("revenue", value="data.price", aggregate="sum", scale=2, breakdowns=[["shop"]], windows=["1h"]),
    [Plain(_cents, None, "UTC", 1), Plain(_cents, "shop", "UTC", 1)],
)
_DEAR = Defined(
    a_kpi(
        "dear", value="data.price", aggregate="max", scale=2, where="data.price > 5", zone="Asia/Kathmandu",
        windows=["24h"],
    ),
    [Plain(_dear, None, "Asia/Kathmandu", 2)],
)  # fmt: skip
_ORDERS_OF_A_DAY = Defined(a_kpi("orders", windows=["24h"]), [Plain(_one, None, "UTC", 2)])

REVISIONS = (
    (_ORDERS,),
    (_ORDERS, _REVENUE),
    (_ORDERS, _REVENUE, _DEAR),
    (_REVENUE, _DEAR, _ORDERS_OF_A_DAY),
)
"""What is in force, one revision after the other: two come, then one changes its windows."""


def catalogue(revision: int) -> Catalogue:
    """The catalogue of that revision, from 1 on; measures keep their numbers."""
    defined = REVISIONS[revision - 1]
    numbers = {name: number for number, name in enumerate(_fingerprints(), 1)}
    kpis = {one.kpi.slug: one.kpi for one in defined}
    used = {measure.fingerprint for kpi in kpis.values() for measure in kpi.measures()}
    return Catalogue(
        revision, kpis, dict.fromkeys(kpis, 1), {name: numbers[name] for name in numbers if name in used}
    )


def _fingerprints() -> list[str]:
    """Those of all revisions, in the order in which they come."""
    kpis = [one.kpi for revision in REVISIONS for one in revision]
    return list(dict.fromkeys(measure.fingerprint for kpi in kpis for measure in kpi.measures()))


def plains(in_force: Catalogue) -> dict[int, Plain]:
    """Every measure of *in_force* by its number."""
    return {
        in_force.measure_ids[measure.fingerprint]: plain
        for revision in REVISIONS
        for one in revision
        if in_force.kpis.get(one.kpi.slug) == one.kpi
        for measure, plain in zip(one.kpi.measures(), one.plain, strict=True)
    }
