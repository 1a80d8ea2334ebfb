"""Who uses a KPI beside formulas and rules."""

from dataclasses import replace

from shared.domain.definitions import Objective, Scorecard
from shared.domain.lineage_uses import Uses, uses_of
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

WHERE = {"dimensions": {"country": "SE"}, "kpi": "paid"}
SHOP = replace(
    a_catalogue(
        a_kpi("paid", objective="grow", target={"kpi": "paid", "of": "last_year"}),
        a_kpi("ordered", target={"kpi": "paid", "times": 2}),
        a_kpi("by_country", breakdowns=["country"], target={"value": 1, "by_dimension": [WHERE]}),
        a_kpi("alone", target={"value": 1}),
    ),
    objectives={
        "grow": Objective(slug="grow", title="Grow", owner="me"),
        "weigh": Objective(slug="weigh", title="Weigh", owner="me", kpi_weights={"paid": 2}),
        "none": Objective(slug="none", title="None", owner="me"),
    },
    scorecards={
        "named": Scorecard.model_validate(
            {"slug": "named", "title": "N", "owner": "me", "kpis": [{"kpi": "paid"}]}
        ),
        "chosen": Scorecard.model_validate(
            {"slug": "chosen", "title": "C", "owner": "me", "select": {"objective": "grow"}}
        ),
    },
)


def test_users() -> None:
    """Targets of any series, scorecards that name or select it, objectives it serves or that weigh it."""
    assert uses_of(SHOP, "paid") == Uses(
        followed_by=("by_country", "ordered"), scorecards=("chosen", "named"), objectives=("grow", "weigh")
    )


def test_no_users() -> None:
    """What nobody names is used by nobody; an earlier period of itself is no other KPI."""
    assert uses_of(SHOP, "alone") == Uses((), (), ())
