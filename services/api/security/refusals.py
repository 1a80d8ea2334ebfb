"""What is wrong with definitions, as a caller may hear it who does not see all that they are judged among."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from shared.domain.definitions import Definition, Definitions, Key, Kpi, key_of
from shared.domain.definitions.catalogues import CatalogueProblem
from shared.domain.definitions.together import problems_together, warnings_together

NEEDED = "others need it as it is"
"""What would break there is not told to who may not know of it."""

UNTOLD = "it does not go together with what others have defined"
"""The reason names what the caller may not know of."""


def problems_shown(
    whole: Definitions, sent: Collection[Definition], seen: Mapping[Key, Definition]
) -> tuple[CatalogueProblem, ...]:
    """Everything that *whole* breaks, each at what was sent or what is seen; nothing else is named.

    What was sent is also judged among what is seen alone, as what is not seen is not there for the caller:
    messages that come of that can name nothing else, and stand for those that could.

    Args:
        whole: what would be in force.
        sent: what of it the caller has sent.
        seen: what the caller may know of, before.
    """
    found = problems_together(whole)
    if _is_all_seen(whole, sent, seen):
        return found
    own = {key_of(each) for each in sent}
    among = problems_together(Definitions.of([*seen.values(), *sent]))
    mine = [each for each in among if _key(each) in own]
    told = {(_key(each), each.path) for each in mine}
    rest = (each for each in found if _key(each) not in own or (_key(each), each.path) not in told)
    return tuple(dict.fromkeys([*mine, *_without_names(rest, among, own, seen)]))


def warnings_shown(
    whole: Definitions, sent: Collection[Definition], seen: Mapping[Key, Definition]
) -> tuple[CatalogueProblem, ...]:
    """What is allowed in what was *sent*, and probably not meant; of the others, it names what is seen."""
    own = {key_of(each) for each in sent}
    if not _is_all_seen(whole, sent, seen):
        whole = Definitions.of([*(_discreet(each, seen) for each in seen.values()), *sent])
    return tuple(each for each in warnings_together(whole) if _key(each) in own)


def _is_all_seen(whole: Definitions, sent: Collection[Definition], seen: Mapping[Key, Definition]) -> bool:
    return whole.by_key().keys() <= seen.keys() | {key_of(each) for each in sent}


def _without_names(
    found: Iterator[CatalogueProblem],
    among: Collection[CatalogueProblem],
    own: Collection[Key],
    seen: Mapping[Key, Definition],
) -> Iterator[CatalogueProblem]:
    for each in found:
        if _key(each) in own or (_key(each) in seen and each not in among):
            yield replace(each, message=UNTOLD)
        elif _key(each) in seen:
            yield each
        else:
            kind, name = min(own)
            yield CatalogueProblem(name, (), NEEDED, kind=kind)


def _discreet(definition: Definition, seen: Mapping[Key, Definition]) -> Definition:
    """*definition* without a successor that is not seen, which a warning would name."""
    if not isinstance(definition, Kpi) or definition.replaced_by is None:
        return definition
    if (key_of(definition)[0], definition.replaced_by) in seen:
        return definition
    return definition.model_copy(update={"replaced_by": None})


def _key(problem: CatalogueProblem) -> Key:
    return problem.kind, problem.slug
