"""Definitions in Postgres: the catalogue in force, its versions and its measures; it knows no file.

Functions take the connection and never commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Text, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import (
    Action,
    Catalogue,
    Change,
    Definition,
    DefinitionError,
    Definitions,
    Key,
    Kind,
    Kpi,
    Measure,
    Problem,
    plan,
    problems_together,
)
from shared.domain.definitions.plans import check_retirement, outcome, spec_of
from shared.storage.documents import latest_document_versions, load_documents, write_documents
from shared.storage.tables import catalogue, kpi_versions, kpis, measures
from shared.storage.versions import UnreadableDefinitionError, fingerprint_of

__all__ = ["UnreadableDefinitionError", "apply_changes", "catalogue_revision", "load_catalogue", "plan"]


async def catalogue_revision(conn: AsyncConnection) -> int:
    """The revision of the catalogue, which moves with every change."""
    revision: int = (await conn.execute(select(catalogue.c.revision))).scalar_one()
    return revision


async def load_catalogue(conn: AsyncConnection) -> Catalogue:
    """Everything in force; at least as new as the revision that it carries.

    Raises:
        UnreadableDefinitionError: a definition was written by another release.
    """
    revision = await catalogue_revision(conn)
    query = (
        select(kpis.c.slug, kpis.c.version, kpi_versions.c.spec)
        .join(kpi_versions, (kpi_versions.c.slug == kpis.c.slug) & (kpi_versions.c.version == kpis.c.version))
        .where(kpis.c.retired_at.is_(None))
        .order_by(kpis.c.slug)
    )
    rows = (await conn.execute(query)).all()
    every = {row.slug: kpi_of(row.slug, row.spec) for row in rows}
    found = {slug: kpi for slug, kpi in every.items() if not kpi.is_draft}
    versions = {row.slug: row.version for row in rows if row.slug in found}
    drafts = {(Kind.KPI, row.slug): row.version for row in rows if row.slug not in found}
    others = await load_documents(conn)
    by_kind = Definitions.of(definition for definition, _ in others.values())
    return Catalogue(
        revision,
        found,
        versions,
        await _measure_ids(conn, found.values()),
        objectives=by_kind.objectives,
        scorecards=by_kind.scorecards,
        event_types=by_kind.event_types,
        drafts={slug: kpi for slug, kpi in every.items() if kpi.is_draft},
        other_versions=drafts | {key: version for key, (_, version) in others.items()},
    )


SET_ASIDE = "#"
"""What parts the fingerprint of a measure that is counted no more from its number."""

SHADOW = "~"
"""What parts the fingerprint of a measure that a backfill fills from the number of the backfill."""


async def apply_changes(
    conn: AsyncConnection, wanted: Sequence[Definition], now: datetime, *, prune: bool = False
) -> tuple[Change, ...]:
    """Put *wanted* in force and tell what has changed; others wait meanwhile, and nothing is written twice.

    Args:
        conn: in a transaction of the caller's, who commits.
        wanted: the new definitions, of any kinds, each kind and name once.
        now: when the change happens.
        prune: also retire what is in force, of any kind, and not among *wanted*.

    Raises:
        DefinitionError: the catalogue would not hold together; nothing has been written.
        UnreadableDefinitionError: a definition was written by another release.
    """
    await lock_catalogue(conn)
    before = await load_catalogue(conn)
    after = outcome(before, wanted, prune=prune)
    check_outcome(after)
    planned = plan(before, wanted, prune=prune)
    latest = await _latest_versions(conn, [change.key for change in planned])
    changes = tuple(_numbered(change, latest) for change in planned)
    await _write(conn, [change for change in changes if change.action is not Action.UNCHANGED], after, now)
    return changes


async def retire(conn: AsyncConnection, key: Key, now: datetime) -> Change:
    """Take the definition of that kind and name out of force; its versions stay.

    Args:
        conn: in a transaction of the caller's, who commits.
        key: what is retired.
        now: when that happens.

    Raises:
        UnknownDefinitionError: there is none.
        StillUsedError: others need it; nothing has been written.
    """
    await lock_catalogue(conn)
    before = await load_catalogue(conn)
    change = check_retirement(before, key)
    kept = {each: definition for each, definition in before.definitions.by_key().items() if each != key}
    await _write(conn, [change], Definitions.of(kept.values()), now)
    return change


def check_outcome(after: Definitions) -> None:
    """Go on only if what is in force *after* a change holds together.

    Raises:
        DefinitionError: it does not.
    """
    problems = problems_together(after)
    if problems:
        raise DefinitionError(
            [Problem(each.message, each.slug, path=each.path, within=each.place) for each in problems]
        )


def _numbered(change: Change, latest: Mapping[Key, int]) -> Change:
    """*change* with its version; what comes back goes on counting versions where it left off."""
    if change.action in (Action.CREATE, Action.UPDATE):
        return replace(change, version=latest.get(change.key, 0) + 1)
    return change


async def _write(conn: AsyncConnection, changes: Sequence[Change], after: Definitions, now: datetime) -> None:
    of_kpis = [change for change in changes if change.kind is Kind.KPI]
    others = [change for change in changes if change.kind is not Kind.KPI]
    if of_kpis:
        await _write_kpis(conn, of_kpis, after, now)
        await _set_aside_measures(conn, after.kpis)
    if others:
        await write_documents(conn, others, after.by_key(), now)
    if changes:
        await move_revision(conn)


async def _write_kpis(
    conn: AsyncConnection, changes: Sequence[Change], after: Definitions, now: datetime
) -> None:
    kpis_after = {**after.kpis, **after.drafts}
    written = [change for change in changes if change.action is not Action.RETIRE]
    retired = [change.slug for change in changes if change.action is Action.RETIRE]
    if written:
        await conn.execute(
            insert(kpi_versions), [_version(change, kpis_after[change.slug], now) for change in written]
        )
        await _put_in_force(conn, written, now)
        counted = [after.kpis[change.slug] for change in written if change.slug in after.kpis]
        await _number_measures(conn, counted, now)
    if retired:
        statement = update(kpis).where(kpis.c.slug.in_(retired)).values(retired_at=now, updated_at=now)
        await conn.execute(statement)


async def lock_catalogue(conn: AsyncConnection) -> None:
    """Wait for others who change what is counted, and keep them waiting until the transaction ends."""
    await conn.execute(select(catalogue.c.revision).with_for_update())


async def move_revision(conn: AsyncConnection) -> None:
    """Let every process know that what is counted has changed; after `lock_catalogue`."""
    await conn.execute(update(catalogue).values(revision=catalogue.c.revision + 1))


def _version(change: Change, kpi: Kpi, now: datetime) -> dict[str, Any]:
    spec = spec_of(kpi)
    return {
        "slug": change.slug,
        "version": change.version,
        "spec": spec,
        "fingerprint": fingerprint_of(spec),
        "created_at": now,
    }


async def _put_in_force(conn: AsyncConnection, changes: Sequence[Change], now: datetime) -> None:
    statement = upsert(kpis)
    statement = statement.on_conflict_do_update(
        index_elements=[kpis.c.slug],
        set_={"version": statement.excluded.version, "retired_at": None, "updated_at": now},
    )
    rows = [{"slug": change.slug, "version": change.version, "updated_at": now} for change in changes]
    await conn.execute(statement, sorted(rows, key=lambda row: str(row["slug"])))


async def _number_measures(conn: AsyncConnection, defined: Iterable[Kpi], now: datetime) -> None:
    """Give every measure of *defined* its number, once and for all."""
    wanted = {measure.fingerprint: measure for kpi in defined for measure in kpi.measures()}
    rows = [measure_row(measure, created_at=now) for _, measure in sorted(wanted.items())]
    if rows:
        await conn.execute(upsert(measures).on_conflict_do_nothing(index_elements=["fingerprint"]), rows)


def measure_row(measure: Measure, *, created_at: datetime) -> dict[str, Any]:
    """The row of `measures` that *measure* gets, but for its number."""
    return {
        "fingerprint": measure.fingerprint,
        "event_type": measure.event_type,
        "filter": measure.where,
        "value": measure.value,
        "scale": measure.scale,
        "zone": measure.zone,
        "breakdown": list(measure.breakdown),
        "finest": int(measure.finest),
        "kind": measure.kind.value,
        "hours": None if measure.hours is None else asdict(measure.hours),
        "created_at": created_at,
    }


async def _set_aside_measures(conn: AsyncConnection, after: Mapping[str, Kpi]) -> None:
    """Take their fingerprint from measures that nothing uses any more: from now on they are not counted.

    A KPI that comes back gets a measure of its own and begins anew, rather than panes with a hole in them.
    """
    used = {measure.fingerprint for kpi in after.values() for measure in kpi.measures()}
    marked = measures.c.fingerprint.contains(SET_ASIDE) | measures.c.fingerprint.contains(SHADOW)
    await set_aside(conn, measures.c.fingerprint.not_in(used) & ~marked)


async def set_aside(conn: AsyncConnection, which: ColumnElement[bool]) -> None:
    """Take their fingerprint from the measures *which* are meant; retention deletes what they counted."""
    number = cast(measures.c.measure_id, Text)
    await conn.execute(
        update(measures).where(which).values(fingerprint=measures.c.fingerprint + SET_ASIDE + number)
    )


async def _latest_versions(conn: AsyncConnection, keys: Sequence[Key]) -> dict[Key, int]:
    slugs = [name for kind, name in keys if kind is Kind.KPI]
    query = select(kpi_versions.c.slug, func.max(kpi_versions.c.version).label("version"))
    query = query.where(kpi_versions.c.slug.in_(slugs)).group_by(kpi_versions.c.slug)
    found = {(Kind.KPI, row.slug): row.version for row in await conn.execute(query)}
    return found | await latest_document_versions(conn, [key for key in keys if key[0] is not Kind.KPI])


async def _measure_ids(conn: AsyncConnection, defined: Iterable[Kpi]) -> dict[str, int]:
    wanted = {measure.fingerprint for kpi in defined for measure in kpi.measures()}
    if not wanted:
        return {}
    query = select(measures.c.fingerprint, measures.c.measure_id)
    query = query.where(measures.c.fingerprint.in_(wanted))
    return {row.fingerprint: row.measure_id for row in await conn.execute(query)}


def kpi_of(slug: str, spec: Mapping[str, Any]) -> Kpi:
    """The KPI that was stored as *spec*.

    Raises:
        UnreadableDefinitionError: another release stored it.
    """
    try:
        return Kpi.model_validate(spec)
    except ValidationError as error:
        raise UnreadableDefinitionError(slug) from error
