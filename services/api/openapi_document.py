"""What the framework cannot say about the API by itself: problems, and the events of the stream."""

from typing import Any

from pydantic import TypeAdapter

from services.api.http.problems import Problem
from services.api.schemas.values import ChangeBody, FarewellBody, GoneBody
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


_PLACES = {
    "slug": "The name in addresses: small letters, digits and _",
    "name": "The name of what is scored, as its definition or its KPIs have it",
    "event_type": "The type of events, as they have it themselves",
    "number": "The number of the version, from 1",
    "partition": "The partition of the dead letter's topic, from 0",
    "offset": "Where in the partition the dead letter lies, from 0",
    "key_id": "The part of the key between tmk_ and the next _",
}
"""What the parts of paths mean, which mean the same wherever they stand."""


def _described(operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path" and parameter["name"] in _PLACES:
            parameter.setdefault("description", _PLACES[parameter["name"]])


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
        for operation in operations.values():
            _described(operation)
        if "get" in operations:
            operations["get"]["responses"]["304"] = {"description": "What If-None-Match names still holds"}
    del document["paths"]["/v1/stream"]["get"]["responses"]["304"]
    stream = document["paths"]["/v1/stream"]["get"]["responses"]["200"]
    stream["content"] = {"text/event-stream": {"itemSchema": _EVENT}}
    return document
