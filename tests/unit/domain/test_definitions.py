"""KPIs: what they measure, the rules between their fields, and what they owe each other."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from shared.domain.aggregates import Aggregate, Kind, kind_of
from shared.domain.definitions import Kpi, catalogue_problems
from shared.domain.definitions.plans import spec_of
from shared.domain.definitions.words import complaints
from shared.domain.targets import Aim, Status, judge
from shared.domain.windows import Rung
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi


def refusals(**fields: Any) -> list[tuple[tuple[str | int, ...], str]]:
    try:
        a_kpi(**fields)
    except ValidationError as error:
        return [(complaint.path, complaint.message) for complaint in complaints(error, Kpi)]
    return []


def test_measures() -> None:
    """A KPI has one measure for the total and one for each breakdown, at the grain of its shortest window."""
    kpi = a_kpi(
        where="(data.a==1)", value="data.b", aggregate="sum", scale=2,
        breakdowns=["carrier", ["data.a.b", "carrier"]], windows=["30d", "2h"],
    )  # fmt: skip

    assert [m.breakdown for m in kpi.measures()] == [(), ("carrier",), ("a.b", "carrier")]
    assert {("data.a == 1", "data.b", 2, Rung.M1)} == {
        (m.where, m.value, m.scale, m.finest) for m in kpi.measures()
    }


def test_fingerprint() -> None:
    """A fingerprint is the same in every release: panes are found by it."""
    (measure,) = a_kpi(where="data.a == 1").measures()

    assert measure.fingerprint == "d59f726453e2922a59bf96c23bb0e69edc6b78c31659cfb7b6ef05469e00154b"


@pytest.mark.parametrize("aggregate", Aggregate)
def test_kinds(aggregate: Aggregate) -> None:
    """KPIs share panes if their aggregates are made from the same partial, and only then."""
    percentile = 50 if aggregate is Aggregate.PERCENTILE else None
    (measure,) = a_kpi(aggregate=aggregate, value="data.y", percentile=percentile).measures()
    (counted,) = a_kpi(value="data.y").measures()

    assert measure.kind is kind_of(aggregate)
    assert (measure.fingerprint == counted.fingerprint) == (measure.kind is Kind.NUMBERS)


def test_shared_measures() -> None:
    """KPIs that differ in meaning only, or in how they are written, share their measures."""
    one = a_kpi("a", where="data.x in ['p']", aggregate="sum", value="data.y")
    two = a_kpi(
        "b", where="data.x in ('p',)", aggregate="max", value="(data.y)", title="Other", windows=["1m"]
    )

    assert one.measures() == two.measures()


def test_formula_has_no_measure() -> None:
    """A formula takes nothing from events."""
    assert a_kpi(formula="a / b").measures() == ()


def test_spec_round_trip() -> None:
    """A stored definition reads back as the same KPI, its numbers exact."""
    kpi = a_kpi(
        department=["a", "b"], target={"value": Decimal("0.10"), "warning": "0.05"}, breakdowns=[["c"]],
        alerts=[{"name": "low", "window": "5m", "condition": "below", "threshold": 0.1, "for": "90s"}],
    )  # fmt: skip
    again = Kpi.model_validate(spec_of(kpi))

    assert kpi == again
    assert (timedelta(seconds=90), Decimal("0.1")) == (again.alerts[0].held_for, again.alerts[0].threshold)


ENDS = {"weekday": "saturday", "month": 1, "rule": "nearest"}
BEFORE_HOLIDAYS = "8161bf21c534f4f134878e2f79fab7760d040ad072190a0a6517a07708d4fedb"
"""The fingerprint that the measure of these hours had before there were holidays."""

HOURS = {"days": ["mon", "tue"], "from": "09:00", "to": "17:30"}

REFUSED = [
    ({"slug": "Orders"}, ("slug",), "a slug begins with a small letter"),
    ({"slug": "lambda"}, ("slug",), "'lambda' is a word of expressions"),
    ({"slug": "null"}, ("slug",), "'null' is a word of expressions"),
    ({"title": "a\nb"}, ("title",), "title must stand on one line"),
    (
        {"category": "Financial"},
        ("category",),
        "a category is financial, operational, customer, marketing or",
    ),
    ({"category": ""}, ("category",), "a category is financial, operational, customer, marketing or a word"),
    ({"tags": ["a", "B"]}, ("tags", 1), "a name begins with a small letter"),
    ({"tags": ["a", "b", "a"]}, ("tags",), "each tag is named once"),
    ({"tags": [f"t{n}" for n in range(21)]}, ("tags",), "tags has more than 20 entries"),
    ({"links": {"Run book": "https://a.example"}}, ("links", "Run book", "[key]"), "a name begins with a sm"),
    ({"links": {f"l{n}": "https://a.example" for n in range(21)}}, ("links",), "links has more than 20"),
    ({"links": ["https://a.example"]}, ("links",), "links must be a mapping of names to texts"),
    ({"links": {"data": 5}}, ("links", "data"), "data must be a text; put it in quotes"),
    ({"links": {"data": "https://a.example/" + 2000 * "x"}}, ("links", "data"), "data has more than 2000"),
    ({"glossary": "a\x07b"}, ("glossary",), "glossary must not hold control characters"),
    ({"glossary": 4001 * "x"}, ("glossary",), "glossary has more than 4000 characters"),
    ({"windows": []}, ("windows",), "windows must not be empty"),
    ({"windows": ["9s"]}, ("windows", 0), "'9s' is out of range"),
    ({"windows": ["mtd", "this_month"]}, ("windows", 1), "the window mtd is the same as mtd"),
    ({"fiscal_year_start": 13}, ("fiscal_year_start",), "fiscal_year_start must be at most 12"),
    ({"calendar": {"week_start": "Sunday"}}, ("calendar", "week_start"), "there is no day 'Sunday'"),
    ({"calendar": {"weeks": "4-4-4"}}, ("calendar", "weeks"), "weeks must be '4-4-5', '4-5-4' or '5-4-4'"),
    ({"calendar": {"weeks": "4-4-5"}}, ("calendar",), "with which day do years of weeks end?"),
    ({"calendar": {"year_ends": ENDS}}, ("calendar",), "year_ends is for years of weeks"),
    (
        {"calendar": {"weeks": "4-4-5", "year_ends": ENDS, "week_start": "mon"}},
        ("calendar",),
        "years that end on a saturday have weeks that begin on sunday",
    ),
    (
        {"calendar": {"weeks": "4-4-5", "year_ends": ENDS}, "fiscal_year_start": 4},
        ("fiscal_year_start",),
        "years of weeks end as year_ends says",
    ),
    (
        {"calendar": {"weeks": "4-4-5", "year_ends": ENDS | {"month": 0}}},
        ("calendar", "year_ends", "month"),
        "month must be at least 1",
    ),
    (
        {"calendar": {"weeks": "4-4-5", "year_ends": ENDS | {"rule": "first"}}},
        ("calendar", "year_ends", "rule"),
        "rule must be 'last' or 'nearest'",
    ),
    (
        {"calendar": {"holidays": ["2026-02-29"]}},
        ("calendar", "holidays", 0, "date"),
        "there is no day '2026-02-29'",
    ),
    (
        {"calendar": {"holidays": ["20261225"]}},
        ("calendar", "holidays", 0, "date"),
        "there is no day '20261225'",
    ),
    (
        {"calendar": {"holidays": ["2026-12-25", {"date": "2026-12-25", "name": "Christmas"}]}},
        ("calendar", "holidays"),
        "the holiday 2026-12-25 is there twice",
    ),
    (
        {"business_hours": HOURS | {"holidays": "closed"}},
        ("business_hours", "holidays"),
        "which holidays? such as calendar",
    ),
    (
        {"business_hours": HOURS | {"days": ["monday"]}},
        ("business_hours", "days"),
        "there is no day 'monday'",
    ),
    ({"business_hours": HOURS | {"days": 2 * ["mon"]}}, ("business_hours", "days"), "each day is named once"),
    ({"business_hours": HOURS | {"days": []}}, ("business_hours", "days"), "days must not be empty"),
    ({"business_hours": HOURS | {"from": "9:00"}}, ("business_hours", "from"), "a time of day is written"),
    ({"business_hours": HOURS | {"to": "24:01"}}, ("business_hours", "to"), "a time of day is written"),
    ({"business_hours": HOURS | {"to": "08:00"}}, ("business_hours",), "business hours end after"),
    ({"business_hours": HOURS | {"till": "18:00"}}, ("business_hours", "till"), "there is no field 'till'"),
    ({"windows": ["60m", "1h"]}, ("windows", 1), "the window 1h is the same as 60m"),
    ({"windows": [f"{n}m" for n in range(1, 66)]}, ("windows",), "windows has more than 64 entries"),
    ({"breakdowns": [["a", "a"]]}, ("breakdowns", 0), "a breakdown names each dimension once"),
    ({"breakdowns": [["a", "b"], ["b", "a"]]}, ("breakdowns", 1), "the breakdown by b, a is there already"),
    ({"breakdowns": ["data.data.x"]}, ("breakdowns", 0, 0), "a dimension is a field of the event's data"),
    ({"breakdowns": [list("abcdefghijk")]}, ("breakdowns", 0), "breakdowns has more than 10 entries"),
    ({"zone": "Mars/Olympus"}, ("zone",), "there is no time zone 'Mars/Olympus'"),
    ({"zone": "../../etc/passwd"}, ("zone",), "there is no time zone"),
    ({"scale": 10}, ("scale",), "scale must be at most 9"),
    ({"scale": True}, ("scale",), "scale must be a whole number"),
    ({"scale": 2}, ("scale",), "scale is for the value of events, and there is no value"),
    ({"prometheus": "yes"}, ("prometheus",), "prometheus must be true or false"),
    ({"aggregate": "sum"}, ("aggregate",), "sum needs a value to work on"),
    ({"aggregate": None}, (), "aggregate is missing"),
    ({"aggregate": "percentile", "value": "data.x"}, ("aggregate",), "which percentile?"),
    (
        {"aggregate": "percentile", "value": "data.x", "percentile": 101},
        ("percentile",),
        "percentile must be at most 100",
    ),
    ({"percentile": 5}, ("percentile",), "percentile is for the aggregate percentile, and this is count"),
    ({"per": "h"}, ("per",), "per is for the aggregate rate, and this is count"),
    ({"aggregate": "rate", "per": "d"}, ("per",), "per must be 's', 'min' or 'h'"),
    ({"formula": "a", "per": "h"}, ("per",), "a KPI with a formula has no per"),
    ({"aggregate": "distinct"}, ("aggregate",), "distinct needs a value to work on"),
    ({"aggregate": "distinct", "value": "data.x", "scale": 2}, ("scale",), "scale is for numbers"),
    ({"aggregate": "sum", "value": "lower(data.x)"}, ("value",), "a number is needed here"),
    ({"aggregate": "distinct", "value": "None"}, ("value",), "a field, a number, a text or a truth value"),
    ({"event_type": None}, (), "event_type is missing"),
    (
        {"event_type": None, "aggregate": None},
        (),
        "a KPI is made of events (event_type and aggregate) or has",
    ),
    ({"formula": "a", "where": "data.x"}, ("where",), "a KPI with a formula has no where"),
    ({"formula": "a", "scale": 2}, ("scale",), "scale is for the values of events"),
    (
        {"target": {"value": 1, "warning": 2}},
        ("target", 0, "warning"),
        "with the direction up, warning is below",
    ),
    (
        {"direction": "down", "target": {"value": 1, "warning": 0}},
        ("target", 0, "warning"),
        "with the direction down, warning is above",
    ),
    ({"target": {"value": 1, "tolerance": 2}}, ("target", 0, "tolerance"), "tolerance is for KPIs with"),
    ({"direction": "band", "target": {"value": 1}}, ("target", 0), "with the direction band, a target needs"),
    (
        {"direction": "band", "target": {"value": 1, "tolerance": 2, "warning": 1}},
        ("target", 0, "warning"),
        "with the direction band, warning is a distance above",
    ),
    ({"target": {"value": True}}, ("target", 0, "value"), "value must be a number"),
    ({"target": {"value": "NaN"}}, ("target", 0, "value"), "value must be a number"),
    ({"target": {"value": Decimal("1e40")}}, ("target", 0, "value"), "value must be a number of at most 30"),
    ({"where": "amount > 1"}, ("where",), "unknown name 'amount'"),
    ({"colour": "red"}, ("colour",), "there is no field 'colour'"),
    ({"titles": "red"}, ("titles",), "there is no field 'titles'; did you mean 'title'?"),
]


@pytest.mark.parametrize(
    ("fields", "path", "message"), REFUSED, ids=[str(fields)[:60] for fields, _, _ in REFUSED]
)
def test_refused(fields: dict[str, Any], path: tuple[str | int, ...], message: str) -> None:
    """A field that breaks a rule is refused at its place, in plain words, and nothing else is."""
    found = refusals(**fields)

    assert [path] == [where for where, _ in found]
    assert found[0][1].startswith(message)


CREDENTIALS = "an address holds no user and no password"
ADDRESS = "an address is written https://wiki.example.com/page, with http or https"
LINKS = [
    ("https://me:secret@wiki.example.com/", CREDENTIALS),
    ("https://token@wiki.example.com", CREDENTIALS),
    ("https://@wiki.example.com", CREDENTIALS),
    ("https://me:a/b@wiki.example.com", ADDRESS),
    ("https://good.example\\@evil.example", ADDRESS),
    ("wiki.example.com/page", ADDRESS),
    ("javascript:alert(1)", ADDRESS),
    ("data:text/html,x", ADDRESS),
    ("file:///etc/passwd", ADDRESS),
    ("ftp://a.example", ADDRESS),
    (" https://a.example", ADDRESS),
    ("https://a.example/b c", ADDRESS),
    ("https://", ADDRESS),
    ("https:///page", ADDRESS),
    ("https://:443/", ADDRESS),
    ("https://a.example:http/", ADDRESS),
    ("https://a.example:65536/", ADDRESS),
    ("https://[::1/", ADDRESS),
    ("https://a.example/\u202egpj", "an address holds no control characters"),
    ("https://a.example\n/", "an address holds no control characters"),
]


@pytest.mark.parametrize(("url", "message"), LINKS)
def test_link_refused(url: str, message: str) -> None:
    """A link is followed by people: it leads to a page of the web and carries no secret."""
    found = refusals(links={"runbook": url})

    assert [path for path, _ in found] == [("links", "runbook")]
    assert found[0][1].startswith(message)


@pytest.mark.parametrize(
    "url",
    [
        "https://wiki.example.com",
        "HTTP://localhost:8080?a=b#c",
        "https://[::1]:443/@team/page?to=me@example.com",
        "https://münchen.example/größe",
    ],
)
def test_link(url: str) -> None:
    """Any page of the web can be linked; an @ that is no user is nothing special."""
    assert a_kpi(links={"runbook": url}).links == {"runbook": url}


@pytest.mark.parametrize("category", ["financial", "operational", "customer", "marketing", "co2-and_water"])
def test_category(category: str) -> None:
    """A category is one that everybody knows, or a word of one's own."""
    assert a_kpi(category=category).category == category


