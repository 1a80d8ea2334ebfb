"""What people say about KPIs, in Postgres: written, listed and counted; it decides nobody's right to do so.

Functions take the connection and never commit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.annotations import Annotation, AnnotationKind, Remark, Span, Subject

Place = tuple[datetime, int]
"""Where an annotation stands in a list: its beginning and its number."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which annotations are meant; None leaves a field open.

    Attributes:
        slugs: those about at least one of these KPIs, or about every KPI.
        window: those about any window of it, or this one.
        dimensions: those about any series, or this one.
        start_at: those not over before it.
        end_at: those that began before it.
    """

    slugs: Sequence[str]
    kinds: Sequence[AnnotationKind] | None = None
    window: str | None = None
    dimensions: Mapping[str, str | None] | None = None
    start_at: datetime | None = None
    end_at: datetime | None = None


# s is what begins the thread, the row itself where it is no answer: the subject is always its.
_COLUMNS = """
SELECT a.annotation_id, a.version, a.kind, a.text, a.link, a.reply_to, a.author, a.created_at, a.edited_at,
    s.kpis, s."window", s.dimensions, s.start_at, s.end_at,
    (SELECT count(*) FROM annotations r WHERE r.reply_to = a.annotation_id) AS replies
FROM annotations a JOIN annotations s ON s.annotation_id = coalesce(a.reply_to, a.annotation_id)
"""

_ADD = text("""
-- add: an annotation, or nothing where its author has sent this key before.
INSERT INTO annotations (
    kind, text, link, reply_to, kpis, "window", dimensions, start_at, end_at, author, created_at,
    idempotency_key
) VALUES (
    :kind, :text, :link, :reply_to, CAST(:kpis AS text[]), :window, CAST(:dimensions AS jsonb), :start_at,
    :end_at, :author, :created_at, :key
)
ON CONFLICT (author, idempotency_key) DO NOTHING
RETURNING annotation_id
""")

_SENT = text("SELECT annotation_id FROM annotations WHERE author = :author AND idempotency_key = :key")

_ONE = text(f"""
-- one: an annotation by its number.
{_COLUMNS} WHERE a.annotation_id = :annotation_id
""")

_LISTED = text(f"""
-- listed: what begins threads, the newest first.
{_COLUMNS}
WHERE a.reply_to IS NULL
  AND (a.kpis IS NULL OR a.kpis && CAST(:slugs AS text[]))
  AND (CAST(:kinds AS text[]) IS NULL OR a.kind = ANY(CAST(:kinds AS text[])))
  AND (CAST(:window AS text) IS NULL OR a."window" IS NULL OR a."window" = :window)
  AND (CAST(:dimensions AS jsonb) IS NULL OR a.dimensions IS NULL
       OR a.dimensions = CAST(:dimensions AS jsonb))
  AND (CAST(:end_at AS timestamptz) IS NULL OR a.start_at < :end_at)
  AND (CAST(:start_at AS timestamptz) IS NULL
       OR (a.last_at >= :start_at AND (a.end_at IS NULL OR a.end_at > :start_at)))
  AND (CAST(:after_at AS timestamptz) IS NULL
       OR (a.start_at, a.annotation_id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS bigint)))
ORDER BY a.start_at DESC, a.annotation_id DESC LIMIT :most
""")

_REPLIES = text(f"""
-- replies: the answers of a thread, the oldest first.
{_COLUMNS}
WHERE a.reply_to = :annotation_id AND a.annotation_id > :after_id
ORDER BY a.annotation_id LIMIT :most
""")

_CHANGE = text("""
-- change: what is said anew, if nobody has changed it since the version that was seen.
UPDATE annotations SET
    kind = :kind, text = :text, link = :link, kpis = CAST(:kpis AS text[]), "window" = :window,
    dimensions = CAST(:dimensions AS jsonb), start_at = :start_at, end_at = :end_at, edited_at = :edited_at,
    version = version + 1
WHERE annotation_id = :annotation_id AND version = :version
""")

_REMOVE = text("""
-- remove: an annotation and its answers, if nobody has changed it since the version that was seen.
DELETE FROM annotations WHERE annotation_id = :annotation_id AND version = :version
""")

_COUNTED = text("""
-- counted: how many begin threads about each of some stretches of series.
SELECT p.place, count(*) AS n
FROM unnest(
    CAST(:slugs AS text[]), CAST(:windows AS text[]), CAST(:dimensions AS jsonb[]),
    CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])
) WITH ORDINALITY AS p (slug, "window", dimensions, start_at, end_at, place)
JOIN annotations a ON a.last_at >= :earliest AND a.reply_to IS NULL
    AND (a.kpis IS NULL OR p.slug = ANY(a.kpis))
    AND (a."window" IS NULL OR a."window" = p."window")
    AND (a.dimensions IS NULL OR a.dimensions = p.dimensions)
    AND a.start_at < p.end_at AND a.last_at >= p.start_at AND (a.end_at IS NULL OR a.end_at > p.start_at)
