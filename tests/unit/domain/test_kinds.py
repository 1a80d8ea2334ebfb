"""Objectives, scorecards and event types beside KPIs: read, judged alone and together, written out again."""

from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.definitions import (
    Action,
    Definition,
    DefinitionError,
    Definitions,
    EventType,
    Kind,
    Kpi,
    Objective,
    Scorecard,
    key_of,
    plan,
)
from shared.domain.definitions.kpi_files import (
    check_together,
    definition_of,
    definitions_of,
    read_definitions,
)
from shared.domain.definitions.kpi_texts import SEPARATOR, definition_text
from shared.domain.definitions.objectives import with_descendants
from shared.domain.definitions.plans import spec_of
from shared.domain.definitions.schemas import kpi_file_schema
from shared.domain.definitions.scorecards import members_of
from tests.unit.domain.kpi_builders import a_catalogue, a_kpi

HEAD = "apiVersion: tidemark/v1\nkind: {}\n"
ORDERS = HEAD.format("KPI") + (
    "slug: orders\ntitle: Orders\ncategory: customer\nowner: me\nobjective: grow\nwindows: [5m, 1h]\n"
    "event_type: order.paid\naggregate: count\nbreakdowns: [country]\n"
)
GROW = HEAD.format("Objective") + "slug: grow\ntitle: Grow\nowner: me\n"
BOARD = HEAD.format("Scorecard") + "slug: board\ntitle: Board\nowner: me\n"
PAID = HEAD.format("EventType") + "type: order.paid\nowner: me\n"


def _file(*documents: str) -> str:
    return "---\n".join(documents)


def problems(*documents: str) -> list[str]:
    """The problems of *documents* as line:column message."""
    try:
        definitions_of(_file(*documents))
    except DefinitionError as error:
        return [f"{p.place.line}:{p.place.column} {p.message}" for p in error.problems if p.place]
    return []


def test_every_kind() -> None:
    """A file holds documents of every kind, in any order."""
    board = BOARD + "kpis: [{kpi: orders, weight: 2.5, window: 1h, dimensions: {country: DE}}]\n"

    found = definitions_of(_file(board, PAID, GROW, ORDERS))

    assert [key_of(each) for each in found] == [
        (Kind.SCORECARD, "board"),
        (Kind.EVENT_TYPE, "order.paid"),
        (Kind.OBJECTIVE, "grow"),
        (Kind.KPI, "orders"),
    ]


SAME = "6:29 orders is there already, with the same window and dimensions"
NAMES = "3:7 a name begins with a small letter, then has up to 62 small letters, digits, _ and -"
ALONE = [
    ("kind", ORDERS.replace("KPI", "Kpi"), "2:7 write kind: KPI, Objective, Scorecard or EventType"),
    ("objective_field", GROW + "colour: red\n", "6:1 there is no field 'colour'"),
    ("near", GROW + "parents: top\n", "6:1 there is no field 'parents'; did you mean 'parent'?"),
    ("no_weight", GROW + "weight: 0\n", "6:9 weight must be more than 0"),
    ("slug", GROW.replace("grow", "Grow", 1), NAMES),
    ("empty_board", BOARD, "1:1 a scorecard has kpis, or a select that says which"),
    ("empty_select", BOARD + "select: {}\n", "6:9 say an objective, a department, a category or a tag"),
    ("both", BOARD + "kpis: [{kpi: orders}]\nselect: {tag: a}\n",
     "7:9 a scorecard has kpis or select, not both"),
    ("twice", BOARD + "kpis: [{kpi: orders}, {kpi: orders}]\n", SAME),
    ("within", BOARD + "kpis: [{kpi: orders, wieght: 2}]\n",
     "6:22 there is no field 'wieght'; did you mean 'weight'?"),
    ("roll_up", BOARD + "select: {tag: a}\nroll_up: best\n", "7:10 roll_up must be 'mean' or 'worst'"),
    ("no_type", PAID.replace("type: order.paid\n", ""), "1:1 type is missing"),
    ("no_schema", PAID + "schema: 5\n", "5:9 schema must be a mapping of names to texts"),
    ("deep", PAID + "schema: " + "{a: " * 12 + "1" + "}" * 12 + "\n",
     "5:9 a schema is nested at most 12 deep"),
    ("again", GROW + "---\n" + GROW, "9:7 the objective grow is there already, in definitions.yaml line 3"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in ALONE], ids=[case[0] for case in ALONE])