def test_one_tag() -> None:
    """A single tag needs no brackets."""
    assert a_kpi(tags="board").tags == ("board",)


def test_silent_fields() -> None:
    """What was stored before a field of meaning was there is the same definition, to the letter."""
    stored = {
        "slug": "orders", "title": "Orders", "category": "customer", "owner": "sales",
        "event_type": "order.paid", "aggregate": "count", "windows": ["5m"],
    }  # fmt: skip
    kpi = Kpi.model_validate(stored)

    assert stored == spec_of(kpi)
    assert not {"glossary", "tags", "links"} & spec_of(kpi).keys()


def an_alert(**fields: Any) -> dict[str, Any]:
    return {"name": "low", "window": "5m", "condition": "below", "threshold": 1} | fields


ALERTS = [
    ([an_alert(window="1h")], ("alerts", 0, "window"), "1h is not among the KPI's windows"),
    ([an_alert(), an_alert()], ("alerts", 1, "name"), "there is another alert low"),
    ([an_alert(breakdown=["c"])], ("alerts", 0, "breakdown"), "[c] is not among the KPI's breakdowns"),
    (
        [an_alert(labels={"severity": "x"})],
        ("alerts", 0, "labels", "severity"),
        "severity is a field of its own",
    ),
    ([an_alert(**{"for": "5 min"})], ("alerts", 0, "for"), "a duration is written 0s, 90s, 5m, 2h or 1d"),
    ([an_alert(**{"for": "31d"})], ("alerts", 0, "for"), "a condition is held for 30d at most"),
    ([an_alert(condition="over")], ("alerts", 0, "condition"), "condition must be 'above', 'below'"),
    ([an_alert(fore="5m")], ("alerts", 0, "fore"), "there is no field 'fore'; did you mean 'for'?"),
    ([an_alert(name=f"a{n}") for n in range(51)], ("alerts",), "alerts has more than 50 entries"),
]


