"""Schemas of events: what may be one, what they refuse, and that their cost has a bound."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from shared.domain.definitions.event_types import EventType
from shared.domain.event_schemas import MAX_PARTS, EventSchema, UnusableSchemaError
from shared.domain.observations.types import Violation

ORDER: dict[str, Any] = {
    "type": "object",
    "required": ["amount"],
    "properties": {
        "amount": {"type": "number", "minimum": 0, "multipleOf": 0.01},
        "status": {"enum": ["open", "paid"]},
        "at": {"type": "string", "format": "date-time"},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
        "by_name": {"additionalProperties": {"type": "integer"}},
    },
    "$defs": {"line": {"properties": {"sku": {"type": "string", "pattern": "^[a-z]+$"}}}},
}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, ("data", "required")),
        ({"amount": -1}, ("data.amount", "minimum")),
        ({"amount": Decimal("12.345")}, ("data.amount", "multipleOf")),
        ({"amount": "12"}, ("data.amount", "type")),
        ({"amount": 1, "status": "secret"}, ("data.status", "enum")),
        ({"amount": 1, "at": "yesterday"}, ("data.at", "format")),
        ({"amount": 1, "lines": [{"sku": "a"}, {"sku": "9"}]}, ("data.lines[].sku", "pattern")),
        ({"amount": 1, "by_name": {"jane@example.org": "x"}}, ("data.by_name.*", "type")),
    ],
    ids=lambda each: str(each)[:40],
)
def test_broken(data: dict[str, Any], expected: tuple[str, str]) -> None:
    """The first broken rule is told with its place; no value of the event is repeated."""
    found = EventSchema(ORDER).broken_by(data)

    assert found is not None
    violation, sentence = found
    assert violation == Violation(*expected)
    assert f"breaks the rule {expected[1]} of the schema" in sentence
    assert not any(text in sentence for text in ("secret", "yesterday", "12.345", "example.org"))


@pytest.mark.parametrize(
    "data",
    [{"amount": Decimal("12.10")}, {"amount": 12}, {"amount": Decimal("0.07"), "more": 1}],
)
def test_kept(data: dict[str, Any]) -> None:
    """What keeps every rule passes; decimals are judged by every digit, not by way of binary fractions."""
    assert EventSchema(ORDER).broken_by(data) is None


PARTS = st.sampled_from(
    [
        {"type": "integer"},
        {"type": "string"},
        {"minimum": 3},
        {"maxLength": 2},
        {"enum": [1, "a"]},
        True,
        False,
    ]
)


@given(
    st.dictionaries(st.sampled_from("abc"), PARTS),
    st.lists(st.sampled_from("abc"), unique=True),
    st.dictionaries(
        st.sampled_from("abc"), st.integers(-5, 5) | st.text(max_size=3) | st.none() | st.booleans()
    ),
)
def test_as_another_validator(properties: dict[str, Any], required: list[str], data: dict[str, Any]) -> None:
    """Which events keep a schema is what a second implementation says."""
    schema = {"properties": properties, "required": required}

    assert Draft202012Validator(schema).is_valid(data) == (EventSchema(schema).broken_by(data) is None)


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"$ref": "https://example.org/schema"}, "leads elsewhere"),
        ({"$ref": "file:///etc/passwd"}, "leads elsewhere"),
        ({"$ref": "#/$defs/none"}, "leads to nothing"),
        ({"properties": {"a": {"$ref": "#"}}}, "leads back to itself"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "leads back to itself"),
        ({"$id": "https://example.org/"}, "$id is not accepted"),
        ({"$dynamicRef": "#a"}, "$dynamicRef is not accepted"),
        ({"$schema": "https://example.org/own"}, "no JSON Schema that can be used"),
        ({"type": "strange"}, "no JSON Schema that can be used"),
        ({"pattern": "(a+)+\\1"}, "no JSON Schema that can be used"),
        ({"pattern": "(a{1000}){1000}"}, "no JSON Schema that can be used"),
        ({"enum": ["x" * 70_000]}, "at most 64 KiB"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_unusable(schema: dict[str, Any], complaint: str) -> None:
    """What leads elsewhere or to itself, is too large, or is no schema is refused with the reason."""
    with pytest.raises(UnusableSchemaError) as caught:
        EventSchema(schema)

    assert complaint in str(caught.value)


def test_references_that_multiply() -> None:
    """References that double twenty times over would be a million parts; that is found without doing them."""
    names = {f"a{n}": {"anyOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(20)}

    with pytest.raises(UnusableSchemaError, match=f"{MAX_PARTS:,} parts"):
        EventSchema({"$ref": "#/$defs/a0", "$defs": {**names, "a20": {"type": "null"}}})


def test_patterns_take_linear_time() -> None:
    """A pattern that others try in exponentially many ways is through at once."""
    schema = EventSchema({"properties": {"a": {"pattern": "^(a+)+$"}}})

    assert schema.broken_by({"a": "a" * 4000 + "!"}) is not None


def test_definition() -> None:
    """A definition with a schema that cannot be used is refused, and one that can is kept as it is."""
    kept = EventType.model_validate({"type": "order", "owner": "shop", "schema": ORDER})
    with pytest.raises(ValidationError, match="leads elsewhere"):
        EventType.model_validate({"type": "order", "owner": "shop", "schema": {"$ref": "http://a/b"}})

    assert kept.json_schema == ORDER
