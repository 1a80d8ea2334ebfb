"""KPI files: every problem at its place, all of them at once, and nothing of YAML that surprises."""

import contextlib
import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.definitions import DefinitionError
from shared.domain.definitions.fields import CATEGORIES
from shared.domain.definitions.kpi_files import kpis_of, read_definitions
from shared.domain.definitions.schemas import kpi_file_schema
from shared.domain.windows import CALENDAR_WINDOWS

ROOT = Path(__file__).parents[3]
HEAD = "apiVersion: tidemark/v1\nkind: KPI\n"
A_KPI = HEAD + "slug: orders\ntitle: Orders\ncategory: customer\nowner: me\nwindows: [5m]\n"
COUNTED = A_KPI + "event_type: order.paid\naggregate: count\n"


def problems(text: str) -> list[str]:
    """The problems of *text* as line:column message."""
    try:
        kpis_of(text)
    except DefinitionError as error:
        return [f"{p.place.line}:{p.place.column} {p.message}" for p in error.problems if p.place]
    return []


def test_several_documents() -> None:
    """A file holds several KPIs; empty documents and comments are nothing."""
    text = f"# ours\n---\n{COUNTED}---\n# more\n---\n{COUNTED.replace('orders', 'others')}"

    assert [kpi.slug for kpi in kpis_of(text)] == ["orders", "others"]


def test_plain_words_stay_texts() -> None:
    """A country code is no truth value, and a date is no date."""
    text = COUNTED.replace("title: Orders", "title: NO").replace("owner: me", "owner: 2013-01-01")

    assert [(kpi.title, kpi.owner) for kpi in kpis_of(text)] == [("NO", "2013-01-01")]


def test_numbers_are_exact() -> None:
    """A number of the file is the decimal that stands there."""
    (kpi,) = kpis_of(COUNTED + "target: {value: 0.10000000000000000001}\n")

    assert str(kpi.target[0].value) == "0.10000000000000000001"


def test_all_problems() -> None:
    """Every problem of a file is told at once, in the order of its lines."""
    text = COUNTED.replace("customer", "No").replace("5m", "5m, 5x") + "where: amount > 1\ncolour: red\n"

    assert problems(text) == [
        (
            f"5:11 a category is {', '.join(CATEGORIES)} or a word of your own: "
            "a small letter, then up to 62 small letters, digits, _ and -"
        ),
        "7:15 '5x' is no window: write a length such as 5m, 24h or 30d, or one of "
        + ", ".join(CALENDAR_WINDOWS),
        "10:8 unknown name 'amount': fields of the event are written data.amount",
        "11:1 there is no field 'colour'",
    ]


EXPRESSIONS = [
    ("where: data.a == 1 and amount > 1", "10:24"),
    ("where: 'data.a == ''x'' and amount > 1'", "10:29"),
    ('where: "data.a == \\"x\\" and amount > 1"', "10:29"),
    ("where: >-\n  data.a == 1\n  and amount > 1", "12:7"),
    ("where: |\n  data.a == 1\n    and amount > 1", "12:9"),
    ("where:\n  data.a == 1\n  and amount > 1", "12:7"),
    ("where: |\n  data.ä == 'ü' # why\n  and amount > 1", "12:7"),
    ("where: data.a ==", "10:17"),
]


@pytest.mark.parametrize(("line", "place"), EXPRESSIONS, ids=[line for line, _ in EXPRESSIONS])
def test_place_in_expression(line: str, place: str) -> None:
    """A mistake in an expression is shown where it stands in the file, however YAML folds and quotes it."""
    (problem,) = problems(f"{COUNTED}{line}\n")

    assert problem.split(" ", 1)[0] == place


REFUSED = [
    ("a: [", "2:1 this is no YAML"),
    (COUNTED + "title: again\n", "10:1 'title' is there twice"),
    (COUNTED + "unit: &u EUR\n", "10:7 anchors (&) and aliases (*) are not read"),
    (COUNTED + "unit: *u\n", "10:7 anchors (&) and aliases (*) are not read"),
    (COUNTED + "unit: !!python/name:os.system ''\n", "10:7 tags (!) are not read"),
    ("[" * 100_000, "1:17 nested more than 16 deep"),
    (COUNTED + "? [a]\n: b\n", "10:3 a key is a plain word"),
    ("- 1\n", "1:1 a document is a mapping of fields"),
    (COUNTED.replace("v1", "v2"), "1:13 write apiVersion: tidemark/v1"),
    (COUNTED.replace("kind: KPI\n", ""), "1:1 write kind: KPI"),
    (COUNTED.replace("owner: me\n", ""), "1:1 owner is missing"),
    (COUNTED.replace("owner: me\n", "owner:\n"), "6:7 owner is missing"),
    (COUNTED.replace("owner: me\n", "owner: 5\n"), "6:8 owner must be a text; put it in quotes"),
    (COUNTED + "---\n" + COUNTED, "13:7 the KPI orders is there already, in definitions.yaml line 3"),
    (A_KPI + "formula: 1 + revenue\n", "8:14 there is no KPI 'revenue'"),
    (COUNTED + "unit: a\x07b\n", "10:8 the character U+0007 is not read"),
    (COUNTED + "unit: \ud800\n", "10:7 the character U+D800 is not read"),
    ("#" * 1_048_577, "1:1 the file is larger than 1 MiB"),
]


@pytest.mark.parametrize(("text", "expected"), REFUSED, ids=[expected for _, expected in REFUSED])
def test_refused(text: str, expected: str) -> None:
    """What is no KPI file is refused at the spot, in plain words."""
    (problem,) = problems(text)

    assert problem.startswith(expected)


def test_caret() -> None:
    """A problem shows its file, line, column, the line itself and a caret."""
    with pytest.raises(DefinitionError) as caught:
        read_definitions({"kpis/shop.yaml": COUNTED + "where: amount > 1\n"})

    assert str(caught.value) == (
        "kpis/shop.yaml:10:8: unknown name 'amount': fields of the event are written data.amount\n"
        "    where: amount > 1\n"
        "           ^"
    )


def test_windows_line_ends() -> None:
    """A file written on Windows reads the same."""
    assert kpis_of(COUNTED) == kpis_of("\ufeff" + COUNTED.replace("\n", "\r\n"))


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=80) | st.text(alphabet="abc:-[]{}&*!|>'\"#%@,? \n\t0.", max_size=60))
def test_any_text(text: str) -> None:
    """No text whatever ends in anything but KPIs or problems."""
    for whole in (text, f"{COUNTED}unit: {text}"):
        with contextlib.suppress(DefinitionError):
            kpis_of(whole)


def test_schema_is_current() -> None:
    """The schema for editors is the one of this release: `tidemark kpi schema > docs/kpi.schema.json`."""
    assert kpi_file_schema() == json.loads((ROOT / "docs" / "kpi.schema.json").read_text("utf-8"))


def test_schema_accepts() -> None:
    """The schema is valid itself, and accepts a KPI that is valid."""
    schema = kpi_file_schema()
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.validate(yaml.safe_load(COUNTED + "breakdowns: [c, [a, b]]\ntarget: {value: 1}\n"), schema)


def test_schema_refuses() -> None:
    """An editor shows a field that does not exist."""
    with pytest.raises(jsonschema.ValidationError, match="colour"):
        jsonschema.validate(yaml.safe_load(COUNTED + "colour: red\n"), kpi_file_schema())
