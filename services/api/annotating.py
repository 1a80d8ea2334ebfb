"""Annotations of the API on a real database: read, and written together with their entry of the audit log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.domain.annotations import (
    Annotation,
    Remark,
    Span,
    StaleAnnotationError,
    Subject,
    UnknownAnnotationError,
)
from shared.storage import annotations as stored
from shared.storage import audit
from shared.storage.annotations import Place, Wish
from shared.storage.audit import Entry
from shared.storage.engine import reading, transaction

LIMIT_S = 5.0
"""How long the database may take; a caller who waits longer has usually gone."""


@dataclass(frozen=True, slots=True)
class Writing:
    """Who writes, when, and by which request.

    Attributes:
        key: of the request: sent twice, it writes once.
    """

    author: str
    now: datetime
    key: str | None = None


class Annotations(Protocol):
    """What has been said about KPIs.

    Every method may raise StoreUnavailableError; none holds a connection after it has returned.
    """

    async def one(self, annotation_id: int) -> Annotation:
        """The annotation of that number.

        Raises:
            UnknownAnnotationError: there is none.
        """

    async def listed(self, wish: Wish, *, after: Place | None, most: int) -> list[Annotation]:
        """At most *most* that begin threads, the newest first, that follow *after*."""

    async def replies(self, annotation_id: int, *, after: int, most: int) -> list[Annotation]:
        """At most *most* answers, the oldest first, of numbers beyond *after*."""

    async def counted(self, spans: Sequence[Span]) -> list[int]:
        """How many begin threads about each of *spans*, in their order."""

    async def add(
        self, about: Subject | Annotation, remark: Remark, writing: Writing
    ) -> tuple[Annotation, bool]:
        """What was added, and that it is new; else what the same request has added before.

        Raises:
            UnknownAnnotationError: what it answers is gone.
        """

    async def change(
        self, annotation: Annotation, subject: Subject | None, remark: Remark, writing: Writing
    ) -> Annotation:
        """*annotation* as it reads now; *subject* is None of an answer.

        Raises:
            StaleAnnotationError: it has changed or gone.
        """

    async def remove(self, annotation: Annotation, writing: Writing) -> None:
        """Delete it and its answers.

        Raises:
            StaleAnnotationError: it has changed or gone.
        """


class StoredAnnotations:
    """Annotations in Postgres."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        async with reading(self._engine) as connection, asyncio.timeout(LIMIT_S):
            yield connection

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        async with transaction(self._engine) as connection, asyncio.timeout(LIMIT_S):
            yield connection

    async def one(self, annotation_id: int) -> Annotation:
        """The annotation of that number."""
        async with self._reading() as connection:
            return await _known(connection, annotation_id)

    async def listed(self, wish: Wish, *, after: Place | None, most: int) -> list[Annotation]:
        """At most *most* that begin threads, the newest first, that follow *after*."""
        async with self._reading() as connection:
            return await stored.listed(connection, wish, after=after, most=most)

    async def replies(self, annotation_id: int, *, after: int, most: int) -> list[Annotation]:
        """At most *most* answers, the oldest first, of numbers beyond *after*."""
        async with self._reading() as connection:
            return await stored.replies(connection, annotation_id, after=after, most=most)

    async def counted(self, spans: Sequence[Span]) -> list[int]:
        """How many begin threads about each of *spans*, in their order."""
        async with self._reading() as connection:
            return await stored.counted(connection, spans)

    async def add(
        self, about: Subject | Annotation, remark: Remark, writing: Writing
    ) -> tuple[Annotation, bool]:
        """What was added, and that it is new; else what the same request has added before."""
        async with self._writing() as connection:
            if isinstance(about, Annotation):
                await _known(connection, about.annotation_id)
            to = about.annotation_id if isinstance(about, Annotation) else about
            number, is_new = await stored.add(
                connection, to, remark, author=writing.author, now=writing.now, key=writing.key
            )
            written = await _known(connection, number)
            if is_new:
                await audit.record(connection, _entry("add", written, writing))
            return written, is_new

    async def change(
        self, annotation: Annotation, subject: Subject | None, remark: Remark, writing: Writing
    ) -> Annotation:
        """*annotation* as it reads now."""
        number = annotation.annotation_id
        async with self._writing() as connection:
            is_written = await stored.change(
                connection, number, version=annotation.version,
                subject=subject, remark=remark, now=writing.now,
            )  # fmt: skip
            if not is_written:
                raise StaleAnnotationError(f"annotation {number} has changed in this moment; read it again")
            written = await _known(connection, number)
            await audit.record(connection, _entry("change", written, writing, before=annotation))
            return written

    async def remove(self, annotation: Annotation, writing: Writing) -> None:
        """Delete it and its answers."""
        number = annotation.annotation_id
        async with self._writing() as connection:
            if not await stored.remove(connection, number, version=annotation.version):
                raise StaleAnnotationError(f"annotation {number} has changed in this moment; read it again")
            await audit.record(connection, _entry("remove", annotation, writing))


async def _known(connection: AsyncConnection, annotation_id: int) -> Annotation:
    found = await stored.one(connection, annotation_id)
    if found is None:
        raise UnknownAnnotationError(annotation_id)
    return found


def _entry(verb: str, annotation: Annotation, writing: Writing, *, before: Annotation | None = None) -> Entry:
    detail = _said(annotation)
    if before is not None:
        detail["before"] = _said(before)
    return Entry(writing.author, f"annotation.{verb}", str(annotation.annotation_id), detail)


def _said(annotation: Annotation) -> dict[str, Any]:
    """What the audit log keeps: enough to see what was said after it has been changed or deleted."""
    subject, remark = annotation.subject, annotation.remark
    said: Mapping[str, Any] = {
        "version": annotation.version,
        "author": annotation.author,
        "kind": remark.kind.value,
        "text": remark.text,
        "link": remark.link,
        "kpis": None if subject.kpis is None else list(subject.kpis),
        "window": subject.window,
        "dimensions": subject.dimensions,
        "start_at": subject.start_at.isoformat(),
        "end_at": None if subject.end_at is None else subject.end_at.isoformat(),
        "reply_to": annotation.reply_to,
    }
    return {name: value for name, value in said.items() if value is not None}
