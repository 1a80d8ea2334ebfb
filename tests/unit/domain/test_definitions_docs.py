"""The reference of KPI files says what is so."""

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from shared.domain.definitions import Kind, Kpi, key_of
from shared.domain.definitions.kinds import MODELS, fields_of
from shared.domain.definitions.kpi_files import definitions_of, kpis_of
from shared.domain.definitions.schemas import kpi_file_schema
from shared.domain.expressions.reading import FUNCTIONS

REFERENCE = (Path(__file__).parents[3] / "docs" / "kpi-files.md").read_text("utf-8")
EXAMPLE = REFERENCE.split("```yaml\n")[1].split("```")[0]


def test_example() -> None:
    """The example of the reference is a KPI file, to the command and to editors."""
    assert [kpi.slug for kpi in kpis_of(EXAMPLE)] == ["revenue", "orders", "mean_order"]

    for document in yaml.safe_load_all(EXAMPLE):
        jsonschema.validate(document, kpi_file_schema())


def test_fields() -> None:
    """The reference lists every field, in the order of the definition."""
    assert re.findall(r"^\| `(\w+)` \|", REFERENCE, re.MULTILINE) == list(Kpi.model_fields)


KINDS = REFERENCE.split("```yaml\n")[2].split("```")[0]


def test_other_kinds() -> None:
    """The example of the other kinds goes with that of the KPIs, to the command and to editors."""
    found = definitions_of(f"{EXAMPLE}---\n{KINDS}")

    assert [key_of(each)[1] for each in found[3:]] == [
        "double-online-sales",
        "grow",
        "sales-board",
        "order.paid",
    ]
    for document in yaml.safe_load_all(KINDS):
        jsonschema.validate(document, kpi_file_schema())


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.KPI])
def test_fields_of_other_kinds(kind: Kind) -> None:
    """The reference lists every field of every kind."""
    table = re.split(rf"^\| field of an? {kind.noun} \|", REFERENCE, flags=re.MULTILINE)
    rows = re.findall(r"^\| (\w[\w, ]*) \|", table[1].split("\n\n")[0], re.MULTILINE)

    assert {name for row in rows for name in row.split(", ")} == set(fields_of(MODELS[kind]))


def test_functions() -> None:
    """The reference lists every function."""
    (row,) = re.findall(r"^\| functions \| (.*) \|$", REFERENCE, re.MULTILINE)

    assert set(re.findall(r"`(\w+)", row)) == FUNCTIONS
