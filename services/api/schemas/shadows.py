"""What the API says of a change of a definition: the values of now and those that would be, side by side."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from services.api.schemas.previews import CostBody, PreviewReadBody, WarningBody
from services.api.schemas.values import Number
from shared.replay.preview_diffs import Pair, SideBySide


@dataclass(frozen=True, slots=True)
class PairBody:
    """A KPI over a window at an instant, by what is in force and by what would be."""

    at: datetime
    before: Annotated[Number | None, Field(description="null: no data, or no such KPI or window in force")]
    after: Annotated[Number | None, Field(description="null: no data")]
    difference: Annotated[Number | None, Field(description="after less before, exact; null without either")]
    n_before: int | None
    n_after: int
    complete: Annotated[bool, Field(description="The whole window was read, and no event is expected")]


@dataclass(frozen=True, slots=True)
class SideBySideBody:
    """A KPI over one window, before and after."""

    kpi: Annotated[str, Field(description="The one that changes, or one whose formula reads it")]
    window: str
    is_new: Annotated[bool, Field(description="It is not in force")]
    differs: Annotated[int, Field(description="At how many of the instants the values differ")]
    items: list[PairBody]


@dataclass(frozen=True, slots=True)
class ShadowBody:
    """What a change would do to values, by one log: only the definitions differ."""

    read: PreviewReadBody
    step_s: int
    changes: Annotated[list[SideBySideBody], Field(description="By KPI and window")]
    cost: CostBody
    warnings: list[WarningBody]


def side_by_side_body(found: SideBySide) -> SideBySideBody:
    """*found* as the API tells it."""
    items = [_pair(pair) for pair in found.pairs]
    return SideBySideBody(found.slug, found.window, found.is_new, len(found.others), items)


def _pair(pair: Pair) -> PairBody:
    before = pair.before
    return PairBody(
        at=pair.at.astimezone(UTC),
        before=None if before is None else before.value,
        after=pair.after.value,
        difference=pair.difference,
        n_before=None if before is None else before.n,
        n_after=pair.after.n,
        complete=pair.after.complete,
    )
