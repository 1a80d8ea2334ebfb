"""The bodies that tell how a complete value changed; one set of classes for bytes and for OpenAPI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from services.api.schemas.values import Number
from shared.domain.definitions import Kpi
from shared.replay.changes import ChangeReason
from shared.replay.revisions import Revision
from shared.storage.readings import Ask


@dataclass(frozen=True, slots=True)
class RevisionOriginBody:
    """Where in the event log a change comes from."""

    partition: Annotated[int, Field(description="Of tidemark.events")]
    first_offset: Annotated[int, Field(description="The first record that may be behind it")]
    until_offset: Annotated[int, Field(description="The first record after these")]


@dataclass(frozen=True, slots=True)
class RevisionBody:
    """A change of a value after it had been complete."""

    changed_at: Annotated[
        datetime,
        Field(description="When it was counted; of changes older than two days, the end of the hour"),
    ]
    reason: Annotated[ChangeReason, Field(description="A late event came, or an event was retracted")]
    before: Annotated[Number | None, Field(description="The value up to then; null: no data")]
    after: Annotated[Number | None, Field(description="The value from then on; null: no data")]
    n_before: Annotated[int, Field(description="How many events went into the value up to then")]
    n_after: Annotated[int, Field(description="How many went into it from then on")]
    origins: Annotated[
        list[RevisionOriginBody], Field(description="The flushes or records that it comes from")
    ]


@dataclass(frozen=True, slots=True)
class RevisionsBody:
    """All revisions of a KPI over a window at an instant, oldest first."""

    kpi: str
    version: Annotated[int, Field(description="The version of the definition that is followed")]
    window: str
    dimensions: Mapping[str, str | None]
    at: Annotated[datetime, Field(description="The instant that was asked for")]
    unit: str | None
    items: list[RevisionBody]


def revisions_body(kpi: Kpi, version: int, ask: Ask, revisions: Sequence[Revision]) -> RevisionsBody:
    """The *revisions* of *ask*, which is about *kpi*."""
    return RevisionsBody(
        kpi=kpi.slug,
        version=version,
        window=ask.window,
        dimensions=dict(ask.dimensions),
        at=ask.at.astimezone(UTC),
        unit=kpi.unit,
        items=[_revision_body(each) for each in revisions],
    )


def _revision_body(revision: Revision) -> RevisionBody:
    return RevisionBody(
        changed_at=revision.changed_at.astimezone(UTC),
        reason=revision.reason,
        before=revision.before.value,
        after=revision.after.value,
        n_before=revision.before.n,
        n_after=revision.after.n,
        origins=[RevisionOriginBody(o.partition, o.first_offset, o.until_offset) for o in revision.origins],
    )
