"""The JSON Schema of KPI files, for editors; what it cannot say, `tidemark kpi lint` does."""

from typing import Any

from shared.domain.definitions import defaults
from shared.domain.definitions.kinds import MODELS, Kind
from shared.domain.definitions.kpi_files import API_VERSION, HEADER

_REF = "#/$defs/{model}"


def kpi_file_schema() -> dict[str, Any]:
    """The schema of one document of a KPI file, of whatever kind."""
    documents = {kind: _document(kind) for kind in Kind}
    parts = {name: part for each in documents.values() for name, part in each.pop("$defs").items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A definition of Tidemark",
        "description": "One document of a KPI file; a file may hold several, separated by ---.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "oneOf": [{"$ref": _REF.format(model=kind)} for kind in (*Kind, defaults.KIND)],
        "$defs": dict(sorted(parts.items()))
        | {str(kind): documents[kind] for kind in Kind}
        | {defaults.KIND: _defaults(documents[Kind.KPI])},
    }


def _defaults(kpi: dict[str, Any]) -> dict[str, Any]:
    """The schema of defaults: some fields of a *kpi*, none of them needed."""
    properties = {name: kpi["properties"][name] for name in defaults.FIELDS}
    header = {name: kpi["properties"][name] for name in HEADER}
    kind = header["kind"] | {"const": defaults.KIND}
    return {
        "title": "Defaults of the KPIs that follow",
        "type": "object",
        "additionalProperties": False,
        "required": [*HEADER],
        "properties": header | {"kind": kind} | properties,
    }


def _document(kind: Kind) -> dict[str, Any]:
    schema = MODELS[kind].model_json_schema(by_alias=True, ref_template=_REF)
    header = {
        "apiVersion": {"const": API_VERSION, "description": "The version of the format."},
        "kind": {"const": str(kind), "description": "What the document defines."},
    }
    document = {
        "title": f"{kind.noun[0].upper()}{kind.noun[1:]}",
        "type": "object",
        "additionalProperties": False,
        "required": [*header, *schema["required"]],
        "properties": header | schema["properties"],
        "$defs": schema.get("$defs", {}),
    }
    sources = [{"required": ["formula"]}, {"required": ["event_type", "aggregate"]}]
    return document | ({"oneOf": sources} if kind is Kind.KPI else {})