@pytest.mark.parametrize(("alerts", "path", "message"), ALERTS, ids=[message for _, _, message in ALERTS])
def test_alert_refused(alerts: list[Any], path: tuple[str | int, ...], message: str) -> None:
    """An alert is judged on a window and a breakdown that the KPI has."""
    found = refusals(alerts=alerts)

    assert [path] == [where for where, _ in found]
    assert found[0][1].startswith(message)


def test_all_rules_at_once() -> None:
    """Every broken rule is told, not just the first."""
    assert len(refusals(formula="a", where="data.x", windows=["60m", "1h"])) == 2


def test_evaluation_order() -> None:
    """A formula is worked out after the formulas that it reads."""
    catalogue = a_catalogue(
        a_kpi("a_share", formula="b_sum / c"), a_kpi("b_sum", formula="c + d"), a_kpi("c"), a_kpi("d")
    )

    assert catalogue.evaluation_order() == ("b_sum", "a_share")
    assert {"c", "d"} == set(catalogue.leaves("a_share"))
    assert catalogue.leaves("c") == ("c",)


def problems(*kpis: Kpi) -> list[tuple[str, tuple[str | int, ...], str]]:
    found = catalogue_problems({kpi.slug: kpi for kpi in kpis})
    return [(problem.slug, problem.path, problem.message) for problem in found]


