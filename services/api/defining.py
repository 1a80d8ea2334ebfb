"""One change of a definition, from a request that was read to what is answered; blind to addresses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.api.definition_requests import Sent, warned
from services.api.definition_store import Writing
from services.api.http.answers import strong_etag
from services.api.schemas.definitions import definition_body
from services.api.schemas.kinds import (
    Written,
    WrittenEventTypeBody,
    WrittenKpiBody,
    WrittenObjectiveBody,
    WrittenScorecardBody,
    changed_body,
    event_type_definition_body,
    objective_body,
    scorecard_body,
    warning_text,
)
from services.api.security.views import seen_by, seen_definitions
from services.api.security.writes import check_allowed, check_whole
from shared.domain.access import Limits
from shared.domain.definitions import Change, Definition, Key, Kind, Problem, key_of
from shared.domain.definitions.plans import StillUsedError, check_retirement
from shared.domain.errors import AlreadyDefinedError, UnknownDefinitionError, UnknownKpiError


@dataclass(frozen=True, slots=True)
class Shape:
    """How definitions of a kind are told.

    Attributes:
        body: one version, and since when it is retired.
        written: what tells of a change.
    """

    body: Callable[..., Any]
    written: Callable[..., Written]


SHAPES = {
    Kind.KPI: Shape(definition_body, WrittenKpiBody),
    Kind.OBJECTIVE: Shape(objective_body, WrittenObjectiveBody),
    Kind.SCORECARD: Shape(scorecard_body, WrittenScorecardBody),
    Kind.EVENT_TYPE: Shape(event_type_definition_body, WrittenEventTypeBody),
}


@dataclass(frozen=True, slots=True)
class How:
    """How a change is made.

    Attributes:
        limits: of the caller.
        dry_run: nothing is changed.
        backfill: what starts to count is filled first.
    """

    limits: Limits
    dry_run: bool = False
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What was done.

    Attributes:
        etag: of the definition as it can be read from now on; None where that is not the one told.
    """

    body: Written
    etag: str | None


def told(definition: Definition, version: int, *, retired_at: datetime | None = None) -> Any:
    """One version of a definition as the API tells it."""
    return SHAPES[key_of(definition)[0]].body(definition, version, retired_at=retired_at)


def current(writing: Writing, key: Key, limits: Limits) -> tuple[Definition, str]:
    """What is under *key*, in force or a draft, and its ETag.

    Raises:
        UnknownKpiError, UnknownDefinitionError: nothing that the caller may know of.
        OutsideLimitsError: something of which the caller sees a part.
    """
    found = seen_definitions(writing.before, limits).get(key)
    if found is None:
        raise unknown(key)
    check_whole(found, seen_by(writing.before, limits))
    return found, strong_etag(told(found, writing.before.version_of(key) or 0))


def unknown(key: Key) -> UnknownKpiError | UnknownDefinitionError:
    """What says that there is nothing under *key*."""
    kind, name = key
    return UnknownKpiError(name) if kind is Kind.KPI else UnknownDefinitionError(kind.noun, name)


async def check_new(writing: Writing, key: Key, limits: Limits) -> None:
    """Go on only if nothing is in force or a draft under *key*, nor retired that was not the caller's.

    Raises:
        AlreadyDefinedError: something is, whether the caller may know of it or not: there is one name, and
            whoever took that of others would take over their versions.
    """
    retired = None if limits.is_everything else await writing.newest(key)
    is_of_others = retired is not None and not limits.allows(retired)
    if is_of_others or key in writing.before.definitions.by_key():
        raise AlreadyDefinedError(key[0].noun, key[1])


async def written(writing: Writing, sent: Sent, how: How) -> Result:
    """Put what was *sent* in force, or say what that would do, or order its backfill.

    Raises:
        DefinitionError: it breaks rules, alone or among the others.
        OutsideLimitsError: the caller may not define it.
    """
    check_allowed(sent.definition, how.limits)
    warnings = warned(sent, writing.before, how.limits)
    if how.dry_run:
        return _result(sent.definition, await writing.tried(sent.definition), warnings, applied=False)
    if how.backfill:
        change = await writing.tried(sent.definition)
        number = await writing.order(sent.definition) if change.starts_counting else None
        if number is not None:
            return _result(sent.definition, change, warnings, applied=False, backfill=number)
    return _result(sent.definition, await writing.put(sent.definition), warnings, applied=True)


async def retired(writing: Writing, key: Key, definition: Definition, how: How) -> Result:
    """Take *definition*, which is under *key*, out of force, or say that this could be done.

    Raises:
        StillUsedError: others need it; those that the caller may not know of are not named.
        OutsideLimitsError: the caller may not retire it.
    """
    check_allowed(definition, how.limits)
    try:
        change = check_retirement(writing.before, key)
    except StillUsedError as error:
        seen = seen_definitions(writing.before, how.limits)
        raise StillUsedError(key, tuple(user for user in error.users if user in seen)) from error
    if not how.dry_run:
        change = await writing.retire(key)
    at = None if how.dry_run else writing.now
    return _result(definition, change, (), applied=not how.dry_run, retired_at=at)


def _result(
    definition: Definition,
    change: Change,
    warnings: tuple[Problem, ...],
    *,
    applied: bool,
    backfill: int | None = None,
    retired_at: datetime | None = None,
) -> Result:
    body = told(definition, change.version, retired_at=retired_at)
    shape = SHAPES[key_of(definition)[0]]
    whole = shape.written(
        change=changed_body(change),
        warnings=[warning_text(each) for each in warnings],
        applied=applied,
        backfill=backfill,
        definition=body,
    )
    return Result(whole, strong_etag(body) if applied and retired_at is None else None)
