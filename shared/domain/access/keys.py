"""Keys as they are kept: what they allow, until when, and what becomes of them; it knows no secret."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.access.errors import RefusedError
from shared.domain.access.limits import EVERYTHING, Limits
from shared.domain.access.principals import Principal
from shared.domain.access.scopes import Scope
from shared.domain.errors import BadInputError

SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=3650)
"""Between which a key's life lies: a minute serves a browser that is handed one, and none lives for ever."""

USUAL = timedelta(days=90)
"""A key's life where nothing else is said."""

LONGEST_OVERLAP = timedelta(days=7)
"""How long an old secret may go on after a rotation: two secrets for ever would be no rotation."""

NAME_CHARACTERS = 100

MOST_LISTED = 200
"""How many departments or KPIs a key may be limited to."""


class InvalidKeyError(BadInputError):
    """A key cannot be made as wished for.

    Attributes:
        field: what is at fault.
        reason: what is wrong with it.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class UnknownKeyError(BadInputError):
    """There is no key of that id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"there is no key {key_id!r}")


class DeadKeyError(RefusedError):
    """The key was revoked or has expired; make another one."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"key {key_id!r} was revoked or has expired: make another one")


@dataclass(frozen=True, slots=True)
class Wish:
    """A key that somebody wants.

    Raises:
        InvalidKeyError: there cannot be such a key.
    """

    name: str
    scopes: frozenset[Scope]
    limits: Limits = EVERYTHING
    lives: timedelta = USUAL

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > NAME_CHARACTERS or not self.name.isprintable():
            raise InvalidKeyError("name", f"write 1 to {NAME_CHARACTERS} printable characters")
        if not self.scopes:
            raise InvalidKeyError("scopes", f"name at least one of {', '.join(Scope)}")
        if Scope.ADMIN in self.scopes and not self.limits.is_everything:
            reason = "admin cannot be limited: the audit log and the keys name everything"
            raise InvalidKeyError("scopes", reason)
        if not SHORTEST <= self.lives <= LONGEST:
            raise InvalidKeyError("valid_for_s", "lies outside of a minute to 3650 days")
        for field, listed in (("departments", self.limits.departments), ("kpis", self.limits.kpis)):
            _check_list(field, listed)


def _check_list(field: str, listed: frozenset[str] | None) -> None:
    if listed is None:
        return
    if not 1 <= len(listed) <= MOST_LISTED:
        raise InvalidKeyError(field, f"name 1 to {MOST_LISTED}, or leave it out")
    if not all(each.strip() and len(each) <= NAME_CHARACTERS and each.isprintable() for each in listed):
        raise InvalidKeyError(field, f"each has 1 to {NAME_CHARACTERS} printable characters")


@dataclass(frozen=True, slots=True)
class Key:
    """A key, of which everything may be told to those who administer keys.

    Attributes:
        created_by: the name of the principal that made it.
        last_used_at: to a few minutes; None: not that anybody knows of.
        earlier_until: until when the secret before the last rotation is accepted.
    """

    key_id: str
    name: str
    scopes: frozenset[Scope]
    limits: Limits
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = None
    rotated_at: datetime | None = None
    earlier_until: datetime | None = None
    revoked_at: datetime | None = None

    def is_alive(self, now: datetime) -> bool:
        """Whether it is accepted *now*, by whoever has its secret."""
        return self.revoked_at is None and now < self.expires_at

    @property
    def principal(self) -> Principal:
        """Who asks with it."""
        return Principal(f"key:{self.key_id}:{self.name}", self.scopes, self.limits)


def a_key(wish: Wish, *, key_id: str, by: str, now: datetime) -> Key:
    """The key that fulfils *wish*, made *now* by the principal named *by*."""
    return Key(
        key_id=key_id,
        name=wish.name,
        scopes=wish.scopes,
        limits=wish.limits,
        created_by=by,
        created_at=now,
        expires_at=now + wish.lives,
    )


def rotated(key: Key, *, overlap: timedelta, now: datetime) -> Key:
    """*key* after a rotation: its old secret is accepted for *overlap*, not beyond the key's own end.

    Raises:
        InvalidKeyError: the overlap is negative or too long.
        DeadKeyError: the key is no longer accepted at all.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise InvalidKeyError("overlap_s", f"lies outside of 0 to {LONGEST_OVERLAP.days} days")
    if not key.is_alive(now):
        raise DeadKeyError(key.key_id)
    return replace(key, rotated_at=now, earlier_until=min(now + overlap, key.expires_at))
