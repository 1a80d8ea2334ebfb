"""Defaults in KPI files: said once, as good as said in every KPI, and every problem where it stands."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.definitions import DefinitionError
from shared.domain.definitions.defaults import FIELDS
from shared.domain.definitions.kpi_files import kpis_of, read_definitions
from shared.domain.definitions.kpi_texts import definition_text
from shared.domain.definitions.schemas import kpi_file_schema
from shared.domain.definitions.specs import KpiSpec

HEAD = "apiVersion: tidemark/v1\nkind: Defaults\n"
ORDERS = """apiVersion: tidemark/v1
kind: KPI
slug: orders
title: Orders
aggregate: count
"""
SHARED = {
    "status": "active",
    "certified": True,
    "category": "customer",
    "owner": "sales",
    "department": ["north", "south"],
    "tags": "daily",
    "links": {"runbook": "https://wiki.example.com/orders"},
    "unit": "orders",
    "direction": "down",
    "event_type": "order.paid",
    "breakdowns": [["country"], ["shop", "country"]],
    "windows": ["1h", "this_week", "mtd"],
    "zone": "Europe/Berlin",
    "fiscal_year_start": 4,
    "calendar": {"week_start": "sunday", "holidays": ["2026-12-25"]},
    "business_hours": {"days": ["mon"], "from": "09:00", "to": "17:30", "holidays": "closed"},
    "prometheus": True,
}


def problems(text: str) -> list[str]:
    """The problems of *text* as line:column message."""
    try:
        kpis_of(text)
    except DefinitionError as error:
        return [f"{p.place.line}:{p.place.column} {p.message}" for p in error.problems if p.place]
    return []


@settings(deadline=None, max_examples=60)
@given(st.sets(st.sampled_from(sorted(SHARED))))
def test_any_field(names: set[str]) -> None:
    """Whichever fields are defaults, the KPIs are those that say everything themselves."""
    given = {name: SHARED[name] for name in SHARED if name in names}
    own = {name: SHARED[name] for name in SHARED if name not in names}
    # JSON is YAML, but for the document marks between which it stands.
    fields = yaml.safe_load(ORDERS)
    header = yaml.safe_load(HEAD)
    text = "---\n".join(json.dumps(each) + "\n" for each in (header | given, fields | own))

    assert kpis_of(text) == kpis_of(json.dumps(fields | SHARED))


DEFAULTS = (
    HEAD + "category: customer\nowner: sales\nevent_type: order.paid\nwindows: [1h]\nzone: Asia/Tokyo\n"
)


def test_the_kpi_wins() -> None:
    """What a KPI says itself, it says instead of the default as a whole; null is none of it."""
    (kpi,) = kpis_of(f"{DEFAULTS}tags: [a]\n---\n{ORDERS}windows: [5m, 24h]\nzone:\ntags: [b]\n")

    assert (kpi.windows, kpi.zone, kpi.tags, kpi.owner) == (("5m", "24h"), "UTC", ("b",), "sales")


def test_the_last_ones_hold() -> None:
    """Defaults hold for the KPIs that follow in their file, until others take their place as a whole."""
    whole = ORDERS + "owner: me\ncategory: customer\nwindows: [1h]\nevent_type: a\n"
    first, other = whole.replace("orders", "first"), whole.replace("orders", "other")
    last = ORDERS.replace("orders", "last") + "owner: me\n"
    later = DEFAULTS.replace("zone: Asia/Tokyo", "unit: EUR")
    text = f"{first}---\n{DEFAULTS}---\n{ORDERS}---\n{later}---\n{last}"

    found = [each.definition for each in read_definitions({"a.yaml": text, "b.yaml": other})]

    assert [(each.slug, each.zone, each.unit, each.owner) for each in found] == [  # type: ignore[union-attr]
        ("first", "UTC", None, "me"),
        ("orders", "Asia/Tokyo", None, "sales"),
        ("last", "UTC", "EUR", "me"),
        ("other", "UTC", None, "me"),
    ]


def test_formulas() -> None:
    """A formula takes what it has a use for: neither the type of events nor business hours."""
    hours = "business_hours: {days: [mon], from: '09:00', to: '17:30'}\n"
    formula = ORDERS.replace("orders", "twice").replace("aggregate: count", "formula: 2 * orders")

    orders, twice = kpis_of(f"{DEFAULTS}{hours}---\n{ORDERS}---\n{formula}")

    assert (orders.event_type, twice.event_type, twice.business_hours) == ("order.paid", None, None)
    assert twice.zone == "Asia/Tokyo"


def test_only_kpis() -> None:
    """Objectives and scorecards take no defaults: they have fields of the same names and other meanings."""
    objective = "apiVersion: tidemark/v1\nkind: Objective\nslug: grow\ntitle: Grow\n"

    assert problems(f"{DEFAULTS}---\n{objective}") == ["9:1 owner is missing"]


def test_written_out() -> None:
    """A definition is written with what it took from defaults, so that it stands by itself."""
    (kpi,) = kpis_of(f"{DEFAULTS}---\n{ORDERS}")

    assert "Asia/Tokyo" in definition_text(kpi)
    assert kpis_of(definition_text(kpi)) == (kpi,)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("zone: Mars/Olympus", "3:7 there is no time zone 'Mars/Olympus'"),
        ("windows: [1h, 5x]", "3:15 '5x' is no window"),
        ("ownr: me", "3:1 there is no field 'ownr'; did you mean 'owner'?"),
        ("slug: orders", "3:1 slug is what a KPI says itself: it has no default"),
        ("where: data.a == 1", "3:1 where is what a KPI says itself: it has no default"),
        ("calendar: {weeks: 4-4-5}", "3:11 with which day do years of weeks end?"),
    ],
)
def test_problems(line: str, expected: str) -> None:
    """A problem with a default is told once, where it stands, however many KPIs take it."""
    rest = DEFAULTS.replace("zone: Asia/Tokyo\n", "").replace("windows: [1h]\n", "").removeprefix(HEAD)
    windows = "" if line.startswith("windows") else "windows: [1h]\n"
    orders, others = (f"{ORDERS.replace('orders', slug)}{windows}" for slug in ("orders", "others"))

    (problem,) = problems(f"{HEAD}{line}\n{rest}---\n{orders}---\n{others}")

    assert problem.startswith(expected)


def test_rules_between_fields() -> None:
    """What a KPI and a default break together is shown at the default, if that is the field that is wrong."""
    text = f"{DEFAULTS}replaced_by: x\n---\n{ORDERS}"
    together = f"{DEFAULTS}format: {{style: duration}}\n---\n{ORDERS}unit: EUR\n"

    assert problems(text) == ["8:1 replaced_by is what a KPI says itself: it has no default"]
    assert problems(together) == ["8:17 the style duration needs a unit of time: ms, s, min, h, d"]


def test_version() -> None:
    """Defaults say the version of the format as every document does."""
    assert problems(DEFAULTS.replace("v1", "v2")) == ["1:13 write apiVersion: tidemark/v1"]


def test_schema() -> None:
    """Editors know the fields that may be defaults, and no others."""
    document = yaml.safe_load(DEFAULTS)

    jsonschema.validate(document, kpi_file_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"slug": "orders"}, kpi_file_schema())


def test_reference() -> None:
    """The reference names every field that may be a default."""
    reference = (Path(__file__).parents[3] / "docs" / "kpi-files.md").read_text("utf-8")
    told = reference.split("## Defaults\n")[1].split("\n## ")[0]

    assert set(FIELDS) <= set(KpiSpec.model_fields)
    assert all(f"`{name}`" in told for name in FIELDS)