def test_unknown_operand() -> None:
    """A formula that names no KPI is told at the name, with the closest one there is."""
    (problem,) = catalogue_problems({"a": a_kpi("a", formula="1 +\n ordrs"), "orders": a_kpi()})

    assert (problem.message, problem.place) == ("there is no KPI 'ordrs'; did you mean 'orders'?", (2, 2))


def test_cycle() -> None:
    """Formulas that come back to themselves are refused, with the way they go."""
    found = problems(a_kpi("a", formula="b"), a_kpi("b", formula="c"), a_kpi("c", formula="a + 1"))

    assert ("a", ("formula",), "a formula cannot come back to itself: a -> b -> c -> a") in found
    assert len(found) == 3


def test_self_reference() -> None:
    """A formula that reads itself is refused."""
    assert problems(a_kpi("a", formula="a")) == [
        ("a", ("formula",), "a formula cannot come back to itself: a -> a")
    ]


def test_operand_lacks() -> None:
    """A formula has no window, breakdown or day that one of its KPIs does not have."""
    formula = a_kpi("f", formula="o", windows=["today", "1h"], breakdowns=["c", "d"], zone="Asia/Tokyo")

    assert problems(formula, a_kpi("o", windows=["today"], breakdowns=["d"])) == [
        ("f", ("windows", 1), "the formula needs o, which has no window 1h"),
        ("f", ("breakdowns", 0), "the formula needs o, which has no breakdown [c]"),
        ("f", ("zone",), "today begins in Asia/Tokyo here and in UTC for o"),
    ]


