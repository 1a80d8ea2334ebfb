"""What KPIs are made of and who uses them."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.definitions import Catalogue, Kpi
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.expressions import (
    ExpressionError,
    Selector,
    compile_selectors,
    parse_filter,
    parse_scalar,
)
from shared.domain.lineage import EventUse, Role, affected, event_uses, field_of, lineage
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

RULE = {"window": "5m", "condition": "above", "threshold": 1}
SHOP = a_catalogue(
    a_kpi(
        "paid",
        where="data.channel == 'web' and data.amount > 0 and source != 'test'",
        value="data.amount",
        aggregate="sum",
        breakdowns=["country", ["country", "customer.segment"]],
        alerts=[{"name": "none", **RULE}],
    ),
    a_kpi("orders", breakdowns=["country"]),
    a_kpi("visits", event_type="page.seen", breakdowns=["country"]),
    a_kpi("mean", formula="paid / orders", breakdowns=["country"], alerts=[{"name": "low", **RULE}]),
    a_kpi("per_visit", formula="mean * orders / total(visits)", breakdowns=["country"]),
    a_kpi("growth", formula="per_visit - prev(paid)", alerts=[{"name": "slow", **RULE}]),
)


def told(uses: tuple[EventUse, ...]) -> dict[str, dict[str, list[str]]]:
    return {use.slug: {each.text: [*each.roles] for each in use.fields} for use in uses}


def test_fields() -> None:
    """A KPI of events reads the fields of its filter, of its value and of its breakdowns."""
    assert told(event_uses(SHOP, "paid")) == {
        "paid": {
            "data.amount": ["filter", "value"],
            "data.channel": ["filter"],
            "data.country": ["dimension"],
            "data.customer.segment": ["dimension"],
            "source": ["filter"],
        }
    }


def test_fields_of_formula() -> None:
    """A formula needs of its KPIs the dimensions that it is kept by itself, and none within total()."""
    assert told(event_uses(SHOP, "per_visit")) == {
        "orders": {"data.country": ["dimension"]},
        "paid": {
            "data.amount": ["filter", "value"],
            "data.channel": ["filter"],
            "data.country": ["dimension"],
            "source": ["filter"],
        },
        "visits": {},
    }


def test_made_of() -> None:
    """A formula is followed all the way down, each KPI with who reads it on the way."""
    found = [(each.slug, each.distance, each.neighbours) for each in lineage(SHOP, "per_visit").made_of]

    assert found == [
        ("mean", 1, ("per_visit",)),
        ("orders", 1, ("mean", "per_visit")),
        ("visits", 1, ("per_visit",)),
        ("paid", 2, ("mean",)),
    ]


def test_used_by() -> None:
    """Formulas are followed all the way up, with all alert rules that are judged on them."""
    found = lineage(SHOP, "paid")

    assert [(each.slug, each.distance, each.neighbours) for each in found.used_by] == [
        ("growth", 1, ("paid", "per_visit")),
        ("mean", 1, ("paid",)),
        ("per_visit", 2, ("mean",)),
    ]
    assert found.rules == (("paid", "none"), ("growth", "slow"), ("mean", "low"))


AFFECTED = [
    ("page.seen", None, ["growth", "per_visit", "visits"]),
    ("order.paid", None, ["growth", "mean", "orders", "paid", "per_visit"]),
    (None, "data.amount", ["growth", "mean", "paid", "per_visit"]),
    (None, "data['amount']", ["growth", "mean", "paid", "per_visit"]),
    (None, "data.country", ["mean", "orders", "paid", "per_visit", "visits"]),
    ("page.seen", "data.country", ["visits"]),
    (None, "data.customer", ["paid"]),
    (None, "data.customer.segment.name", []),
    (None, "data.custom", []),
    (None, "source", ["growth", "mean", "paid", "per_visit"]),
    (None, "data.source", []),
    ("page.seen", "data.amount", []),
    ("order.refunded", None, []),
]


@pytest.mark.parametrize(("event_type", "field", "slugs"), AFFECTED)
def test_affected(event_type: str | None, field: str | None, slugs: list[str]) -> None:
    """What goes away takes along all that needs it, by whatever way, and nothing else."""
    path = None if field is None else field_of(field)

    assert list(affected(SHOP, event_type=event_type, field=path)) == slugs


def test_affected_how() -> None:
    """What is affected says by which KPI and for what it needs the field, and only that."""
    found = affected(SHOP, field=field_of("data.amount"))

    assert told(found["mean"]) == {"paid": {"data.amount": [Role.FILTER, Role.VALUE]}}


@pytest.mark.parametrize(
    "text", ["amount", "data", "data.a + 1", "'data.a'", "1", "None", "", "lower(data.a)"]
)
def test_no_field(text: str) -> None:
    """What names no single field is refused in words."""
    with pytest.raises(ExpressionError):
        field_of(text)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """KPIs of events, and formulas over those before them."""
    kpis = [a_kpi("k0")]
    for number in range(1, draw(st.integers(1, 8))):
        names = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True))
        texts = [draw(st.sampled_from(["k{}", "total(k{})"])).format(name) for name in names]
        kpis.append(a_kpi(f"k{number}", **({"formula": " + ".join(texts)} if texts else {})))
    return a_catalogue(*kpis)


def named(kpi: Kpi) -> set[str]:
    return set(re.findall(r"k\d", kpi.formula or ""))


@given(catalogues())
def test_both_ways(catalogue: Catalogue) -> None:
    """Whatever a KPI is made of is used by it, as far away; at distance 1 stands what the text names."""
    down = {
        (slug, each.slug, each.distance)
        for slug in catalogue.kpis
        for each in lineage(catalogue, slug).made_of
    }
    up = {
        (each.slug, slug, each.distance)
        for slug in catalogue.kpis
        for each in lineage(catalogue, slug).used_by
    }

    assert down == up
    for slug, kpi in catalogue.kpis.items():
        assert named(kpi) == {below for above, below, distance in down if above == slug and distance == 1}


@given(catalogues())
def test_events_of_all(catalogue: Catalogue) -> None:
    """The events of a formula are those of the KPIs of events that it is made of."""
    for slug, kpi in catalogue.kpis.items():
        family = {slug} | {each.slug for each in lineage(catalogue, slug).made_of}

        assert {use.slug for use in event_uses(catalogue, slug)} == {
            each for each in family if not catalogue.kpis[each].is_formula
        }
        assert kpi.is_formula == bool(named(kpi))


WHERES = [
    None, "data.a == 1", "has(data.b)", "data.b.c > 1 or data.a == 2", "not has(data['d-e'])",
    "coalesce(data.b.c, 1) == 1", "data.a in (1, 2)", "'x' in data.t",
]  # fmt: skip
VALUES = [None, "data.a", "data.b.c * 2", "coalesce(data.b.c, data.a)", "1 if has(data.t) else 0"]
DATAS = st.fixed_dictionaries(
    {},
    optional={
        "a": st.integers(0, 3),
        "b": st.fixed_dictionaries({}, optional={"c": st.integers(0, 3)}) | st.just(5),
        "d-e": st.just(1),
        "t": st.lists(st.sampled_from("xy"), max_size=2),
    },
)
FIELDS = {"data.a": ["a"], "data.b": ["b"], "data.b.c": ["b", "c"], "data['d-e']": ["d-e"], "data.t": ["t"]}


def without(data: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    left = deepcopy(data)
    holder = left
    for key in keys[:-1]:
        holder = holder.get(key, {})
        if not isinstance(holder, dict):
            return left
    holder.pop(keys[-1], None)
    return left


@settings(deadline=None)
@given(
    where=st.sampled_from(WHERES), value=st.sampled_from(VALUES), datas=st.lists(DATAS, max_size=6),
    field=st.sampled_from(sorted(FIELDS)),
)  # fmt: skip
def test_what_is_not_told_does_not_change(
    where: str | None, value: str | None, datas: list[dict[str, Any]], field: str
) -> None:
    """A KPI that is not told as affected takes the same from events when the field is gone from them."""
    selector = Selector(
        None if where is None else parse_filter(where), None if value is None else parse_scalar(value)
    )
    select = compile_selectors([selector])
    cut = [without(data, FIELDS[field]) for data in datas]
    kpi = a_kpi(where=where, value=value)

    changes = select(datas, None)[0][:2] != select(cut, None)[0][:2]

    assert not changes or affected(a_catalogue(kpi), field=field_of(field))


def test_example() -> None:
    """Of the airport's KPIs, the delay of a departure is behind these, however they come by it."""
    text = (Path(__file__).parents[3] / "kpis" / "flights.yaml").read_text("utf-8")
    catalogue = a_catalogue(*kpis_of(text))
    found = affected(catalogue, event_type="flight.departed", field=field_of("data.dep_delay"))
    by_text = {slug for slug, kpi in catalogue.kpis.items() if "data.dep_delay" in f"{kpi.where} {kpi.value}"}

    assert by_text <= set(found)
    assert all(
        slug in by_text or {each.slug for each in lineage(catalogue, slug).made_of} & by_text
        for slug in found
    )
