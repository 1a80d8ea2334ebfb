"""What the framework cannot say about the API by itself: problems, and the events of the stream."""

from typing import Any

from pydantic import TypeAdapter

from services.api.problems import Problem
from services.api.schemas import ChangeBody, FarewellBody, GoneBody
from shared.domain.definitions.kinds import MODELS

_REF = "#/components/schemas/{model}"

_TOLD = (ChangeBody, GoneBody, FarewellBody)
"""What the events of the stream carry: `value`, `gone`, and `reset` or `bye`."""

_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["value", "gone", "reset", "bye"]},
        "id": {"type": "string", "description": "Send it back as Last-Event-ID to go on from here"},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"anyOf": [{"$ref": _REF.format(model=shape.__name__)} for shape in _TOLD]},
        },
        "retry": {"type": "integer", "description": "Milliseconds to wait before coming again"},
    },
}


def _fields() -> dict[str, Any]:
    """The fields of definitions as they are sent, which are judged by us and not by the framework."""
    found: dict[str, Any] = {}
    for kind, model in MODELS.items():
        schema = model.model_json_schema(by_alias=True, ref_template=_REF.format(model="{model}Fields"))
        found |= {f"{name}Fields": part for name, part in schema.pop("$defs", {}).items()}
        found[f"{kind}Fields"] = schema
    return dict(sorted(found.items()))


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """*document* with the schemas that only problems and events use."""
    schemas = document["components"]["schemas"]
    for shape in (Problem, *_TOLD):
        schema = TypeAdapter(shape).json_schema(ref_template=_REF, mode="serialization")
        schemas.update(schema.pop("$defs", {}))
        schemas[shape.__name__] = schema
    schemas.update(_fields())
    for operations in document["paths"].values():
        if "get" in operations:
            operations["get"]["responses"]["304"] = {"description": "What If-None-Match names still holds"}
    del document["paths"]["/v1/stream"]["get"]["responses"]["304"]
    stream = document["paths"]["/v1/stream"]["get"]["responses"]["200"]
    stream["content"] = {"text/event-stream": {"itemSchema": _EVENT}}
    return document
