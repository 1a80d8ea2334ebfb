"""Keys as the API and the command line tell them; a secret only in the answer that makes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from shared.domain.access import Limits, Scope
from shared.domain.access.keys import LONGEST, LONGEST_OVERLAP, USUAL, InvalidKeyError, Key, Wish
from shared.storage.keys import Made


@dataclass(frozen=True, slots=True)
class NewKeyBody:
    """A key that is wished for."""

    name: Annotated[str, Field(description="What or whom it is for; at most 100 characters")]
    scopes: Annotated[list[Scope], Field(description="What it may do; none includes another")]
    departments: Annotated[
        list[str] | None, Field(description="See only KPIs of these, and those in kpis; null: no such limit")
    ] = None
    kpis: Annotated[
        list[str] | None, Field(description="See only these, and those of departments; null: no such limit")
    ] = None
    valid_for_s: Annotated[
        int,
        Field(
            ge=60,
            le=round(LONGEST.total_seconds()),
            description="Seconds for which it is accepted; 90 days when left out",
        ),
    ] = round(USUAL.total_seconds())


@dataclass(frozen=True, slots=True)
class RotationBody:
    """How a key is to be rotated."""

    overlap_s: Annotated[
        int,
        Field(
            ge=0,
            le=round(LONGEST_OVERLAP.total_seconds()),
            description="Seconds for which the old secret is still accepted",
        ),
    ] = 86_400


State = Literal["active", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class KeyBody:
    """A key, without its secret, which nobody has."""

    key_id: Annotated[str, Field(description="The part of the key after tmk_")]
    name: str
    state: Annotated[State, Field(description="Whether it is accepted, and if not, why")]
    scopes: list[Scope]
    departments: list[str] | None
    kpis: list[str] | None
    created_by: Annotated[str, Field(description="Who made it, as in the audit log")]
    created_at: datetime
    expires_at: datetime
    last_used_at: Annotated[datetime | None, Field(description="To a few minutes; null: never")]
    rotated_at: datetime | None
    earlier_until: Annotated[
        datetime | None, Field(description="Until when the secret before the last rotation is accepted")
    ]
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeysBody:
    """A page of keys."""

    items: list[KeyBody]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]


@dataclass(frozen=True, slots=True)
class MadeBody:
    """A key and its text."""

    key: KeyBody
    token: Annotated[
        str | None,
        Field(
            description="What to send as `Authorization: Bearer ...`, told this once; null: an earlier"
            " request with this Idempotency-Key was told it; rotate the key if that was lost"
        ),
    ]


def key_wish(body: NewKeyBody) -> Wish:
    """The key that *body* asks for.

    Raises:
        InvalidKeyError: there cannot be such a key.
    """
    if len(set(body.scopes)) != len(body.scopes):
        raise InvalidKeyError("scopes", "names a scope twice")
    departments = None if body.departments is None else frozenset(body.departments)
    kpis = None if body.kpis is None else frozenset(body.kpis)
    lives = timedelta(seconds=body.valid_for_s)
    return Wish(body.name, frozenset(body.scopes), Limits(departments, kpis), lives)


def key_body(key: Key, *, now: datetime) -> KeyBody:
    """What is told of *key* as of *now*."""
    departments, kpis = key.limits.departments, key.limits.kpis
    return KeyBody(
        key_id=key.key_id,
        name=key.name,
        state=_state(key, now),
        scopes=sorted(key.scopes),
        departments=None if departments is None else sorted(departments),
        kpis=None if kpis is None else sorted(kpis),
        created_by=key.created_by,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        rotated_at=key.rotated_at,
        earlier_until=key.earlier_until,
        revoked_at=key.revoked_at,
    )


def _state(key: Key, now: datetime) -> State:
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.is_alive(now) else "expired"


def made_body(made: Made, *, now: datetime) -> MadeBody:
    """What is told of a key that was just made or rotated."""
    return MadeBody(key_body(made.key, now=now), made.token)