def test_refused_alone(text: str, expected: str) -> None:
    """What a document of any kind breaks by itself is told in the words of KPIs, at its place."""
    assert problems(text) == [expected]


TOGETHER = [
    ("parent", GROW + "parent: grwo\n", "18:9 there is no objective 'grwo'; did you mean 'grow'?"),
    ("itself", GROW + "parent: grow\n", "18:9 an objective cannot be a part of itself: grow -> grow"),
    ("kpi", BOARD + "kpis: [{kpi: ordres}]\n", "18:14 there is no KPI 'ordres'; did you mean 'orders'?"),
    ("window", BOARD + "kpis: [{kpi: orders, window: 7d}]\n", "18:30 orders has no window 7d; it has 5m, 1h"),
    ("dimensions", BOARD + "kpis: [{kpi: orders, dimensions: {city: B}}]\n",
     "18:34 orders has no breakdown [city]"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"), [case[1:] for case in TOGETHER], ids=[case[0] for case in TOGETHER]
)
def test_refused_together(text: str, expected: str) -> None:
    """What a document of one kind breaks among the others is told at its place."""
    assert problems(ORDERS, text) == [expected]


def test_circles() -> None:
    """A circle of objectives is told at each of them, with the way."""
    top = GROW + "parent: sell\n"
    sell = GROW.replace("grow", "sell") + "parent: grow\n"

    assert problems(top, sell) == [
        "6:9 an objective cannot be a part of itself: grow -> sell -> grow",
        "13:9 an objective cannot be a part of itself: sell -> grow -> sell",
    ]


def _warnings(*documents: str) -> list[str]:
    located = read_definitions({"kpis.yaml": _file(*documents)})
    return [
        f"{each.place.line}:{each.place.column} {each.message}"
        for each in check_together(located, Definitions.of(one.definition for one in located))
        if each.place
    ]


def test_objectives_are_free_until_one_is_defined() -> None:
    """An objective that nobody defined is odd only where some are defined."""
    other = GROW.replace("slug: grow", "slug: growth")

    assert _warnings(ORDERS) == []
    assert _warnings(ORDERS, GROW) == []
    assert _warnings(ORDERS, other) == ["7:12 there is no objective 'grow'; did you mean 'growth'?"]


def test_several_objectives() -> None:
    """A KPI serves one objective or several; one alone is stored as it always was."""
    assert spec_of(a_kpi(objective="grow"))["objective"] == "grow"
    assert spec_of(a_kpi(objective=["grow"])) == spec_of(a_kpi(objective="grow"))
    assert spec_of(a_kpi(objective=["grow", "save"]))["objective"] == ["grow", "save"]
    assert "objective" not in spec_of(a_kpi())


def test_selection() -> None:
    """A selection takes the KPIs that have all it says; an objective stands for all below it."""
    objectives = {
        slug: Objective.model_validate({"slug": slug, "title": slug, "owner": "me", "parent": parent})
        for slug, parent in (("top", None), ("part", "top"), ("piece", "part"), ("other", None))
    }
    kpis = {
        "a": a_kpi("a", objective="piece", tags=["x"]),
        "b": a_kpi("b", objective=["other", "top"]),
        "c": a_kpi("c", objective="other", tags=["x"]),
    }

    def taken(**select: str) -> list[str]:
        card = Scorecard.model_validate({"slug": "s", "title": "S", "owner": "me", "select": select})
        return [each.kpi for each in members_of(card, kpis, objectives)]

    assert with_descendants("part", objectives) == {"part", "piece"}
    assert taken(objective="top") == ["a", "b"]
    assert taken(objective="top", tag="x") == ["a"]
    assert taken(tag="x") == ["a", "c"]
    assert taken(category="operational") == ["a", "b", "c"]
    assert taken(department="sales") == []


def test_problems_have_paths() -> None:
    """A definition that came without a file tells its problems by the paths of its fields."""
    with pytest.raises(DefinitionError) as caught:
        definition_of(Kind.KPI, {"slug": "orders", "alerts": [{"name": "low"}], "where": "data.a ==", "x": 1})

    told = {(problem.path, problem.within) for problem in caught.value.problems}
    assert {(("alerts", 0, "window"), None), (("where",), (1, 10)), (("x",), None)} <= told
    assert {problem.slug for problem in caught.value.problems} == {"orders"}


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.sampled_from(["", "null", "1e5", "a: b", "é"])
    | st.floats(1e-20, 1e20).flatmap(lambda x: st.sampled_from([x, -x]))
)
NAMED = st.sampled_from(["", "a", "1", "$ref", "null"])
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMED, inner, max_size=3),
    max_leaves=12,
)
LINES = st.sampled_from(["no", "1e5", "a: b", "Größe", "x" * 150])
OTHERS = st.tuples(
    st.builds(
        lambda title, weight: Objective.model_validate(
            {"slug": "grow", "title": title, "owner": "me", "weight": weight}
        ),
        LINES,
        st.decimals("0.01", 1000, places=2),
    ),
    st.builds(
        lambda title, weight, dimensions: Scorecard.model_validate(
            {
                "slug": "board",
                "title": title,
                "owner": "me",
                "roll_up": "worst",
                "kpis": [{"kpi": "orders", "weight": weight, "window": "5m", "dimensions": dimensions}],
            }
        ),
        LINES,
        st.integers(1, 100),
        st.sampled_from([{}, {"country": "no"}, {"country": "1"}]),
    ),
    st.builds(
        lambda name, schema, personal: EventType.model_validate(
            {"type": name, "owner": "me", "schema": schema, "personal": personal, "on_violation": "flag"}
        ),
        LINES,
        st.dictionaries(st.sampled_from(["const", "default"]), JSON, max_size=2).filter(
            lambda schema: _depth(schema) <= 12
        ),
        st.sampled_from([[], ["email", "customer.name"]]),
    ),
)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=1)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=1)
    return 1


