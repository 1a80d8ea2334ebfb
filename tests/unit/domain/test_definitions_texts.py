"""KPIs written as KPI files: whatever is in force can be kept in git and applied again without a change."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.definitions import Action, Kpi, plan
from shared.domain.definitions.kpi_files import kpis_of
from shared.domain.definitions.kpi_texts import SEPARATOR, definition_text
from shared.domain.definitions.plans import spec_of
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs" / "kpi-files.md").read_text("utf-8")
EXAMPLES = {
    "reference": REFERENCE.split("```yaml\n")[1].split("```")[0],
    **{f"kpis/{name}": (ROOT / "kpis" / f"{name}.yaml").read_text("utf-8") for name in ("flights", "shop")},
    **{file.stem: file.read_text("utf-8") for file in sorted((ROOT / "tests" / "shop").glob("*.yaml"))},
}
EXAMPLES["scorecards"] = SEPARATOR.join((EXAMPLES["scores"], EXAMPLES["scorecards"]))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples(name: str) -> None:
    """Every example, written out and read again, is what is in force."""
    kpis = kpis_of(EXAMPLES[name])

    again = kpis_of(SEPARATOR.join(map(definition_text, kpis)))

    assert {Action.UNCHANGED} == {change.action for change in plan(a_catalogue(*kpis), again)}
    assert len(again) == len(kpis)


TRICKY = [
    "no", "Null", "~", "1e5", "1_000", "0x1F", "0o7", "-0", ".5", "12:30", "2013-01-01", "=", "<<",
    "- a", "a: b", "a:", "# x", "a #b", "'", '"', "{a", "[b]", "*a", "&b", "!c", "%d", "@e", "`f", "|", ">",
    "?", "---", "...", "\\n", "a\u00a0b", "\ufeffa", "\U0010ffff", "\ufffe", "\u200e",
    "a " * 80 + "b", "x" * 180,
]  # fmt: skip
"""What YAML, or a sloppy reader of it, takes for something else."""

LETTERS = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])
LINES = st.sampled_from(TRICKY) | st.text(LETTERS, min_size=1, max_size=40).filter(lambda text: text.strip())
PARAGRAPHS = st.lists(LINES | st.sampled_from(["", "\t", "  ", "\u2028"]), max_size=4).map("\n".join)
NUMBERS = st.builds(
    "{}{}E{}".format, st.sampled_from(["", "-"]), st.integers(0, 10**15), st.integers(-15, 5)
).map(Decimal)
WORDS = st.sampled_from(["a", "null", "true", "no", "on", "y", "e5"])
WHERE = LINES.filter(lambda text: len(text) <= 200).map(lambda text: f"data.x == {text!r}")
SPACED = st.tuples(
    st.sampled_from(["", "\n", "  \n "]), WHERE, st.sampled_from(["", "\n", "\n\n", "  # why\n", "\r\n"])
)


def _where(parts: tuple[str, str, str]) -> str:
    before, condition, after = parts
    return f"{before}{condition}{after}"


def _alert(number: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "name": st.just(f"null{number}"),
            "window": st.just("5m"),
            "condition": st.sampled_from(["above", "at_or_below"]),
            "threshold": NUMBERS,
        },
        optional={
            "for": st.sampled_from(["0s", "90s", "60m", "1d"]),
            "severity": st.sampled_from(["info", "warning"]),
            "labels": st.dictionaries(WORDS, PARAGRAPHS, max_size=2),
            "annotations": st.dictionaries(WORDS, PARAGRAPHS, max_size=2),
            "breakdown": st.sampled_from([[], ["null"]]),
        },
    )


KPIS = st.fixed_dictionaries(
    {"title": LINES, "owner": LINES, "category": WORDS, "event_type": LINES},
    optional={
        "description": PARAGRAPHS,
        "glossary": PARAGRAPHS,
        "department": st.lists(LINES, max_size=3),
        "objective": LINES,
        "tags": st.lists(WORDS, max_size=3, unique=True),
        "links": st.dictionaries(
            WORDS, st.sampled_from(["http://a.example/#no", "https://b.example/?a=%20,b"])
        ),
        "unit": LINES,
        "direction": st.sampled_from(["up", "down"]),
        "where": SPACED.map(_where),
        "target": st.fixed_dictionaries({"value": NUMBERS}),
        "alerts": st.integers(0, 2).flatmap(lambda count: st.tuples(*map(_alert, range(count)))),
        "business_hours": st.sampled_from([{"days": ["mon", "sun"], "from": "10:30", "to": "24:00"}]),
        "zone": st.sampled_from(["UTC", "Europe/Berlin"]),
        "fiscal_year_start": st.integers(1, 12),
        "calendar": st.sampled_from([{"week_start": "sunday"}, {}]),
        "prometheus": st.booleans(),
    },
).map(lambda fields: a_kpi(**fields, breakdowns=[["null"], ["true", "a.b"]]))


@settings(deadline=None, max_examples=300)
@given(kpi=KPIS)
def test_any_kpi(kpi: Kpi) -> None:
    """Any definition, written out and read again, has the same specification, to the last digit."""
    (again,) = kpis_of(definition_text(kpi))

    assert spec_of(kpi) == spec_of(again)


FORMULAS = st.sampled_from(
    ["orders", "\n orders /\n   2  # half\n", "(orders - prev(orders))\n", "1 if orders > 0 else 0"]
)


@settings(deadline=None)
@given(kpi=KPIS, formula=FORMULAS)
def test_any_catalogue(kpi: Kpi, formula: str) -> None:
    """Whatever is in force, a plan of what it is written as changes nothing, nor does it retire anything."""
    catalogue = a_catalogue(kpi, a_kpi("part", formula=formula, title=kpi.title))

    again = kpis_of(SEPARATOR.join(map(definition_text, catalogue.kpis.values())))

    assert [(change.slug, change.action) for change in plan(catalogue, again, prune=True)] == [
        ("orders", Action.UNCHANGED),
        ("part", Action.UNCHANGED),
    ]


@settings(deadline=None)
@given(kpi=KPIS)
def test_other_readers(kpi: Kpi) -> None:
    """Another reader of YAML finds the same texts in it."""
    read = yaml.safe_load(definition_text(kpi))

    for name in (
        "title",
        "owner",
        "category",
        "event_type",
        "description",
        "department",
        "links",
        "unit",
        "where",
    ):
        assert read.get(name) == spec_of(kpi).get(name), name


def test_as_people_write() -> None:
    """Fields stand in the order of the reference, texts and numbers without quotes they do not need."""
    kpi = a_kpi(
        description="What was paid.\n\nBefore refunds.", unit="1e3", breakdowns=[["c"], ["a", "b"]],
        target={"value": "100.50"},
        alerts=[{"name": "low", "window": "5m", "condition": "below", "threshold": 1}],
    )  # fmt: skip

    assert definition_text(kpi) == (
        "apiVersion: tidemark/v1\n"
        "kind: KPI\n"
        "slug: orders\n"
        "title: Orders\n"
        "description: |-\n"
        "  What was paid.\n"
        "\n"
        "  Before refunds.\n"
        "category: operational\n"
        "owner: sales\n"
        "unit: '1e3'\n"
        "event_type: order.paid\n"
        "aggregate: count\n"
        "breakdowns: [[c], [a, b]]\n"
        "windows: [5m]\n"
        "target:\n"
        "  value: 100.50\n"
        "alerts:\n"
        "- name: low\n"
        "  window: 5m\n"
        "  condition: below\n"
        "  threshold: 1\n"
    )
