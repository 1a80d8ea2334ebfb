"""What putting definitions in force would change; it changes nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.domain.definitions.catalogues import Catalogue
from shared.domain.definitions.kinds import MODELS, Definition, Definitions, Key, Kind, fields_of, key_of
from shared.domain.definitions.kpis import Kpi
from shared.domain.definitions.together import problems_together
from shared.domain.errors import BadInputError, UnknownDefinitionError


class Action(StrEnum):
    """What happens to one definition."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that changes; None stands for a field that is not there."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one definition.

    Attributes:
        slug: the KPI, or the name of a definition of another kind.
        version: the one in force afterwards; of a retired one, the last.
        differences: the fields that change, in the order of the definition.
        starts_counting: breakdowns whose counting starts anew, because nothing in force counts them yet;
            `()` is the total.
    """

    slug: str
    action: Action
    version: int
    differences: tuple[Difference, ...] = ()
    starts_counting: tuple[tuple[str, ...], ...] = ()
    kind: Kind = Kind.KPI

    @property
    def key(self) -> Key:
        """What changes."""
        return self.kind, self.slug


def spec_of(definition: Definition) -> dict[str, Any]:
    """The definition as plain JSON, without fields that have their default."""
    return definition.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def plan(catalogue: Catalogue, wanted: Iterable[Definition], *, prune: bool = False) -> tuple[Change, ...]:
    """What putting *wanted* in force would do to *catalogue*, in their order, retirements last.

    Args:
        catalogue: what is in force.
        wanted: the new definitions, each key once.
        prune: also retire what is in the catalogue, of any kind, and not among them.
    """
    found = {key_of(definition): definition for definition in wanted}
    in_force = catalogue.definitions.by_key()
    changes = [_change(catalogue, key, in_force.get(key), definition) for key, definition in found.items()]
    gone = [key for key in in_force if key not in found] if prune else []
    return (*changes, *(retirement(catalogue, key) for key in sorted(gone, key=_rank)))


def retirement(catalogue: Catalogue, key: Key) -> Change:
    """The change that retires what *catalogue* has under *key*."""
    kind, name = key
    return Change(name, Action.RETIRE, catalogue.version_of(key) or 0, kind=kind)


class StillUsedError(BadInputError):
    """Something cannot be retired while others need it: change or retire these first.

    Attributes:
        key: what was to be retired.
        users: who needs it, by kind and name, as far as that may be told.
    """

    def __init__(self, key: Key, users: tuple[Key, ...]) -> None:
        told = ", ".join(f"the {kind.noun} {name}" for kind, name in users) or "others"
        super().__init__(f"the {key[0].noun} {key[1]} is needed by {told}")
        self.key = key
        self.users = users


def check_retirement(catalogue: Catalogue, key: Key) -> Change:
    """The change that retires what *catalogue* has under *key*, which nobody needs.

    Raises:
        UnknownDefinitionError: it has nothing there.
        StillUsedError: others would break.
    """
    kept = catalogue.definitions.by_key()
    if key not in kept:
        raise UnknownDefinitionError(key[0].noun, key[1])
    del kept[key]
    found = problems_together(Definitions.of(kept.values()))
    users = tuple(dict.fromkeys((problem.kind, problem.slug) for problem in found))
    if users:
        raise StillUsedError(key, users)
    return retirement(catalogue, key)


def outcome(catalogue: Catalogue, wanted: Iterable[Definition], *, prune: bool = False) -> Definitions:
    """What is in force after `plan` has been carried out."""
    kept = {} if prune else catalogue.definitions.by_key()
    return Definitions.of((kept | {key_of(each): each for each in wanted}).values())


def _rank(key: Key) -> tuple[int, str]:
    return list(Kind).index(key[0]), key[1]


def _change(catalogue: Catalogue, key: Key, before: Definition | None, after: Definition) -> Change:
    kind, name = key
    starts = _starts(catalogue, after)
    if before is None:
        return Change(name, Action.CREATE, 1, starts_counting=starts, kind=kind)
    version = catalogue.version_of(key) or 0
    differences = _differences(kind, spec_of(before), spec_of(after))
    if not differences:
        return Change(name, Action.UNCHANGED, version, kind=kind)
    return Change(name, Action.UPDATE, version + 1, differences, starts, kind)


def _starts(catalogue: Catalogue, definition: Definition) -> tuple[tuple[str, ...], ...]:
    if not isinstance(definition, Kpi) or definition.is_draft:
        return ()
    counted = {measure.fingerprint for each in catalogue.kpis.values() for measure in each.measures()}
    return tuple(m.breakdown for m in definition.measures() if m.fingerprint not in counted)


def _differences(kind: Kind, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    fields = [field for field in fields_of(MODELS[kind]) if before.get(field) != after.get(field)]
    return tuple(Difference(field, before.get(field), after.get(field)) for field in fields)
