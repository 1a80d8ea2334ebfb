"""The JSON Schema of KPI files, for editors; what it cannot say, `tidemark kpi lint` does."""

from typing import Any

from shared.domain.definitions.kpi_files import API_VERSION, KIND
from shared.domain.definitions.kpis import Kpi


def kpi_file_schema() -> dict[str, Any]:
    """The schema of one document of a KPI file."""
    schema = Kpi.model_json_schema(by_alias=True)
    header = {
        "apiVersion": {"const": API_VERSION, "description": "The version of the format."},
        "kind": {"const": KIND, "description": "What the document defines."},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A KPI of Tidemark",
        "description": "One document of a KPI file; a file may hold several, separated by ---.",
        "type": "object",
        "additionalProperties": False,
        "required": [*header, *schema["required"]],
        "oneOf": [{"required": ["formula"]}, {"required": ["event_type", "aggregate"]}],
        "properties": header | schema["properties"],
        "$defs": schema["$defs"],
    }
