"""What events of one type look like, as their senders promise; whether they keep to it is seen elsewhere."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema

from shared.domain.definitions.fields import Dimension, Line, Paragraphs, broken
from shared.domain.definitions.fields import EventType as TypeName
from shared.domain.definitions.parts import MODEL
from shared.domain.event_schemas import EventSchema, UnusableSchemaError

MAX_SCHEMA_DEPTH = 12
"""Levels of a JSON Schema: as deep as a KPI file may be, less what stands around it."""


class OnViolation(StrEnum):
    """What becomes of an event that its schema does not allow."""

    REJECT = "reject"
    """It goes to the dead letters."""

    FLAG = "flag"
    """It counts, and is told as one that breaks its schema."""


def _json(value: Any, depth: int = 1) -> Any:
    """*value* with numbers that JSON has; exact decimals of a file become the nearest binary fractions."""
    if depth > MAX_SCHEMA_DEPTH:
        raise broken(f"a schema is nested at most {MAX_SCHEMA_DEPTH} deep")
    if isinstance(value, Mapping):
        return {str(name): _json(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_json(each, depth + 1) for each in value]
    return (
        _number(value) if isinstance(value, Decimal | int | float) and not isinstance(value, bool) else value
    )


_SMALLEST = Decimal("1e-30")


def _number(value: Decimal | float) -> int | float:
    if not (value == 0 or _SMALLEST <= abs(Decimal(value)) <= 1 / _SMALLEST):
        raise broken("a number of a schema lies between 1e-30 and 1e30")
    return int(value) if value == int(value) else float(value)


def _usable(schema: dict[str, Any]) -> dict[str, Any]:
    try:
        EventSchema(schema)
    except UnusableSchemaError as error:
        raise broken(str(error)) from error
    return schema


JsonObject = Annotated[
    dict[str, Any],
    BeforeValidator(_json),
    AfterValidator(_usable),
    WithJsonSchema({"type": "object", "additionalProperties": True}),
]


class EventType(BaseModel):
    """What one document of the kind EventType may say."""

    model_config = MODEL

    type: TypeName
    """The `type` of the events."""

    description: Paragraphs = ""
    """When they are sent, and what they say."""

    owner: Line
    """Who sends them and answers for them."""

    json_schema: Annotated[JsonObject | None, Field(alias="schema")] = None
    """What their data must keep to: a JSON Schema; without it, any data will do."""

    on_violation: OnViolation = OnViolation.REJECT
    """What becomes of an event that does not keep to it: reject or flag."""

    personal: Annotated[tuple[Dimension, ...], Field(max_length=200)] = ()
    """Fields of their data that tell of persons: examples of them are never shown."""
