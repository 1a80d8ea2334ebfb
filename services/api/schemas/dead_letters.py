"""Dead letters as the API tells them, and how they are asked to be sent again."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.deadletters import original_headers
from shared.replay.letter_pages import LetterPage
from shared.replay.letters import StoredLetter, Summary

AT_MOST = 100
"""How many letters one request may send again: each may have 8 MiB."""


@dataclass(frozen=True, slots=True)
class DeadLetterOriginBody:
    """Where a record lay that was set aside."""

    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeadLetterBody:
    """A record that was refused."""

    partition: Annotated[int, Field(description="Where it lies among the dead letters")]
    offset: Annotated[int, Field(description="Its offset there; with the partition it names the letter")]
    time: Annotated[str, Field(description="When it was set aside, RFC 3339 in UTC")]
    reason: Annotated[str, Field(description="Why, as a word; docs/events.md lists them")]
    detail: Annotated[str, Field(description="Why, as a sentence that names the field")]
    service: Annotated[str, Field(description="Who set it aside: ingest or compute")]
    origin: Annotated[DeadLetterOriginBody, Field(description="Where it came from")]
    size: Annotated[int | None, Field(description="Bytes of the value; null: it had none")]
    truncated: Annotated[bool, Field(description="Only the beginning was kept: it can only be sent mended")]
    preview: Annotated[str | None, Field(description="The first 200 characters, unprintable ones as ·")]


@dataclass(frozen=True, slots=True)
class WholeDeadLetterBody(DeadLetterBody):
    """A record that was refused, with all that was kept of it."""

    text: Annotated[str | None, Field(description="The value as text; null: it is not UTF-8, or none")]
    value_base64: Annotated[str | None, Field(description="The value, byte by byte")]
    key_base64: Annotated[str | None, Field(description="The record's key")]
    headers: Annotated[Sequence[tuple[str, str | None]], Field(description="The record's own headers")]


@dataclass(frozen=True, slots=True)
class DeadLettersBody:
    """A page of dead letters, newest first."""

    items: list[DeadLetterBody]
    next_cursor: Annotated[
        str | None,
        Field(description="For the next page, also of a page without items; null: this was the last"),
    ]


class AgainBody(BaseModel):
    """A dead letter that is to be sent again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partition: Annotated[int, Field(ge=0, strict=True)]
    offset: Annotated[int, Field(ge=0, strict=True)]
    text: Annotated[
        str | None,
        Field(description="What to send instead, the mended record's text. Left out: as it arrived"),
    ] = None

    @property
    def mended(self) -> bytes | None:
        """The value that is sent instead; None leaves the record as it was."""
        return None if self.text is None else self.text.encode(errors="replace")


class RetryBody(BaseModel):
    """Which dead letters are to be sent again, and where to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    letters: Annotated[tuple[AgainBody, ...], Field(min_length=1, max_length=AT_MOST)]
    topic: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=249,
            description="Another topic than those they came from, for all of them",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class RetriedBody:
    """What was sent again."""

    sent: Annotated[int, Field(description="How many letters; Kafka has acknowledged them all")]
    topics: Annotated[Mapping[str, int], Field(description="How many to which topic")]


def page_body(page: LetterPage, next_cursor: str | None) -> DeadLettersBody:
    """*page* as told."""
    return DeadLettersBody([_summary_body(summary) for summary in page.letters], next_cursor)


def _summary_body(summary: Summary) -> DeadLetterBody:
    letter = summary.letter
    return DeadLetterBody(
        partition=summary.partition,
        offset=summary.offset,
        time=letter.time,
        reason=letter.reason,
        detail=letter.detail,
        service=letter.service,
        origin=DeadLetterOriginBody(letter.topic, letter.partition, letter.offset),
        size=summary.size,
        truncated=summary.is_truncated,
        preview=summary.preview,
    )


def whole_body(stored: StoredLetter) -> WholeDeadLetterBody:
    """*stored* with every byte."""
    summary, record = _summary_body(stored.summary), stored.record
    told = {each.name: getattr(summary, each.name) for each in fields(summary)}
    headers = [
        (name, None if value is None else value.decode(errors="replace"))
        for name, value in original_headers(record.headers)
    ]
    return WholeDeadLetterBody(
        **told,
        text=_text(record.value),
        value_base64=_base64(record.value),
        key_base64=_base64(record.key),
        headers=headers,
    )


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
