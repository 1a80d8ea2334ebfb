"""Backfills as they stand, the measures they fill, calling them off and taking them up; it counts nothing.

Functions take the connection and never commit. A measure that is being filled has the fingerprint that it is
to take over, `~` and the number of its backfill: no KPI knows it by that, so no reader meets it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import Catalogue, Definition, Key, Kind, Kpi, Measure, key_of
from shared.domain.definitions.plans import spec_of
from shared.domain.errors import BadInputError
from shared.storage.definitions import (
    UnreadableDefinitionError,
    kpi_of,
    load_catalogue,
    lock_catalogue,
    move_revision,
    set_aside,
)
from shared.storage.documents import document_of
from shared.storage.tables import backfill_measures, backfills, measures


class BackfillState(StrEnum):
    """What has become of a backfill; while it runs or has failed, its measures are counted live."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class UnknownBackfillError(BadInputError):
    """There is no backfill of that number; `tidemark backfill list` shows those there are."""

    def __init__(self, backfill_id: int) -> None:
        super().__init__(f"there is no backfill {backfill_id}")
        self.backfill_id = backfill_id


class BackfillStateError(BadInputError):
    """The backfill is past what was asked of it; `tidemark backfill show` says where it stands."""

    def __init__(self, backfill_id: int, state: BackfillState, asked: str) -> None:
        super().__init__(f"backfill {backfill_id} is {state} and cannot be {asked}")
        self.backfill_id = backfill_id
        self.state = state


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a backfill was ordered for.

    Attributes:
        kpis: the definitions whose measures it fills, by slug.
        versions: the version of each that was in force then; None where there was none.
        others: drafts and definitions of other kinds that change with them, by kind and name.
        other_versions: likewise, the version of each.
        applies: whether the definitions are put in force at the end; a rebuild leaves them as they are.
    """

    kpis: Mapping[str, Kpi]
    versions: Mapping[str, int | None]
    applies: bool
    others: Mapping[Key, Definition] = field(default_factory=dict)
    other_versions: Mapping[Key, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, wanted: Mapping[str, Any]) -> "Ordered":
        """As it stands in `backfills.wanted`.

        Raises:
            UnreadableDefinitionError: another release ordered it.
        """
        entries = {entry["slug"]: entry for entry in wanted["kpis"]}
        kpis = {slug: kpi_of(slug, entry["spec"]) for slug, entry in entries.items()}
        versions = {slug: entry["version"] for slug, entry in entries.items()}
        others = {(Kind(each["kind"]), each["name"]): each for each in wanted.get("others", [])}
        return cls(
            kpis,
            versions,
            wanted["applies"],
            others={key: document_of(*key, each["spec"]) for key, each in others.items()},
            other_versions={key: each["version"] for key, each in others.items()},
        )

    @classmethod
    def on(cls, before: Catalogue, wanted: Iterable[Definition]) -> "Ordered":
        """What puts *wanted* in force over *before*."""
        by_key = {key_of(each): each for each in wanted}
        kpis = {each.slug: each for each in by_key.values() if isinstance(each, Kpi) and not each.is_draft}
        others = {key: each for key, each in by_key.items() if key[1] not in kpis or key[0] is not Kind.KPI}
        return cls(
            kpis,
            {slug: before.version_of((Kind.KPI, slug)) for slug in kpis},
            applies=True,
            others=others,
            other_versions={key: before.version_of(key) for key in others},
        )

    def as_json(self) -> dict[str, Any]:
        """The inverse of `of`."""
        entries = [
            {"slug": slug, "version": self.versions[slug], "spec": spec_of(kpi)}
            for slug, kpi in self.kpis.items()
        ]
        others = [
            {
                "kind": str(kind),
                "name": name,
                "version": self.other_versions[kind, name],
                "spec": spec_of(each),
            }
            for (kind, name), each in self.others.items()
        ]
        return {"applies": self.applies, "kpis": entries} | ({"others": others} if others else {})

    def superseded_by(self, catalogue: Catalogue) -> Key | None:
        """A definition that *catalogue* has in another version than when this was ordered."""
        ordered = {(Kind.KPI, slug): version for slug, version in self.versions.items()}
        versions = {**ordered, **self.other_versions}
        return next((key for key, version in versions.items() if catalogue.version_of(key) != version), None)

    def measures(self) -> dict[str, Measure]:
        """Everything that its KPIs count, by fingerprint."""
        return {measure.fingerprint: measure for kpi in self.kpis.values() for measure in kpi.measures()}


@dataclass(frozen=True, slots=True)
class Shadow:
    """A measure that a backfill fills while it is counted live."""

    backfill_id: int
    measure_id: int
    measure: Measure


async def load_shadows(conn: AsyncConnection) -> tuple[Shadow, ...]:
    """Every measure that is being filled, or would go on being filled if its backfill were resumed.

    Raises:
        UnreadableDefinitionError: another release ordered a backfill.
    """
    counted = backfills.c.state.in_([BackfillState.RUNNING, BackfillState.FAILED])
    query = (
        select(backfills.c.backfill_id, backfills.c.wanted, backfill_measures)
        .join(backfill_measures, backfills.c.backfill_id == backfill_measures.c.backfill_id)
        .where(counted)
        .order_by(backfill_measures.c.measure_id)
    )
    return tuple(_shadows((await conn.execute(query)).all()))


def _shadows(rows: Sequence[Row[Any]]) -> Iterator[Shadow]:
    orders = {row.backfill_id: Ordered.of(row.wanted).measures() for row in rows}
    for row in rows:
        if row.fingerprint not in orders[row.backfill_id]:
            raise UnreadableDefinitionError(f"backfill {row.backfill_id}")
        yield Shadow(row.backfill_id, row.measure_id, orders[row.backfill_id][row.fingerprint])


async def locked_state(conn: AsyncConnection, backfill_id: int) -> Row[Any]:
    """The row of a backfill, which nobody else changes until the transaction ends; after `lock_catalogue`.

    Raises:
        UnknownBackfillError: there is none.
    """
    query = select(backfills).where(backfills.c.backfill_id == backfill_id).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        raise UnknownBackfillError(backfill_id)
    return row


async def cancel(conn: AsyncConnection, backfill_id: int, now: datetime) -> None:
    """Call a backfill off: what is in force stays as it is, and what was filled is deleted by retention.

    Raises:
        UnknownBackfillError, BackfillStateError: there is none, or it is over.
    """
    await lock_catalogue(conn)
    row = await locked_state(conn, backfill_id)
    if row.state not in (BackfillState.RUNNING, BackfillState.FAILED):
        raise BackfillStateError(backfill_id, BackfillState(row.state), "cancelled")
    await set_aside(conn, measures.c.measure_id.in_(filled_by(backfill_id)))
    await end(conn, backfill_id, BackfillState.CANCELLED, now)
    await move_revision(conn)


def filled_by(backfill_id: int) -> Any:
    """The numbers of the measures of a backfill, as a subquery."""
    return select(backfill_measures.c.measure_id).where(backfill_measures.c.backfill_id == backfill_id)


async def resume(conn: AsyncConnection, backfill_id: int, *, rate_limit: int | None = None) -> None:
    """Let a failed backfill go on, from what is in force now; nothing that was counted is counted again.

    Raises:
        UnknownBackfillError, BackfillStateError: there is none, or it has not failed.
    """
    await lock_catalogue(conn)
    row = await locked_state(conn, backfill_id)
    if row.state != BackfillState.FAILED:
        raise BackfillStateError(backfill_id, BackfillState(row.state), "resumed")
    before, ordered = await load_catalogue(conn), Ordered.of(row.wanted)
    now_in_force = Ordered.on(before, [*ordered.kpis.values(), *ordered.others.values()])
    wanted = replace(now_in_force, applies=ordered.applies).as_json()
    again: dict[str, Any] = {
        "wanted": wanted,
        "state": BackfillState.RUNNING,
        "error": None,
        "finished_at": None,
    }
    if rate_limit is not None:
        again["rate_limit"] = rate_limit
    await conn.execute(update(backfills).where(backfills.c.backfill_id == backfill_id).values(again))


async def end(
    conn: AsyncConnection, backfill_id: int, state: BackfillState, now: datetime, *, error: str | None = None
) -> None:
    """Note how a backfill has ended, and why if it failed."""
    values = {"state": state, "finished_at": now, "error": error}
    await conn.execute(update(backfills).where(backfills.c.backfill_id == backfill_id).values(values))
