"""API keys: made, rotated, revoked, each with its entry in the audit log; secrets leave here once.

Functions take the connection and never commit.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.access import Limits, Scope
from shared.domain.access.keys import Key, UnknownKeyError, Wish, a_key, rotated
from shared.domain.access.tokens import ID_BYTES, SECRET_BYTES, Secrets, token_of, token_text
from shared.storage import audit
from shared.storage.audit import Entry
from shared.storage.idempotency import ReusedKeyError
from shared.storage.tables import api_keys

USED_EVERY = timedelta(minutes=5)
"""How coarse `last_used_at` is: a row a request would cost more than the request."""


@dataclass(frozen=True, slots=True)
class Made:
    """A key and its text, which is told now or never.

    Attributes:
        token: None where an earlier request with the same Idempotency-Key has been told it.
    """

    key: Key
    token: str | None


@dataclass(frozen=True, slots=True)
class Usable:
    """A key that may be asked with, and what proves it."""

    key: Key
    secrets: Secrets


_KEY = (
    api_keys.c.key_id,
    api_keys.c.name,
    api_keys.c.scopes,
    api_keys.c.departments,
    api_keys.c.kpis,
    api_keys.c.created_by,
    api_keys.c.created_at,
    api_keys.c.expires_at,
    api_keys.c.last_used_at,
    api_keys.c.rotated_at,
    api_keys.c.earlier_until,
    api_keys.c.revoked_at,
)


def _key(row: Any) -> Key:
    return Key(
        key_id=row.key_id,
        name=row.name,
        scopes=frozenset(map(Scope, row.scopes)),
        limits=Limits(_set(row.departments), _set(row.kpis)),
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        rotated_at=row.rotated_at,
        earlier_until=row.earlier_until,
        revoked_at=row.revoked_at,
    )


def _set(listed: Sequence[str] | None) -> frozenset[str] | None:
    return None if listed is None else frozenset(listed)


def _list(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def _drawn(key_id: str) -> tuple[str, bytes]:
    """A new text for the key, and its digest."""
    text = token_text(key_id, secrets.token_bytes(SECRET_BYTES))
    token = token_of(text)
    if token is None:
        raise AssertionError("a key that was just made cannot be read")
    return text, token.digest


async def make(
    conn: AsyncConnection, wish: Wish, *, by: str, now: datetime, request: str | None = None
) -> Made:
    """Make the key that was wished for, or find the one that the same *request* made.

    Args:
        conn: in a transaction of the caller's.
        wish: what it is to allow.
        by: the principal who makes it.
        now: when.
        request: the caller's Idempotency-Key; with it a repetition makes no second key.

    Raises:
        ReusedKeyError: the request made another key.
    """
    marks = {} if request is None else _marks(wish, by, request)
    if marks and (found := await _made_by(conn, marks)) is not None:
        return Made(found, token=None)
    key = a_key(wish, key_id=secrets.token_hex(ID_BYTES), by=by, now=now)
    text, digest = _drawn(key.key_id)
    allowed = _allowed(key)
    await conn.execute(
        insert(api_keys).values(
            key_id=key.key_id, name=key.name, created_by=by, created_at=now, expires_at=key.expires_at,
            digest=digest, **allowed, **marks,
        )
    )  # fmt: skip
    detail = {"name": key.name, "expires_at": key.expires_at, **allowed}
    await audit.record(conn, Entry(by, "key.create", key.key_id, detail))
    return Made(key, text)


def _allowed(key: Key) -> dict[str, Any]:
    return {
        "scopes": sorted(key.scopes),
        "departments": _list(key.limits.departments),
        "kpis": _list(key.limits.kpis),
    }


def _marks(wish: Wish, by: str, request: str) -> dict[str, bytes]:
    body = [wish.name, sorted(wish.scopes), _list(wish.limits.departments), _list(wish.limits.kpis)]
    return {
        "request": hashlib.sha256(msgspec.json.encode([by, request])).digest(),
        "request_body": hashlib.sha256(msgspec.json.encode([*body, wish.lives.total_seconds()])).digest(),
    }


async def _made_by(conn: AsyncConnection, marks: dict[str, bytes]) -> Key | None:
    # Whoever asks the same at the same time waits here, and then finds what was made.
    await conn.execute(select(func.pg_advisory_xact_lock(int.from_bytes(marks["request"][:7]))))
    query = select(*_KEY, api_keys.c.request_body).where(api_keys.c.request == marks["request"])
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        return None
    if row.request_body != marks["request_body"]:
        raise ReusedKeyError
    return _key(row)


async def rotate(conn: AsyncConnection, key_id: str, *, overlap: timedelta, by: str, now: datetime) -> Made:
    """Give the key a new secret; the one before is accepted for *overlap*, any older one no more.

    Raises:
        UnknownKeyError: there is no such key.
        DeadKeyError: it was revoked or has expired.
        InvalidKeyError: the overlap is too long.
    """
    after = rotated(await _locked(conn, key_id), overlap=overlap, now=now)
    text, digest = _drawn(key_id)
    await conn.execute(
        update(api_keys)
        .where(api_keys.c.key_id == key_id)
        .values(
            earlier_digest=api_keys.c.digest,
            digest=digest,
            earlier_until=after.earlier_until,
            rotated_at=now,
        )
    )
    detail = {"name": after.name, "earlier_until": after.earlier_until}
    await audit.record(conn, Entry(by, "key.rotate", key_id, detail))
    return Made(after, text)


async def revoke(conn: AsyncConnection, key_id: str, *, by: str, now: datetime) -> Key:
    """End the key for good; one that is at its end already stays as it is, and nothing is recorded.

    Raises:
        UnknownKeyError: there is no such key.
    """
    key = await _locked(conn, key_id)
    if key.revoked_at is not None:
        return key
    await conn.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(revoked_at=now))
    await audit.record(conn, Entry(by, "key.revoke", key_id, {"name": key.name}))
    return await key_of(conn, key_id)


async def _locked(conn: AsyncConnection, key_id: str) -> Key:
    query = select(*_KEY).where(api_keys.c.key_id == key_id).with_for_update()
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        raise UnknownKeyError(key_id)
    return _key(row)


async def key_of(conn: AsyncConnection, key_id: str) -> Key:
    """The key of that id, dead ones too.

    Raises:
        UnknownKeyError: there is none.
    """
    row = (await conn.execute(select(*_KEY).where(api_keys.c.key_id == key_id))).one_or_none()
    if row is None:
        raise UnknownKeyError(key_id)
    return _key(row)


async def keys(
    conn: AsyncConnection, *, after: tuple[datetime, str] | None = None, limit: int = 500
) -> list[Key]:
    """At most *limit* keys, dead ones too, in the order they were made, those that follow *after*."""
    query = select(*_KEY).order_by(api_keys.c.created_at, api_keys.c.key_id).limit(limit)
    if after is not None:
        query = query.where(tuple_(api_keys.c.created_at, api_keys.c.key_id) > after)
    return [_key(row) for row in await conn.execute(query)]


async def usable(conn: AsyncConnection, *, now: datetime) -> list[Usable]:
    """Every key that may be asked with *now*."""
    query = select(*_KEY, api_keys.c.digest, api_keys.c.earlier_digest).where(
        api_keys.c.revoked_at.is_(None), api_keys.c.expires_at > now
    )
    return [
        Usable(_key(row), Secrets(row.digest, row.earlier_digest, row.earlier_until))
        for row in await conn.execute(query)
    ]


async def note_use(conn: AsyncConnection, key_ids: Sequence[str], *, now: datetime) -> None:
    """Remember that the keys were used *now*, unless it is known that they were a few minutes ago."""
    is_old = api_keys.c.last_used_at.is_(None) | (api_keys.c.last_used_at < now - USED_EVERY)
    await conn.execute(
        update(api_keys).where(api_keys.c.key_id.in_(sorted(key_ids)), is_old).values(last_used_at=now)
    )