def test_operand_with_another_year() -> None:
    """Quarters and years of a formula are those of its KPIs; days and months do not depend on them."""
    formula = a_kpi("f", formula="o", windows=["mtd", "qtd"], fiscal_year_start=4)

    assert problems(formula, a_kpi("o", windows=["mtd", "qtd"])) == [
        ("f", ("fiscal_year_start",), "qtd goes by years from month 4 here and by years from month 1 for o")
    ]
    monthly = a_kpi("f", formula="o", windows=["mtd"], fiscal_year_start=4)
    assert problems(monthly, a_kpi("o", windows=["mtd"])) == []


@pytest.mark.parametrize(
    ("windows", "here", "there", "message"),
    [
        (
            ["24h", "this_week"], {"week_start": "sunday"}, None,
            "this_week goes by weeks from sunday here and by weeks from monday for o",
        ),
        (
            ["today", "mtd"], {"weeks": "4-4-5", "year_ends": ENDS}, None,
            "mtd goes by 4-4-5 weeks of years to the nearest saturday of month 1 here and by years from",
        ),
        (
            ["ytd"], {"weeks": "4-4-5", "year_ends": ENDS}, {"weeks": "4-5-4", "year_ends": ENDS},
            "here and by 4-5-4 weeks of years",
        ),
        (["this_week"], {"weeks": "4-4-5", "year_ends": ENDS}, {"week_start": "sunday"}, None),
        (["24h", "today", "mtd"], {"week_start": "sunday"}, None, None),
    ],
)  # fmt: skip
def test_operand_with_another_calendar(
    windows: list[str], here: dict[str, Any], there: dict[str, Any] | None, message: str | None
) -> None:
    """A formula goes by the weeks, months and years of its KPIs, as far as its windows depend on them."""
    found = problems(
        a_kpi("f", formula="o", windows=windows, calendar=here), a_kpi("o", windows=windows, calendar=there)
    )

    assert [path for _, path, _ in found] == ([] if message is None else [("calendar",)])
    assert all(message is not None and message in told for *_, told in found)


