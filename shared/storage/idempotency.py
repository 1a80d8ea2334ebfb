"""Answers that were given to requests with a key, so that the same request again has the same answer.

Functions take the connection and never commit: an answer is kept by the transaction of what it tells of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.domain.errors import BadInputError
from shared.storage.tables import kept_answers

KEPT = timedelta(days=1)
"""How long an answer is kept: longer than anybody tries again by itself."""


class ReusedKeyError(BadInputError):
    """An Idempotency-Key was sent before with another request; give every request its own."""

    def __init__(self) -> None:
        super().__init__("Idempotency-Key: is that of another request; give each its own")


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered once.

    Attributes:
        fingerprint: of the request, by which another one with the same key is told apart.
        headers: those that say something of the answer's content.
    """

    fingerprint: str
    status: int
    headers: Mapping[str, str]
    body: bytes


async def kept_answer(conn: AsyncConnection, actor: str, key: str, now: datetime) -> KeptAnswer | None:
    """What *actor* was answered to its request with that *key*; None if there was none in the last day."""
    query = select(
        kept_answers.c.fingerprint, kept_answers.c.status, kept_answers.c.headers, kept_answers.c.body
    )
    query = query.where(
        kept_answers.c.actor == actor, kept_answers.c.key == key, kept_answers.c.created_at > now - KEPT
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else KeptAnswer(row.fingerprint, row.status, row.headers, row.body)


async def keep_answer(conn: AsyncConnection, actor: str, key: str, answer: KeptAnswer, now: datetime) -> None:
    """Keep *answer* for a day; what is older goes."""
    await conn.execute(delete(kept_answers).where(kept_answers.c.created_at <= now - KEPT))
    values = {
        "actor": actor,
        "key": key,
        "fingerprint": answer.fingerprint,
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": answer.body,
        "created_at": now,
    }
    await conn.execute(insert(kept_answers).values(values))
