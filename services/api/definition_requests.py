"""What a request says about one definition: the whole of it, or what of it changes; it stores nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from starlette.requests import Request

from services.api.definition_bodies import BODY_TYPES, JSON_TYPE, json_object, told_problem, yaml_text
from services.api.http.bodies import read_body
from services.api.security.refusals import problems_shown, warnings_shown
from services.api.security.views import seen_by, seen_definitions
from services.api.security.writes import as_if_active, check_events
from shared.domain.access import Limits
from shared.domain.definitions import (
    Catalogue,
    Definition,
    DefinitionError,
    Key,
    Kind,
    Problem,
    key_of,
)
from shared.domain.definitions.kinds import name_field
from shared.domain.definitions.kpi_files import (
    API_VERSION,
    MAX_BYTES,
    Located,
    definition_of,
    read_definitions,
)
from shared.domain.definitions.plans import outcome, spec_of

PATCH_TYPES = ("application/merge-patch+json", JSON_TYPE)
"""A merge patch is JSON, whatever it is called."""


@dataclass(frozen=True, slots=True)
class Received:
    """The body of a request, and what it was sent to."""

    media: str
    body: bytes
    target: str

    @property
    def fingerprint(self) -> str:
        """Tells this request from any other with the same key."""
        parts = (self.target, self.media, self.body.hex())
        return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


async def received(request: Request, *, patch: bool = False) -> Received:
    """The body of *request*, whole and of a type that is read.

    Raises:
        BadInputError: it is too large, not all there, or of another type.
    """
    media, body = await read_body(request, kinds=PATCH_TYPES if patch else BODY_TYPES, most=MAX_BYTES)
    target = f"{request.method} {request.url.path}?{request.url.query}"
    return Received(media, body, target)


@dataclass(frozen=True, slots=True)
class Sent:
    """A definition that was sent, with its document where it came as YAML."""

    definition: Definition
    located: Located | None = None

    @property
    def key(self) -> Key:
        """What it defines."""
        return key_of(self.definition)


def sent(got: Received, kind: Kind, *, name: str | None = None) -> Sent:
    """The definition of *kind* that was sent, called *name* where that is known already.

    Raises:
        DefinitionError: with every problem, each at its field, and with line and column in YAML.
    """
    found = _from_json(got.body, kind, name) if got.media == JSON_TYPE else _from_yaml(got.body, kind)
    if name is not None and found.key[1] != name:
        path = (name_field(kind),)
        place = None if found.located is None else found.located.origin.place_of(path)
        raise DefinitionError([Problem(f"the address says {name}: a name stays", name, place, path)])
    return found


def patched(got: Received, kind: Kind, current: Definition) -> Sent:
    """*current* with what the merge patch (RFC 7396) that was sent changes of its fields as a file has them.

    Raises:
        DefinitionError: with every problem, each at its field.
    """
    fields = merged(spec_of(current), json_object(got.body))
    _, name = key_of(current)
    if not isinstance(fields, dict) or fields.get(name_field(kind)) != name:
        raise DefinitionError([Problem("a name stays", name, path=(name_field(kind),))])
    return Sent(definition_of(kind, fields))


def merged(target: Any, patch: Any) -> Any:
    """*target* changed by *patch* as RFC 7396, section 2 has it: null takes away, objects go deeper."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def _from_json(body: bytes, kind: Kind, name: str | None) -> Sent:
    fields = dict(json_object(body))
    wrong = [
        Problem(f"write {field}: {wanted}, or leave it out", path=(field,))
        for field, wanted in (("apiVersion", API_VERSION), ("kind", kind.value))
        if fields.pop(field, wanted) != wanted
    ]
    if name is not None:
        fields.setdefault(name_field(kind), name)
    try:
        definition = definition_of(kind, fields)
    except DefinitionError as error:
        raise DefinitionError([*wrong, *error.problems]) from error
    if wrong:
        raise DefinitionError(wrong)
    return Sent(definition)


def _from_yaml(body: bytes, kind: Kind) -> Sent:
    located = read_definitions({"body": yaml_text(body)})
    if len(located) != 1:
        raise DefinitionError([Problem(f"send one document: there are {len(located)}")])
    if located[0].key[0] is not kind:
        place = located[0].origin.place_of(("kind",))
        raise DefinitionError([Problem(f"write kind: {kind}", place=place, path=("kind",))])
    return Sent(located[0].definition, located[0])


def warned(sent: Sent, before: Catalogue, limits: Limits) -> tuple[Problem, ...]:
    """What is odd about *before* with what was *sent*, if that holds together for a caller with *limits*.

    Raises:
        DefinitionError: with every problem; what breaks elsewhere is told by its kind and name, if the
            caller may know of it.
    """
    seen, after = seen_definitions(before, limits), outcome(before, [sent.definition])
    found = problems_shown(after, [sent.definition], seen)
    if not limits.is_everything:
        check_events([sent.definition], seen_by(before, limits))
        # A draft may name anything; of one that names what is hidden only a part would be seen again.
        active = as_if_active(sent.definition)
        found = tuple(dict.fromkeys([*found, *problems_shown(outcome(before, [active]), [active], seen)]))
    origins = {} if sent.located is None else {sent.key: sent.located.origin}
    if found:
        raise DefinitionError([told_problem(each, {sent.key}, origins) for each in found])
    odd = warnings_shown(after, [sent.definition], seen)
    return tuple(told_problem(each, {sent.key}, origins) for each in odd)
