"""What was in force once: KPIs that were retired, and every version of every definition; it changes nothing.

Functions take the connection and never commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.definitions import Definition, Key, Kind, Kpi
from shared.storage.definitions import kpi_of
from shared.storage.documents import document_of
from shared.storage.tables import document_versions, documents, kpi_versions, kpis


@dataclass(frozen=True, slots=True)
class Retired:
    """A KPI that is in force no more.

    Attributes:
        version: its last one.
    """

    kpi: Kpi
    version: int
    retired_at: datetime


async def retired_kpis(conn: AsyncConnection) -> list[Retired]:
    """The KPIs that were retired and have not come back, by slug.

    Raises:
        UnreadableDefinitionError: a definition was written by another release.
    """
    query = (
        select(kpis.c.slug, kpis.c.version, kpis.c.retired_at, kpi_versions.c.spec)
        .join(kpi_versions, (kpi_versions.c.slug == kpis.c.slug) & (kpi_versions.c.version == kpis.c.version))
        .where(kpis.c.retired_at.is_not(None))
        .order_by(kpis.c.slug)
    )
    rows = (await conn.execute(query)).all()
    return [Retired(kpi_of(row.slug, row.spec), row.version, row.retired_at) for row in rows]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a definition; it never changes.

    Attributes:
        spec: the definition as it was applied, without fields that had their default then.
    """

    version: int
    spec: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Versions:
    """All versions of a definition, oldest first.

    Attributes:
        newest: the definition as its newest version says it.
        retired_at: since when it is in force no more; None while it is.
    """

    versions: tuple[Version, ...]
    newest: Definition
    retired_at: datetime | None


async def versions_of(conn: AsyncConnection, key: Key) -> Versions | None:
    """Every version of what has that kind and name, in force or retired; None if there never was one.

    Raises:
        UnreadableDefinitionError: the newest was written by another release.
    """
    kind, name = key
    rows = (await conn.execute(_versions_query(key))).all()
    if not rows:
        return None
    spec = rows[-1].spec
    newest = kpi_of(name, spec) if kind is Kind.KPI else document_of(kind, name, spec)
    return Versions(tuple(map(_version, rows)), newest, rows[-1].retired_at)


def _versions_query(key: Key) -> Select[Any]:
    kind, name = key
    if kind is Kind.KPI:
        query = select(kpi_versions, kpis.c.retired_at).join(kpis, kpis.c.slug == kpi_versions.c.slug)
        return query.where(kpi_versions.c.slug == name).order_by(kpi_versions.c.version)
    same = (documents.c.kind == document_versions.c.kind) & (documents.c.name == document_versions.c.name)
    query = select(document_versions, documents.c.retired_at).join(documents, same)
    meant = (document_versions.c.kind == str(kind)) & (document_versions.c.name == name)
    return query.where(meant).order_by(document_versions.c.version)


def _version(row: Row[Any]) -> Version:
    return Version(row.version, row.spec, row.created_at)
