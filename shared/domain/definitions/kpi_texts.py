"""Definitions as the text of KPI files, which reads back as the same definitions; it writes no file."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import yaml

from shared.domain.definitions.kinds import Definition, key_of
from shared.domain.definitions.kpi_files import API_VERSION
from shared.domain.definitions.plans import spec_of
from shared.domain.definitions.yaml_nodes import STRANGE, Mark, Scalar

SEPARATOR = "---\n"
"""What stands between two documents of one file."""

_WIDTH_CHARACTERS = 110
_START = Mark(0, 0, 0)
_TAGS = {
    str: "tag:yaml.org,2002:str",
    int: "tag:yaml.org,2002:int",
    bool: "tag:yaml.org,2002:bool",
    float: "tag:yaml.org,2002:float",
    type(None): "tag:yaml.org,2002:null",
}


def definition_text(definition: Definition) -> str:
    """The document that defines *definition*: its fields in the order of the reference, without defaults.

    Reading it gives a definition with the same specification, whatever the texts and numbers in it are.
    """
    kind, _ = key_of(definition)
    # Numbers are texts in a specification; the model still has them as numbers.
    held = definition.model_dump(by_alias=True, exclude_defaults=True)
    node = _mapping({"apiVersion": API_VERSION, "kind": str(kind)} | spec_of(definition), held)
    text: str = yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True, width=_WIDTH_CHARACTERS)
    return text


def _node(told: Any, held: Any) -> yaml.Node:
    if isinstance(told, Mapping):
        return _mapping(told, held)
    if isinstance(told, list):
        return _sequence(told, held)
    if isinstance(held, Decimal):
        return _number(told)
    if isinstance(told, str):
        return _text(told)
    return yaml.ScalarNode(_TAGS[type(told)], _literal(told))


def _mapping(told: Mapping[str, Any], held: Mapping[str, Any]) -> yaml.Node:
    pairs = [(_text(name), _node(value, held.get(name))) for name, value in told.items()]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)


def _sequence(told: list[Any], held: Any) -> yaml.Node:
    items = [_node(each, of) for each, of in zip(told, held, strict=True)]
    is_short = not any(isinstance(each, Mapping) for each in told)
    return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=is_short)


def _number(text: str) -> yaml.Node:
    """A number without quotes, unless it would be read as one that is written otherwise."""
    read = Scalar(_START, text, None).plain
    composed = yaml.compose(text, Loader=yaml.SafeLoader)
    if composed is not None and isinstance(read, int | Decimal) and str(Decimal(read)) == text:
        # With the tag that YAML gives it anyway it is left without one, and without quotes.
        return yaml.ScalarNode(composed.tag, text)
    return yaml.ScalarNode(_TAGS[str], text, style="'")


def _literal(told: object) -> str:
    """Null, a truth value or a number as JSON and YAML write it: in YAML, exponents follow a point."""
    mantissa, mark, exponent = json.dumps(told).partition("e")
    if not mark or not isinstance(told, float):
        return mantissa + mark + exponent
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(exponent):+03d}"


def _text(text: str) -> yaml.Node:
    """A text in the plainest style that our reader, and others by YAML's own rules, take for this text."""
    if STRANGE.search(text):
        return yaml.ScalarNode(_TAGS[str], text, style='"')
    if "\n" in text.rstrip("\n") and text.strip() == text.rstrip("\n"):
        return yaml.ScalarNode(_TAGS[str], text, style="|")
    is_plain = Scalar(_START, text, None).plain == text
    return yaml.ScalarNode(_TAGS[str], text, style=None if is_plain else "'")