GROUP BY p.place
""")


async def add(
    conn: AsyncConnection,
    about: Subject | int,
    remark: Remark,
    *,
    author: str,
    now: datetime,
    key: str | None = None,
) -> tuple[int, bool]:
    """The number of a new annotation, and that it is new; or of the one that its author made with *key*.

    Args:
        conn: in a transaction of the caller's, who commits.
        about: its subject, or the number of the annotation that it answers, which has to begin a thread.
        remark: what is said.
        author: who says it.
        now: when.
        key: of the request; a second one of this author with the same key adds nothing.
    """
    columns = {**_remark_columns(remark), **_subject_columns(about if isinstance(about, Subject) else None)}
    reply_to = None if isinstance(about, Subject) else about
    parameters = {**columns, "reply_to": reply_to, "author": author, "created_at": now, "key": key}
    found = (await conn.execute(_ADD, parameters)).scalar_one_or_none()
    if found is not None:
        return found, True
    sent: int = (await conn.execute(_SENT, {"author": author, "key": key})).scalar_one()
    return sent, False


async def one(conn: AsyncConnection, annotation_id: int) -> Annotation | None:
    """The annotation of that number, if there is one."""
    row = (await conn.execute(_ONE, {"annotation_id": annotation_id})).one_or_none()
    return None if row is None else _annotation(row)


async def listed(
    conn: AsyncConnection, wish: Wish, *, after: Place | None = None, most: int
) -> list[Annotation]:
    """At most *most* of those that begin threads, the newest first, that follow *after*."""
    after_at, after_id = (None, None) if after is None else after
    parameters = {
        "slugs": list(wish.slugs),
        "kinds": None if wish.kinds is None else [kind.value for kind in wish.kinds],
        "window": wish.window,
        "dimensions": _json(wish.dimensions),
        "start_at": wish.start_at,
        "end_at": wish.end_at,
        "after_at": after_at,
        "after_id": after_id,
        "most": most,
    }
    return [_annotation(row) for row in await conn.execute(_LISTED, parameters)]


async def replies(
    conn: AsyncConnection, annotation_id: int, *, after: int = 0, most: int
) -> list[Annotation]:
    """At most *most* answers of a thread, the oldest first, of numbers beyond *after*."""
    parameters = {"annotation_id": annotation_id, "after_id": after, "most": most}
    return [_annotation(row) for row in await conn.execute(_REPLIES, parameters)]


async def change(
    conn: AsyncConnection,
    annotation_id: int,
    *,
    version: int,
    subject: Subject | None,
    remark: Remark,
    now: datetime,
) -> bool:
    """Say it anew; False where *version* is no longer the newest, and nothing was written.

    Args:
        conn: in a transaction of the caller's, who commits.
        annotation_id: which one.
        version: the one that was seen.
        subject: None of an answer, which has none of its own.
        remark: what is said now.
        now: when.
    """
    columns = {**_remark_columns(remark), **_subject_columns(subject)}
    parameters = {**columns, "annotation_id": annotation_id, "version": version, "edited_at": now}
    return (await conn.execute(_CHANGE, parameters)).rowcount == 1


async def remove(conn: AsyncConnection, annotation_id: int, *, version: int) -> bool:
    """Delete it and its answers; False where *version* is no longer the newest, and nothing was deleted."""
    parameters = {"annotation_id": annotation_id, "version": version}
    return (await conn.execute(_REMOVE, parameters)).rowcount == 1


async def counted(conn: AsyncConnection, spans: Sequence[Span]) -> list[int]:
    """How many annotations that begin threads touch each of *spans*, in their order."""
    if not spans:
        return []
    parameters = {
        "slugs": [span.slug for span in spans],
        "windows": [span.window for span in spans],
        "dimensions": [_json(span.dimensions) for span in spans],
        "starts": [span.start_at for span in spans],
        "ends": [span.end_at for span in spans],
        "earliest": min(span.start_at for span in spans),
    }
    found = {row.place: row.n for row in await conn.execute(_COUNTED, parameters)}
    return [found.get(place, 0) for place in range(1, len(spans) + 1)]


def _json(dimensions: Mapping[str, str | None] | None) -> str | None:
    return None if dimensions is None else msgspec.json.encode(dict(dimensions)).decode()


def _remark_columns(remark: Remark) -> dict[str, Any]:
    return {"kind": remark.kind.value, "text": remark.text, "link": remark.link}


def _subject_columns(subject: Subject | None) -> dict[str, Any]:
    if subject is None:
        return dict.fromkeys(("kpis", "window", "dimensions", "start_at", "end_at"))
    return {
        "kpis": None if subject.kpis is None else list(subject.kpis),
        "window": subject.window,
        "dimensions": _json(subject.dimensions),
        "start_at": subject.start_at,
        "end_at": subject.end_at,
    }


def _annotation(row: Row[Any]) -> Annotation:
    kpis = None if row.kpis is None else tuple(row.kpis)
    return Annotation(
        annotation_id=row.annotation_id,
        version=row.version,
        subject=Subject(kpis, row.window, row.dimensions, row.start_at, row.end_at),
        remark=Remark(AnnotationKind(row.kind), row.text, row.link),
        reply_to=row.reply_to,
        author=row.author,
        created_at=row.created_at,
        edited_at=row.edited_at,
        replies=row.replies,
    )
