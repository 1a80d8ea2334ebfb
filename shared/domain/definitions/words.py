"""Plain words for what pydantic finds wrong with a definition; it knows no file."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from shared.domain.definitions.kinds import fields_of

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with a field.

    Attributes:
        path: of the field, as in the file.
        about_name: it is the field's name that is wrong, not its value.
        within: line and column inside the field's text.
    """

    path: Path
    message: str
    about_name: bool = False
    within: tuple[int, int] | None = None


_WORDS = {
    "missing": "{name} is missing",
    "enum": "{name} must be {expected}",
    "string_type": "{name} must be a text; put it in quotes",
    "string_too_short": "{name} must not be empty",
    "string_too_long": "{name} has more than {max_length} characters",
    "string_pattern_mismatch": "{name} must have the form {pattern}",
    "int_type": "{name} must be a whole number",
    "bool_type": "{name} must be true or false",
    "greater_than": "{name} must be more than {gt}",
    "greater_than_equal": "{name} must be at least {ge}",
    "less_than_equal": "{name} must be at most {le}",
    "less_than": "{name} must be less than {lt}",
    "too_short": "{name} must not be empty",
    "too_long": "{name} has more than {max_length} entries",
    "tuple_type": "{name} must be a list",
    "mapping_type": "{name} must be a mapping of names to texts",
    "dict_type": "{name} must be a mapping of names to texts",
    "model_type": "{name} must be a mapping of fields",
}


def complaints(error: ValidationError, model: type[BaseModel]) -> list[Complaint]:
    """Everything that *error* tells of a definition of *model*, in the order of its fields."""
    found = [complaint for one in error.errors(include_url=False) for complaint in _told(one, model)]
    paths = {complaint.path for complaint in found}
    # A list whose items were refused is also called empty: once is enough.
    return [c for c in found if not (c.message.endswith("must not be empty") and _has_below(c.path, paths))]


def _has_below(path: Path, paths: set[Path]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in paths)


def _told(error: Mapping[str, Any], model: type[BaseModel]) -> Iterator[Complaint]:
    path, kind, context = tuple(error["loc"]), error["type"], error.get("ctx", {})
    name = next((step for step in reversed(path) if isinstance(step, str)), "a document")
    match kind:
        case "rules":
            yield from (
                Complaint(path + one.path, one.message, within=one.within) for one in context["rules"]
            )
        case "rule":
            message = str(context["message"])
            message = f"{name} {message}" if message.startswith("must ") else message
            within = (context["line"], context["column"]) if "line" in context else None
            yield Complaint(path, message, within=within)
        case "extra_forbidden":
            yield Complaint(path, _unknown(path, model), about_name=True)
        case _:
            words = _WORDS.get(kind)
            yield Complaint(path, words.format(name=name, **context) if words else f"{name}: {error['msg']}")


def _unknown(path: Path, model: type[BaseModel]) -> str:
    known = [name for each in _models_at(model, path[:-1]) for name in fields_of(each)]
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f"there is no field {path[-1]!r}" + (f"; did you mean {close[0]!r}?" if close else "")


def _models_at(model: type[BaseModel], path: Path) -> tuple[type[BaseModel], ...]:
    """The models whose fields may stand at *path*, of which steps that name no field are left out."""
    at: tuple[type[BaseModel], ...] = (model,)
    for step in path:
        fields = [
            field for each in at for name, field in each.model_fields.items() if step in (name, field.alias)
        ]
        if fields:
            at = tuple(found for field in fields for found in _models_in(field.annotation))
    return at


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that *annotation* speaks of, in lists, in mappings and among others."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