def test_calendars_do_not_count() -> None:
    """A calendar changes what windows stand for, not what is counted: the measures are the same."""
    plain = a_kpi(windows=["mtd"], breakdowns=["shop"])
    retail = a_kpi(windows=["mtd"], breakdowns=["shop"], calendar={"weeks": "4-4-5", "year_ends": ENDS})

    assert plain.measures() == retail.measures()
    assert "calendar" not in spec_of(plain)


def test_holidays_count() -> None:
    """Closed holidays change what is counted; without them, and while open, it is what it was."""
    holidays = {"holidays": ["2026-12-25"]}
    plain, named, closed = (
        a_kpi(business_hours=hours, calendar=calendar).measures()[0].fingerprint
        for hours, calendar in (
            (HOURS, None), (HOURS, holidays), (HOURS | {"holidays": "closed"}, holidays)
        )
    )  # fmt: skip

    assert plain == named == BEFORE_HOLIDAYS
    assert closed != plain


def test_operand_of_totals() -> None:
    """What is read within total() alone needs no breakdown; outside it does."""
    shares = a_kpi("f", formula="o / total(p)", breakdowns=["c"])
    both = a_kpi("f", formula="o / total(p) + p", breakdowns=["c"])
    others = a_kpi("o", breakdowns=["c"]), a_kpi("p")

    assert problems(shares, *others) == []
    assert problems(both, *others) == [
        ("f", ("breakdowns", 0), "the formula needs p, which has no breakdown [c]")
    ]


def test_one_period_back() -> None:
    """There is no prev() of what has a prev() in it, however deep."""
    kpis = a_kpi("a"), a_kpi("growth", formula="a - prev(a)"), a_kpi("half", formula="growth / 2")

    assert problems(a_kpi("f", formula="half + prev(a)"), *kpis) == []
    assert problems(a_kpi("f", formula="a + prev(half)"), *kpis) == [
        ("f", ("formula",), "prev(half) goes back twice: there is a prev() in growth already")
    ]


def test_leaf_operands() -> None:
    """A formula comes down to KPIs of events, each with the period and the dimensions meant."""
    formulas = a_kpi("mean", formula="a / b"), a_kpi("f", formula="share(mean) - prev(mean)")

    found = a_catalogue(a_kpi("a"), a_kpi("b"), *formulas).leaf_operands("f")

    assert {"a", "b", "total(a)", "total(b)", "prev(a)", "prev(b)"} == {operand.text for operand in found}


def test_business_hours_are_counted_apart() -> None:
    """They are part of the measure, in whatever order days are named; without them nothing has changed."""
    plain, hours = a_kpi(), a_kpi(business_hours=HOURS)
    same = a_kpi("other", business_hours=HOURS | {"days": ["tue", "mon"]})

    assert plain.measures()[0].hours is None
    assert plain.measures() != hours.measures() == same.measures()
    assert plain.measures()[0].fingerprint != hours.measures()[0].fingerprint


BANDS = [
    ("20", Status.ON_TRACK),
    ("22", Status.ON_TRACK),
    ("17.9", Status.AT_RISK),
    ("15.9", Status.OFF_TRACK),
]


@pytest.mark.parametrize(("value", "expected"), BANDS)
def test_band(value: str, expected: Status) -> None:
    """With the direction band, the distance from the target decides: within 2 good, within 4 at risk."""
    kpi = a_kpi(direction="band", target={"value": 20, "tolerance": 2, "warning": 4})
    (target,) = kpi.target

    aim = Aim(target.value, target.warning, target.tolerance)

    assert judge(Decimal(value), aim, direction=kpi.direction).status is expected
