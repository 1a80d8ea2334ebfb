"""The reference of KPI files says what is so."""

import re
from pathlib import Path

import jsonschema
import yaml

from shared.domain.definitions import Kpi
from shared.domain.definitions.kpi_files import kpis_of
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


def test_functions() -> None:
    """The reference lists every function."""
    (row,) = re.findall(r"^\| functions \| (.*) \|$", REFERENCE, re.MULTILINE)

    assert set(re.findall(r"`(\w+)", row)) == FUNCTIONS