@settings(deadline=None)
@given(others=OTHERS)
def test_any_catalogue(others: tuple[Definition, ...]) -> None:
    """Definitions of any kind, written out and read again, are a plan that changes and retires nothing."""
    kpi = a_kpi(breakdowns=["country"], objective=["grow", "no"])
    definitions = Definitions.of((kpi, *others))
    catalogue = a_catalogue(kpi, others=definitions)

    again = definitions_of(SEPARATOR.join(map(definition_text, definitions.by_key().values())))

    assert [spec_of(each) for each in again] == [spec_of(each) for each in definitions.by_key().values()]
    changes = plan(catalogue, again, prune=True)
    assert [change.action for change in changes] == [Action.UNCHANGED] * 4


def test_plan_of_all_kinds() -> None:
    """A plan tells of every kind what changes, and prunes every kind."""
    kpi = a_kpi()
    board = Scorecard.model_validate({"slug": "orders", "title": "O", "owner": "me", "select": {"tag": "a"}})
    grow = Objective.model_validate({"slug": "grow", "title": "Grow", "owner": "me"})
    catalogue = a_catalogue(kpi, others=Definitions.of([board, grow]))

    changes = plan(catalogue, [board.model_copy(update={"owner": "you"})], prune=True)

    assert [(change.key, change.action, change.version) for change in changes] == [
        ((Kind.SCORECARD, "orders"), Action.UPDATE, 2),
        ((Kind.KPI, "orders"), Action.RETIRE, 1),
        ((Kind.OBJECTIVE, "grow"), Action.RETIRE, 1),
    ]
    assert [each.field for each in changes[0].differences] == ["owner"]


@pytest.mark.parametrize(
    "document", [ORDERS, GROW, BOARD + "select: {tag: a}\n", PAID + "schema: {a: 0.5}\n"]
)
def test_schema(document: str) -> None:
    """Editors accept every kind, and show a field that the kind does not have."""
    jsonschema.validate(yaml.safe_load(document), kpi_file_schema())

    with pytest.raises(jsonschema.ValidationError, match="colour"):
        jsonschema.validate(yaml.safe_load(document + "colour: red\n"), kpi_file_schema())


def test_names_of_two_kinds() -> None:
    """A scorecard may be called as a KPI is: they are two things."""
    found = definitions_of(_file(ORDERS, BOARD.replace("board", "orders") + "select: {tag: a}\n"))

    assert [type(each) for each in found] == [Kpi, Scorecard]
