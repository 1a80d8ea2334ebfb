"""Entries of the audit log and the chain of hashes through them; it knows no table and no clock."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from shared.domain.calendars import instant_us

START = bytes(32)
"""What the first entry follows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that somebody changed.

    Attributes:
        actor: who, as `Principal.name` has it.
        action: what was done, as noun and verb: `kpi.update`, `key.revoke`.
        subject: to what: a slug, the id of a key.
        detail: what else there is to say, as it goes into JSON; never a secret.
    """

    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry in its place.

    Attributes:
        seq: its number, from 1 without a gap.
        detail: the JSON text of the entry's detail, byte for byte what is hashed.
        hash: `link` of the entry and the one before.
    """

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry: who knows it finds out whether the log was rewritten or cut short later.

    Attributes:
        seq: its number; 0 where there is none.
    """

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


def head_of(text: str) -> Head:
    """The head that *text* was printed for.

    Raises:
        ValueError: it is none.
    """
    seq, _, hexadecimal = text.partition(":")
    digest = bytes.fromhex(hexadecimal)
    if not seq.isdecimal() or len(digest) != len(START):
        raise ValueError("write a head as it was told, such as 12:9f86d0…")
    return Head(int(seq), digest)


def detail_text(detail: Mapping[str, Any]) -> str:
    """*detail* as it is kept: the same text for the same content."""
    return msgspec.json.encode(detail, order="deterministic").decode()


def link(previous: bytes, entry: Recorded) -> bytes:
    """SHA-256 of the hash before and everything *entry* says but its own hash.

    The parts stand in a JSON array, so that no text can move from one part into the next.
    """
    parts = [entry.seq, instant_us(entry.at), entry.actor, entry.action, entry.subject, entry.detail]
    return hashlib.sha256(previous + msgspec.json.encode(parts)).digest()


def flaw(previous: Head, entry: Recorded) -> str | None:
    """What is wrong with *entry* after *previous*, or None."""
    if entry.seq != previous.seq + 1:
        return "is missing"
    if entry.hash != link(previous.hash, entry):
        return "does not say what it said, or not what it followed"
    return None
