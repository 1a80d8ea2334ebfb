"""Definitions that are no KPIs, in Postgres: objectives, scorecards and event types with their versions.

Functions take the connection and never commit. They are called by those who hold the catalogue.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import Action, Change, Definition, Key, Kind
from shared.domain.definitions.kinds import MODELS
from shared.domain.definitions.plans import spec_of
from shared.storage.tables import document_versions, documents
from shared.storage.versions import UnreadableDefinitionError, fingerprint_of


async def load_documents(conn: AsyncConnection) -> dict[Key, tuple[Definition, int]]:
    """Every definition in force that is no KPI, with its version.

    Raises:
        UnreadableDefinitionError: a definition was written by another release.
    """
    same = (document_versions.c.kind == documents.c.kind) & (document_versions.c.name == documents.c.name)
    query = (
        select(documents.c.kind, documents.c.name, documents.c.version, document_versions.c.spec)
        .join(document_versions, same & (document_versions.c.version == documents.c.version))
        .where(documents.c.retired_at.is_(None))
        .order_by(documents.c.kind, documents.c.name)
    )
    rows = (await conn.execute(query)).all()
    return {
        (Kind(row.kind), row.name): (document_of(Kind(row.kind), row.name, row.spec), row.version)
        for row in rows
    }


async def latest_document_versions(conn: AsyncConnection, keys: Iterable[Key]) -> dict[Key, int]:
    """The newest version of each of *keys* that there ever was."""
    wanted = [(str(kind), name) for kind, name in keys]
    if not wanted:
        return {}
    at = tuple_(document_versions.c.kind, document_versions.c.name)
    query = select(
        document_versions.c.kind,
        document_versions.c.name,
        func.max(document_versions.c.version).label("version"),
    )
    query = query.where(at.in_(wanted)).group_by(document_versions.c.kind, document_versions.c.name)
    return {(Kind(row.kind), row.name): row.version for row in await conn.execute(query)}


async def write_documents(
    conn: AsyncConnection, changes: Sequence[Change], after: Mapping[Key, Definition], now: datetime
) -> None:
    """Carry out *changes*, none of which is about a KPI, after which *after* is in force."""
    written = sorted((c for c in changes if c.action is not Action.RETIRE), key=lambda change: change.key)
    retired = [(str(change.kind), change.slug) for change in changes if change.action is Action.RETIRE]
    if written:
        versions = [_version(change, after[change.key], now) for change in written]
        await conn.execute(insert(document_versions), versions)
        await _put_in_force(conn, written, now)
    if retired:
        meant = tuple_(documents.c.kind, documents.c.name).in_(retired)
        await conn.execute(update(documents).where(meant).values(retired_at=now, updated_at=now))


async def _put_in_force(conn: AsyncConnection, changes: Sequence[Change], now: datetime) -> None:
    statement = upsert(documents)
    statement = statement.on_conflict_do_update(
        index_elements=[documents.c.kind, documents.c.name],
        set_={"version": statement.excluded.version, "retired_at": None, "updated_at": now},
    )
    rows = [
        {"kind": str(change.kind), "name": change.slug, "version": change.version, "updated_at": now}
        for change in changes
    ]
    await conn.execute(statement, rows)


def _version(change: Change, definition: Definition, now: datetime) -> dict[str, Any]:
    spec = spec_of(definition)
    return {
        "kind": str(change.kind),
        "name": change.slug,
        "version": change.version,
        "spec": spec,
        "fingerprint": fingerprint_of(spec),
        "created_at": now,
    }


def document_of(kind: Kind, name: str, spec: Mapping[str, Any]) -> Definition:
    """The definition that was stored as *spec*.

    Raises:
        UnreadableDefinitionError: another release stored it.
    """
    try:
        return MODELS[kind].model_validate(spec)
    except ValidationError as error:
        raise UnreadableDefinitionError(name) from error
