"""The audit log as the API and the command line tell it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from pydantic import Field

from shared.domain.audits import Head, Recorded


@dataclass(frozen=True, slots=True)
class AuditEntryBody:
    """Something that somebody changed."""

    seq: Annotated[int, Field(description="From 1 without a gap")]
    at: datetime
    actor: Annotated[str, Field(description="key:<id>:<name>, cli:<user of the machine>, or local")]
    action: Annotated[str, Field(description="Noun and verb: kpi.update, key.revoke")]
    subject: Annotated[str, Field(description="What was changed: a slug, the id of a key")]
    detail: Annotated[Mapping[str, Any], Field(description="What else there is to say; never a secret")]
    hash: Annotated[str, Field(description="SHA-256 of the entry and of the hash before it, hexadecimal")]


@dataclass(frozen=True, slots=True)
class AuditBody:
    """A page of the audit log."""

    items: Annotated[list[AuditEntryBody], Field(description="The newest first")]
    next_cursor: Annotated[str | None, Field(description="For the next page; null: this was the last")]
    head: Annotated[
        str,
        Field(description="The newest entry of all: keep it elsewhere for `tidemark audit verify --head`"),
    ]


def audit_entry_body(entry: Recorded) -> AuditEntryBody:
    """*entry* as it is told."""
    return AuditEntryBody(
        seq=entry.seq,
        at=entry.at,
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        detail=msgspec.json.decode(entry.detail),
        hash=entry.hash.hex(),
    )


def audit_body(entries: list[Recorded], head: Head, *, next_cursor: str | None) -> AuditBody:
    """A page of *entries* of a log that goes up to *head*."""
    return AuditBody([audit_entry_body(entry) for entry in entries], next_cursor, str(head))
